"""An OpenAI-compatible server on loopback that behaves as a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """An OpenAI-compatible server whose answers are told what to be."""

    def __init__(self, text: str) -> None:
        self.behave: Callable[[Handler], None] = lambda handler: handler.stream([text])
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.busy = 0
        self.freed = threading.Event()
        outer = self

        class ToldHandler(Handler):
            server_of_test = outer

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), ToldHandler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    server_of_test: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.plain(
            200, json.dumps({"data": [{"id": "scripted"}, {"id": "other"}]}), "application/json"
        )

    def do_POST(self) -> None:
        server = self.server_of_test
        length = int(self.headers["Content-Length"])
        server.requests.append(json.loads(self.rfile.read(length)))
        server.keys.append(self.headers.get("Authorization"))
        server.busy += 1
        try:
            server.behave(self)
        except OSError:
            pass  # The client has gone: what a server frees its slot for.
        finally:
            server.busy -= 1
            server.freed.set()
            self.close_connection = True

    def plain(self, status: int, body: str, kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        data = body.encode("utf-8", "surrogatepass")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def event(self, text: str, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        self.raw(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def stream(self, pieces: list[str], *, done: bool = True) -> None:
        self.begin()
        for piece in pieces:
            for word in piece.split(" "):
                self.event(word + " ")
        if done:
            self.event("", "stop")
            self.raw(b"data: [DONE]\n\n")

    def wait_for_the_client_to_go(self, seconds: float = 20) -> None:
        self.connection.settimeout(seconds)
        while self.connection.recv(1):
            pass
