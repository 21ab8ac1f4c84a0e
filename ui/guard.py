"""Every request -> allowed or refused, and every response with the headers that keep it harmless.

The page is one site for one machine (or for those who know the password): nothing may be asked for
under another name, from another site, at a route that the page does not use, or with a body larger
than an article needs. No inline script runs but those of the page itself, which carry a nonce.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from rag.guard import host_name

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "dateline_visitor"
COOKIE_AGE_S = 400 * 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,60}")

_READ = re.compile(
    r"/|/config|/page\.css|/theme\.css|/manifest\.json|/favicon\.ico|/robots\.txt|/(static|assets|svelte)/.*"
    r"|/gradio_api/(info|app_id|startup-events|heartbeat/\w+|queue/data|call/ask/\w+)"
    r"|/conversations/[\w-]+/export\.(md|json|html)"
)
_WRITE = re.compile(r"/gradio_api/(queue/join|call/ask|cancel|reset)")

_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; script-src-attr 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "frame-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Login:
    """The user and the password that the page asks for."""

    user: str
    password: str

    def admits(self, header: str) -> bool:
        """Say whether an ``Authorization`` header carries them."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.user}:{self.password}".encode())


class _TooLargeError(Exception):
    """The body outgrew its limit while it was read."""


class Guard:
    """ASGI middleware around the whole page.

    Args:
        app: What is guarded.
        names: Host names under which the page may be asked for, lower case, without port.
        login: What it asks for, or None.
        max_body_bytes: Larger request bodies are refused.
    """

    def __init__(
        self, app: App, *, names: frozenset[str], login: Login | None, max_body_bytes: int
    ) -> None:
        self._app = app
        self._names = names
        self._login = login
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page uses no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        nonce = secrets.token_urlsafe(16)
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(send, *refusal, nonce=nonce)
            return
        front = scope["path"] == "/"
        if front:
            # The page is rewritten below, so it must not arrive compressed.
            kept = [(name, v) for name, v in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        token = None
        if front and visitor_of(headers.get("cookie", "")) is None:
            token = secrets.token_urlsafe(32)
        sender = _Sender(send, nonce=nonce, token=token, rewrite=front)
        try:
            await self._app(scope, self._limited(receive), sender)
        except _TooLargeError:
            if sender.begun:
                raise
            await _refuse(send, 413, "That is too large.", nonce=nonce)

    def _refusal(self, scope: Scope, headers: MutableMapping[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if host_name(host) not in self._names:
            return 421, "This page is not served under that name; see the setting chat_names."
        if self._login and not self._login.admits(headers.get("authorization", "")):
            return 401, "User and password, please."
        reading = scope["method"] in ("GET", "HEAD")
        if not (_READ if reading else _WRITE).fullmatch(scope["path"]) or (
            not reading and scope["method"] != "POST"
        ):
            return 404, "There is nothing here."
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return 403, "Requests from other sites are refused."
        if not reading and headers.get("sec-fetch-site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            return 403, "Requests from other sites are refused."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            return 413, "That is too large."
        return None

    def _limited(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise _TooLargeError
            return message

        return receive_limited


class _Sender:
    """Sends a response on with our headers, its inline scripts vouched for."""

    def __init__(self, send: Send, *, nonce: str, token: str | None, rewrite: bool) -> None:
        self._send = send
        self._nonce = nonce
        self._token = token
        self._rewrite = rewrite
        self._held: Message | None = None
        self._body = b""
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        if message["type"] == "http.response.start":
            message = {**message, "headers": self._headers(message["headers"])}
            kind = dict(message["headers"]).get(b"content-type", b"")
            if self._rewrite and kind.startswith(b"text/html"):
                self._held = message
                return
        elif message["type"] == "http.response.body" and self._held is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            # Foreign text is not in the front page, and inside its JSON `<` is escaped.
            body = re.sub(
                rb"<script(?=[\s>])", b'<script nonce="' + self._nonce.encode() + b'"', self._body
            )
            start, self._held = self._held, None
            kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            kept.append((b"content-length", str(len(body)).encode()))
            await self._send({**start, "headers": kept})
            message = {"type": "http.response.body", "body": body}
        await self._send(message)

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [pair for pair in given if not pair[0].lower().startswith(b"access-control-")]
        present = {name.lower() for name, _ in kept}
        ours = {"content-security-policy": _POLICY.format(nonce=self._nonce), **_HEADERS}
        kept += [(n.encode(), v.encode()) for n, v in ours.items() if n.encode() not in present]
        if self._token:
            cookie = (
                f"{COOKIE}={self._token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={COOKIE_AGE_S}"
            )
            kept.append((b"set-cookie", cookie.encode()))
            kept.append((b"cache-control", b"no-store"))
        return kept


def visitor_of(cookie_header: str) -> str | None:
    """Return who asks, from the cookie: a fingerprint of it, so that our files hold no secret."""
    try:
        morsel = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return None
    if morsel is None or not _TOKEN.fullmatch(morsel.value):
        return None
    return hashlib.sha256(morsel.value.encode()).hexdigest()


async def _refuse(send: Send, status: int, reason: str, *, nonce: str) -> None:
    body = f"{reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", _POLICY.format(nonce=nonce).encode()),
        *((name.encode(), value.encode()) for name, value in _HEADERS.items()),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Dateline", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
