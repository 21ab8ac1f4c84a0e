"""What the page refuses, and the headers that every response carries."""

from __future__ import annotations

import asyncio
import base64
import socket
from typing import Any

import pytest

from rag.errors import UsageError
from rag.guard import Entrance, Login, host_name
from rag.settings import Settings
from ui.app import check_address, launch
from ui.guard import COOKIE, PageGuard, visitor_of

PAGE = b"<html><script>window.a = 1</script><script src=x></script><b>scripted</b></html>"


async def served(scope: Any, receive: Any, send: Any) -> None:
    """A page that reads the body and answers with scripts in it."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(PAGE)).encode()),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE})


class Reply:
    def __init__(self, messages: list[Any]) -> None:
        self.status = messages[0]["status"]
        self.headers = [(n.decode(), v.decode()) for n, v in messages[0]["headers"]]
        self.header = dict(self.headers)
        self.body = b"".join(message.get("body", b"") for message in messages[1:])


def request(
    path: str = "/",
    method: str = "GET",
    *,
    headers: dict[str, str] | None = None,
    body: list[bytes] | None = None,
    login: Login | None = None,
) -> Reply:
    given = {"host": "127.0.0.1:7860"} | (headers or {})
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    pieces = list(body or [b""])
    sent: list[Any] = []

    async def receive() -> Any:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    entrance = Entrance(frozenset({"127.0.0.1", "localhost"}), "chat_names", login=login)
    guard = PageGuard(served, entrance=entrance, max_body_bytes=100)
    asyncio.run(guard(scope, receive, send))
    return Reply(sent)


JOIN = "/gradio_api/queue/join"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@e.x"])
def test_another_host_name_is_refused(host: str) -> None:
    assert request(headers={"host": host}).status == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_only_the_page_itself_may_act(headers: dict[str, str], status: int) -> None:
    assert request(JOIN, "POST", headers=headers).status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/call/page_dl_open"),
        ("GET", "/gradio_api/proxy=http://x"),
        ("GET", "/docs"),
        ("GET", "/monitoring"),
        ("PUT", "/"),
        ("DELETE", JOIN),
    ],
)
def test_routes_that_the_page_does_not_use_are_closed(method: str, path: str) -> None:
    assert request(path, method).status == 404


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() -> None:
    assert request(JOIN, "POST", headers={"content-length": "101"}).status == 413
    assert request(JOIN, "POST", headers={"content-length": "-5"}).status == 413
    assert request(JOIN, "POST", body=[b"x" * 60, b"x" * 60]).status == 413
    assert request(JOIN, "POST", body=[b"x" * 50, b"x" * 50]).status == 200


def test_only_the_pages_own_scripts_carry_the_nonce_of_its_policy() -> None:
    reply, again = request(), request()

    policy = reply.header["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert reply.body.count(f'<script nonce="{nonce}"'.encode()) == 2
    assert b"<b>scripted</b>" in reply.body
    assert int(reply.header["content-length"]) == len(reply.body)
    assert "'unsafe-inline'" not in policy.split("script-src ")[1].split(";")[0]
    assert nonce not in again.header["content-security-policy"]
    assert "access-control-allow-origin" not in reply.header
    assert reply.header["x-content-type-options"] == "nosniff"


def test_a_visitor_gets_a_cookie_once_that_scripts_cannot_read() -> None:
    given = request().header["set-cookie"]

    assert "HttpOnly" in given
    assert "SameSite=Lax" in given
    cookie = given.split(";")[0]
    assert visitor_of(cookie) is not None
    assert "set-cookie" not in request(headers={"cookie": cookie}).header
    assert "set-cookie" not in request("/config").header


def test_what_is_no_cookie_of_ours_is_nobody() -> None:
    assert visitor_of("") is None
    assert visitor_of(f"{COOKIE}=short") is None
    assert visitor_of(f"{COOKIE}=' OR 1=1 --") is None


def test_with_a_password_nothing_is_served_without_it() -> None:
    login = Login("reader", "sécret")
    right = base64.b64encode("reader:sécret".encode()).decode()
    wrong = base64.b64encode(b"reader:guess").decode()

    assert request(login=login).status == 401
    assert request(login=login, headers={"authorization": f"Basic {wrong}"}).status == 401
    assert request(login=login, headers={"authorization": "Basic !!!"}).status == 401
    assert request(login=login, headers={"authorization": f"Basic {right}"}).status == 200
    assert "www-authenticate" in request(login=login).header


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "news.example"])
def test_other_machines_are_not_served_without_a_password(host: str) -> None:
    with pytest.raises(UsageError, match="open to everyone"):
        check_address(Settings(chat_host=host))
    check_address(Settings(chat_host=host, chat_password="long enough"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_needs_no_password(host: str) -> None:
    check_address(Settings(chat_host=host))


def test_host_names_are_read_without_their_port() -> None:
    assert host_name("[::1]:7860") == "::1"
    assert host_name("LocalHost:80") == "localhost"
    assert host_name("a b:1:2") == ""


def test_a_taken_port_is_told_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match="cannot be served at") as told:
            launch(Settings(chat_port=port))
    assert "RAG_CHAT_PORT" in told.value.remedy
