"""Many visitors at once get their own answers, all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from conftest import Server
from load import articles, crowd

pytestmark = [pytest.mark.browser]


def test_twenty_five_visitors_at_once_get_their_own_answers(serve: Callable[..., Server]) -> None:
    server = serve(articles())

    told = asyncio.run(crowd(server.url.rstrip("/"), 25))

    assert [visitor.errors for visitor in told] == [[]] * 25
    assert [visitor.town for visitor in told if visitor.foreign(told)] == []
