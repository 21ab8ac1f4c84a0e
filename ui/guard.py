"""Every request to the page -> allowed or refused, and every response made harmless.

The page is one site for one machine (or for those who know the password): on top of what
:mod:`rag.guard` refuses, nothing may be asked at a route that the page does not use. No inline
script runs but those of the page itself, which carry a nonce.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from http.cookies import CookieError, SimpleCookie

from rag.guard import (
    App,
    Entrance,
    Guard,
    Headers,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
    has_foreign_origin,
    is_cross_site,
    send_whole,
)

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


class PageGuard(Guard):
    """ASGI middleware around the whole page.

    Args:
        app: What is guarded.
        entrance: Who may come in.
        max_body_bytes: Larger request bodies are refused.
    """

    def __init__(self, app: App, *, entrance: Entrance, max_body_bytes: int) -> None:
        super().__init__(
            app, entrance=entrance, max_body_bytes=max_body_bytes, requests_per_minute=None
        )

    def is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """Say whether another site acts through the reader's browser; it may link to the page."""
        if has_foreign_origin(headers):
            return True
        return not _is_reading(scope) and is_cross_site(headers)

    def further_refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Refuse what the page does not use of what Gradio offers."""
        allowed = _READ if _is_reading(scope) else _WRITE
        known_method = _is_reading(scope) or scope["method"] == "POST"
        if known_method and allowed.fullmatch(scope["path"]):
            return None
        return Refusal(404, "There is nothing here.", "The page is at /.")

    def too_large(self) -> Refusal:
        """Return the refusal of a body."""
        return Refusal(
            413, "That is too large.", "Add a smaller file, or raise the setting chat_upload_mb."
        )

    async def refuse(self, refusal: Refusal, scope: Scope, send: Send) -> None:
        """Send a refusal as text, for people."""
        policy = _POLICY.format(nonce=secrets.token_urlsafe(16))
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "content-security-policy": policy,
            **_HEADERS,
        }
        await send_whole(send, refusal, f"{refusal.problem} {refusal.remedy}\n", headers)

    async def pass_on(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Have a request answered; the front page gets its nonce and a new visitor a cookie."""
        front = scope["path"] == "/"
        if front:
            # The page is rewritten below, so it must not arrive compressed.
            kept = [(name, v) for name, v in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        token = None
        if front and visitor_of(headers.get("cookie", "")) is None:
            token = secrets.token_urlsafe(32)
        nonce = secrets.token_urlsafe(16)
        await self.app(scope, receive, _Sender(send, nonce=nonce, token=token, rewrite=front))


def _is_reading(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD")


class _Sender:
    """Sends a response on with our headers, its inline scripts vouched for."""

    def __init__(self, send: Send, *, nonce: str, token: str | None, rewrite: bool) -> None:
        self._send = send
        self._nonce = nonce
        self._token = token
        self._rewrite = rewrite
        self._held: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
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
