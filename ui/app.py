"""Settings -> the chat page on its port: opens the archive, puts the page together, serves it.

Programs find what `rag serve` gives on the same port; see :mod:`rag.server`.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn

import rag
from rag.errors import UsageError
from rag.guard import App, Entrance, Login, Receive, Scope, Send, host_name, is_loopback
from rag.server import ROUTES, build_server, token_of
from rag.settings import Settings
from ui.archives import ArchiveHolder, open_or_build
from ui.guard import PageGuard

if TYPE_CHECKING:
    from fastapi import FastAPI

CONVERSATIONS_FILE = "conversations.sqlite"


def launch(settings: Settings, *, open_browser: bool = False) -> None:
    """Serve the chat page until it is interrupted.

    The archive is opened (at the first run: built) in the background; until it is there, the page
    says how far that is.

    Raises:
        UsageError: If the address needs a password and has none or cannot be had, or if the file
            of the conversations or of the token cannot be used.
    """
    check_address(settings)
    with _listening(settings) as listener:
        holder = ArchiveHolder(partial(open_or_build, settings))
        holder.open_in_background()
        app = build_app(holder, settings)
        url = _url(settings)
        sys.stderr.write(f"The chat page is at {url}, for programs {url}/docs (Ctrl-C ends it).\n")
        if open_browser:
            timer = threading.Timer(1.0, webbrowser.open, [url])
            timer.daemon = True
            timer.start()
        config = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        with suppress(KeyboardInterrupt):  # how one ends it
            uvicorn.Server(config).run(sockets=[listener])


def build_app(archive_provider: ArchiveHolder, settings: Settings) -> FastAPI:
    """Return the page as an application that any ASGI server can run.

    Args:
        archive_provider: Holds the archive to ask, or says why there is none.
        settings: The page's knobs (``chat_*``), those of what programs ask (``serve_*``), the
            corpus and the index.

    Raises:
        UsageError: If the file of the conversations or of the token cannot be used.
    """
    # Read by Gradio when it is imported: it asks its makers' servers otherwise.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from ui.page import assemble  # Gradio takes seconds to import

    login = _login(settings)
    # What the page shows programs may ask for: the same archive, by the same names.
    archive = cast("Callable[[], rag.Archive]", archive_provider.archive)
    programs = Entrance(_names(settings), "chat_names", token_of(settings), login)
    server = build_server(archive, settings, programs)
    app = assemble(archive_provider, settings, beside=server)
    app.add_middleware(
        PageGuard,
        entrance=Entrance(_names(settings), "chat_names", login=login),
        # Files travel as base64 inside JSON, a few at a time.
        max_body_bytes=int(settings.chat_upload_mb * 1e6 * 1.4) + 1_000_000,
    )
    app.add_middleware(_TwoDoors, for_programs=server)
    return app


class _TwoDoors:
    """Leads programs to the server and everyone else to the page, past a guard each.

    Args:
        app: The page.
        for_programs: The server.
    """

    def __init__(self, app: App, *, for_programs: App) -> None:
        self._page = app
        self._server = for_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        to_server = scope["type"] == "http" and ROUTES.fullmatch(scope["path"])
        await (self._server if to_server else self._page)(scope, receive, send)


def check_address(settings: Settings) -> None:
    """Refuse to serve other machines without a password.

    Raises:
        UsageError: If the address is not this machine's own and no password is set.
    """
    if settings.chat_password is None and not is_loopback(settings.chat_host):
        raise UsageError(
            f"The page would be open to everyone who reaches {settings.chat_host}.",
            remedy="Set RAG_CHAT_PASSWORD (and RAG_CHAT_USER), or leave `chat_host` at 127.0.0.1.",
        )


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.chat_host, settings.chat_port
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise UsageError(
            f"The page cannot be served at {_url(settings)}: {error.strerror}.",
            remedy="Set RAG_CHAT_PORT to a free port (and RAG_CHAT_HOST to an own address).",
        ) from error


def _url(settings: Settings) -> str:
    host = f"[{settings.chat_host}]" if ":" in settings.chat_host else settings.chat_host
    return f"http://{host}:{settings.chat_port}"


def _names(settings: Settings) -> frozenset[str]:
    further = (host_name(name) for name in settings.chat_names.split(","))
    own = {"127.0.0.1", "localhost", "::1", settings.chat_host.lower()}
    return frozenset(own | {name for name in further if name})


def _login(settings: Settings) -> Login | None:
    if settings.chat_password is None:
        return None
    return Login(settings.chat_user, settings.chat_password.get_secret_value())
