"""A server on this machine that misbehaves as it is told."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Served:
    """What a server sends whatever it is asked for, and what it was asked.

    Answers end too early after so many bytes as the next number of `cuts` says. After half of an
    answer the server waits for `go_on`.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    kind: str = "application/octet-stream"
    takes_ranges: bool = True
    tells_length: bool = True
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    asked: list[str | None] = field(default_factory=list)


@contextmanager
def served(content: bytes = b"", **facts: object) -> Iterator[Served]:
    told = Served(content, **facts)  # type: ignore[arg-type]  # as the fields say
    if "go_on" not in facts:
        told.go_on.set()
    handler = type("Handler", (_Handler,), {"told": told})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/file"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    told: Served

    def do_GET(self) -> None:
        told, start = self.told, 0
        asked = self.headers["Range"]
        told.asked.append(asked)
        if told.status != 200:
            self.send_error(told.status)
            return
        if asked and told.takes_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        size = len(told.content)
        if start >= size > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", told.kind)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if told.tells_length:
            self.send_header("Content-Length", str(size - start))
        self.end_headers()
        end = start + told.cuts.pop(0) if told.cuts else size
        half = (start + end) // 2
        self.wfile.write(told.content[start:half])
        self.wfile.flush()
        told.go_on.wait(10)
        self.wfile.write(told.content[half:end])

    def log_message(self, *_: object) -> None:
        """Print nothing."""
