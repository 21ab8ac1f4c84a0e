"""Every request to `rag serve` -> passed on with its whole body, or refused as JSON.

Refused are: names that the server does not go by (a foreign page may have pointed its own name
here), other sites' pages, requests without the token, bodies that are too large, too slow or no
JSON, and callers that ask too often.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPENAI_PREFIX = "/v1/"
BODY_TIMEOUT_S = 20.0
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
    """

    status: int
    problem: str
    remedy: str
    code: str = "invalid_request"
    retry_after_s: int | None = None

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
        if self.status == 401:
            headers["www-authenticate"] = 'Bearer realm="Dateline"'
        return headers


class Guard:
    """ASGI middleware around the whole server.

    Args:
        app: What is guarded.
        names: Host names under which the server may be asked, lower case, without port.
        token: What every request must carry, or None.
        max_body_bytes: Larger request bodies are refused.
        requests_per_minute: What one address may ask; as many at once as a minute allows.
    """

    def __init__(
        self,
        app: App,
        *,
        names: frozenset[str],
        token: str | None,
        max_body_bytes: int,
        requests_per_minute: int,
    ) -> None:
        self._app = app
        self._names = names
        self._token = token
        self._max_body_bytes = max_body_bytes
        self._allowance = Allowance(requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
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
            await refuse(send, refusal, for_openai=scope["path"].startswith(OPENAI_PREFIX))
            return
        await self._app(scope, _replayed(body, receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: MutableMapping[str, str]) -> Refusal | None:
        host = headers.get("host", "")
        if host_name(host) not in self._names:
            return Refusal(
                421,
                "The server does not go by that name.",
                "Use its address, or add the name to the setting serve_names.",
            )
        if is_foreign(headers):
            return Refusal(
                403, "Requests from other sites are refused.", "Ask from a program, not a page."
            )
        # Before the token, so that nobody can try many.
        wait_s = self._allowance.wait_s(str((scope.get("client") or ("",))[0]))
        if wait_s:
            return Refusal(
                429,
                "Too many requests from this address.",
                f"Wait {wait_s} s, or raise the setting serve_requests_per_minute.",
                code="rate_limit_exceeded",
                retry_after_s=wait_s,
            )
        if self._token is not None and not _admits(headers.get("authorization", ""), self._token):
            return Refusal(
                401,
                "The token is missing or wrong.",
                "Send it as `Authorization: Bearer TOKEN`.",
                code="invalid_api_key",
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self._max_body_bytes:
            return self._too_large()
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            return Refusal(
                415, "The body is not marked as JSON.", "Send `Content-Type: application/json`."
            )
        return None

    async def _body(self, receive: Receive) -> bytes | Refusal | None:
        """Return the whole body, why it is not taken, or None if the caller went away."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._max_body_bytes:
                        return self._too_large()
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            return Refusal(408, "The body did not arrive in time.", "Send it in one go.")

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"The body is larger than {self._max_body_bytes // 1000} kB.",
            "Send fewer earlier turns, or raise the setting serve_max_body_kb.",
            code="request_too_large",
        )


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


def is_foreign(headers: MutableMapping[str, str]) -> bool:
    """Say whether another site's page sent the request, by its Origin and fetch metadata."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


async def refuse(send: Send, refusal: Refusal, *, for_openai: bool) -> None:
    """Send a refusal as a whole response."""
    body = json.dumps(refusal.to_dict(for_openai=for_openai)).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        # What is left of the body is not read.
        "connection": "close",
        **refusal.headers(),
        **_HEADERS,
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _admits(header: str, token: str) -> bool:
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
