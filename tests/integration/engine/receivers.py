"""A program that webhooks tell, with faults on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    @property
    def document(self) -> Any:  # noqa: ANN401  JSON
        """What it says."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Verify it as the specification tells receivers to."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


class Receiver(http.server.ThreadingHTTPServer):
    """Answers each path in its way: /STATUS with that status, /hang never, /drip byte by byte."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[Told] = []
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        """Give the URL of a path."""
        return f"http://{self.host}{path}"

    def take(self, path: str) -> list[Told]:
        """Give what arrived at a path."""
        return [told for told in self.told if told.path == path]

    def close(self) -> None:
        """End, and let go of whoever hangs."""
        self.released.set()
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.told.append(Told(path=self.path, headers=headers, body=body))
        self.server.arrived.release()
        name = self.path.strip("/").partition("/")[0]
        match name:
            case "hang":
                self.server.released.wait(60)
            case "drip":
                self._drip()
            case "redirect":
                self.send_response(302)
                self.send_header("Location", self.server.url("/200"))
                self.end_headers()
            case "later":
                self.send_response(503)
                self.send_header("Retry-After", "3600")
                self.end_headers()
            case _:
                self.send_response(int(name))
                self.end_headers()
                self.wfile.write(b"\0told " + b"x" * 100_000)

    def _drip(self) -> None:
        self.send_response(200)
        self.flush_headers()
        while not self.server.released.wait(0.05):
            self.wfile.write(b"X-Drip: 1\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""
