"""Every request -> passed on with its whole body, or refused.

Refused are: names that the server does not go by (a foreign page may have pointed its own name
here), other sites' pages, requests without the token or the password, bodies that are too large,
too slow or no JSON, and callers that ask too often. The chat page has rules of its own on top of
these (:mod:`ui.guard`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Mapping[str, str]

OPENAI_PREFIX = "/v1/"
BODY_TIMEOUT_S = 20.0
_SLOW_BYTES_A_SECOND = 100_000
_CALLERS_REMEMBERED = 10_000
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not carried out.

    Attributes:
        status: The HTTP status.
        problem, remedy: One line each.
        code: The same for programs, as OpenAI's clients expect it.
        retry_after_s: When to ask again, or None.
        challenge: How to say who one is, or empty where that would not help.
    """

    status: int
    problem: str
    remedy: str
    code: str = "invalid_request"
    retry_after_s: int | None = None
    challenge: str = ""

    def to_dict(self, *, for_openai: bool = False) -> dict[str, Any]:
        """Return the refusal as JSON values: our form, or OpenAI's."""
        if not for_openai:
            return {"problem": self.problem, "remedy": self.remedy}
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": f"{self.problem} {self.remedy}",
                "type": "rate_limit_error" if self.status == 429 else kind,
                "param": None,
                "code": self.code,
            }
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        headers = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
        if self.challenge:
            headers["www-authenticate"] = self.challenge
        return headers


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, as browsers send them."""

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


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and how.

    Attributes:
        names: Host names under which the server may be asked, lower case, without port.
        names_setting: The setting that adds to them.
        token, login: Either opens, where there is one; without both, no door is locked.
    """

    names: frozenset[str]
    names_setting: str
    token: str | None = None
    login: Login | None = None

    @property
    def is_locked(self) -> bool:
        """Say whether every request must carry a token or a password."""
        return self.token is not None or self.login is not None

    def admits(self, header: str) -> bool:
        """Say whether a request with this ``Authorization`` header may come in."""
        if self.token is not None and _is_bearer(header, self.token):
            return True
        if self.login is not None and self.login.admits(header):
            return True
        return not self.is_locked


class Guard:
    """ASGI middleware around a whole server for programs.

    Args:
        app: What is guarded.
        entrance: Who may come in.
        max_body_bytes: Larger request bodies are refused.
        requests_per_minute: What one address may ask, or None for as much as it likes; as many
            may come at once as a minute allows.
    """

    def __init__(
        self,
        app: App,
        *,
        entrance: Entrance,
        max_body_bytes: int,
        requests_per_minute: int | None,
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self._entrance = entrance
        self._allowance = Allowance(requests_per_minute) if requests_per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here uses web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        refusal = self._refusal(scope, headers)
        body = b""
        if refusal is None:
            read = await self._body(receive)
            if read is None:
                return  # the caller went away
            body, refusal = (b"", read) if isinstance(read, Refusal) else (read, None)
        if refusal is not None:
            await self.refuse(refusal, scope, send)
            return
        await self.pass_on(scope, headers, _replayed(body, receive), send)

    # -- what another kind of guard does otherwise -----------------------------------------------

    def is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """Say whether another site's page sent the request, by its Origin and fetch metadata."""
        return has_foreign_origin(headers) or is_cross_site(headers)

    def further_refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Return why a request is refused that is allowed to come in."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            return Refusal(
                415, "The body is not marked as JSON.", "Send `Content-Type: application/json`."
            )
        return None

    def too_large(self) -> Refusal:
        """Return the refusal of a body."""
        return Refusal(
            413,
            f"The body is larger than {self.max_body_bytes // 1000} kB.",
            "Send fewer earlier turns, or raise the setting serve_max_body_kb.",
            code="request_too_large",
        )

    async def refuse(self, refusal: Refusal, scope: Scope, send: Send) -> None:
        """Send a refusal as a whole response."""
        body = json.dumps(refusal.to_dict(for_openai=scope["path"].startswith(OPENAI_PREFIX)))
        await send_whole(send, refusal, body, {"content-type": "application/json", **_HEADERS})

    async def pass_on(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Have a request answered, with the headers that keep its answer harmless."""
        await self.app(scope, receive, _with_headers(send))

    # -- inside ----------------------------------------------------------------------------------

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        entrance = self._entrance
        if host_name(headers.get("host", "")) not in entrance.names:
            return Refusal(
                421,
                "The server does not go by that name.",
                f"Use its address, or add the name to the setting {entrance.names_setting}.",
            )
        if self.is_foreign(scope, headers):
            return Refusal(
                403, "Requests from other sites are refused.", "Ask from a program, not a page."
            )
        # Before the token, so that nobody can try many.
        caller = str((scope.get("client") or ("",))[0])
        wait_s = self._allowance.wait_s(caller) if self._allowance else 0
        if wait_s:
            return Refusal(
                429,
                "Too many requests from this address.",
                f"Wait {wait_s} s, or raise the setting serve_requests_per_minute.",
                code="rate_limit_exceeded",
                retry_after_s=wait_s,
            )
        if not entrance.admits(headers.get("authorization", "")):
            return _locked(entrance)
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self.max_body_bytes:
            return self.too_large()
        return self.further_refusal(scope, headers)

    async def _body(self, receive: Receive) -> bytes | Refusal | None:
        """Return the whole body, why it is not taken, or None if the caller went away."""
        body = bytearray()
        # Of a slow line, too, a body as large as is allowed is waited for.
        timeout_s = BODY_TIMEOUT_S + self.max_body_bytes / _SLOW_BYTES_A_SECOND
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self.max_body_bytes:
                        return self.too_large()
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            return Refusal(408, "The body did not arrive in time.", "Send it in one go.")


class Allowance:
    """How often each caller may ask: a bucket of requests that refills steadily.

    Args:
        per_minute: Requests a minute; as many may come at once.
        clock: Seconds, growing.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> int:
        """Take one request from the caller's bucket: 0, or the seconds until there is one."""
        now = self._clock()
        left, last = self._buckets.pop(caller, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - last) * self._per_minute / 60)
        wait = 0
        if left >= 1:
            left -= 1
        else:
            wait = max(1, math.ceil((1 - left) * 60 / self._per_minute))
        self._buckets[caller] = (left, now)
        if len(self._buckets) > _CALLERS_REMEMBERED:
            self._buckets.popitem(last=False)
        return wait


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """Return a ``Host`` header's name without its port, lower case: ``[::1]:80`` is ``::1``."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]*))(?::\d{1,5})?", host.strip())
    return (match.group(1) or match.group(2)).lower() if match else ""


def has_foreign_origin(headers: Headers) -> bool:
    """Say whether a request names another site as its origin."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    return origin is not None and origin not in (f"http://{host}", f"https://{host}")


def is_cross_site(headers: Headers) -> bool:
    """Say whether a browser tells that another site's page caused the request."""
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


async def send_whole(send: Send, refusal: Refusal, text: str, headers: Mapping[str, str]) -> None:
    """Send a refusal with its text; the connection ends with it."""
    body = text.encode()
    told = {
        **headers,
        **refusal.headers(),
        "content-length": str(len(body)),
        # What is left of the body is not read.
        "connection": "close",
    }
    pairs = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _locked(entrance: Entrance) -> Refusal:
    if entrance.token is None:
        return Refusal(
            401,
            "User and password, please.",
            "They are the settings chat_user and chat_password.",
            code="invalid_api_key",
            challenge='Basic realm="Dateline", charset="UTF-8"',
        )
    return Refusal(
        401,
        "The token is missing or wrong.",
        "Send it as `Authorization: Bearer TOKEN`.",
        code="invalid_api_key",
        challenge='Bearer realm="Dateline"',
    )


def _is_bearer(header: str, token: str) -> bool:
    scheme, _, given = header.partition(" ")
    # Compared as bytes: constant time, and no text is refused for its characters.
    same = hmac.compare_digest(given.strip().encode("latin-1"), token.encode())
    return same and scheme.lower() == "bearer"


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            ours = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            added = [pair for pair in ours if pair[0] not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return send_with_headers
