"""A small object store on the loopback interface: PUT, GET and HEAD of objects, as plain HTTP and as S3 speak them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


class Bucket:
    """The objects by path, and how the store answers. `refuse` is a status that every request gets instead."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuse: int | None = None
        self.address = ""


@contextmanager
def serving() -> Iterator[Bucket]:
    """Serve an empty bucket until the block ends."""
    bucket = Bucket()

    class Handler(_Handler):
        held = bucket

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bucket.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    held: ClassVar[Bucket]
    protocol_version = "HTTP/1.1"  # S3 clients wait for its `100 Continue`
    timeout = 10

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.held.refuse is None:
            self.held.objects[self.path.partition("?")[0]] = data
        self._answer(self.held.refuse or 200, b"", data)

    def do_GET(self) -> None:
        data = self.held.objects.get(self.path.partition("?")[0])
        self._answer(self.held.refuse or (404 if data is None else 200), data or b"", data or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, whole: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{md5(whole, usedforsecurity=False).hexdigest()}"')
        self.send_header("Last-Modified", "Sun, 01 Mar 2026 09:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the signature of the library
        pass
