"""A server of files on this machine that fails as servers do."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class ServedFile:
    """A file, and how it is served."""

    content: bytes
    ranges: bool = True
    etag: str = '"one"'
    cuts: list[int] = field(default_factory=list)
    """After so many bytes the next connections end."""
    statuses: list[int] = field(default_factory=list)
    """What the next answers are instead."""
    redirect: str = ""
    page: bool = False
    with_length: bool = True
    pause_s: float = 0.0
    """After each block of 4 kB."""


class FileServer:
    """What is served by path, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, ServedFile] = {}
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and range of each request."""
        self.url = ""
        self.headers: list[dict[str, str]] = []

    def serve(self, name: str, content: bytes, **how: object) -> str:
        """Serve a file and return its address."""
        self.files[f"/{name}"] = ServedFile(content, **how)  # type: ignore[arg-type]
        return f"{self.url}/{name}"

    def ranges_of(self, name: str) -> list[str]:
        return [
            asked for method, path, asked in self.asked if (method, path) == ("GET", f"/{name}")
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        path, wanted = urlsplit(self.path).path, self.headers.get("Range", "")
        self.files.asked.append((self.command, path, wanted))
        self.files.headers.append(dict(self.headers.items()))
        file = self.files.files.get(path)
        if file is None:
            self._end(404)
        elif file.statuses:
            self._end(file.statuses.pop(0))
        elif file.redirect:
            self.send_response(302)
            self.send_header("Location", file.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._serve(file, wanted, with_body=with_body)

    def _serve(self, file: ServedFile, wanted: str, *, with_body: bool) -> None:
        content, start, end = file.content, 0, len(file.content)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted) if file.ranges else None
        if match and self.headers.get("If-Range", file.etag) == file.etag:
            start = int(match[1])
            end = min(end, int(match[2]) + 1) if match[2] else end
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", "text/html" if file.page else "application/zip")
        if file.etag:
            self.send_header("ETag", file.etag)
        if file.with_length:
            self.send_header("Content-Length", str(end - start))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if with_body:
            self._send(file, content[start:end])

    def _send(self, file: ServedFile, body: bytes) -> None:
        cut = file.cuts.pop(0) if file.cuts else len(body)
        try:
            if not file.pause_s:
                self.wfile.write(body[:cut])
            for at in range(0, len(body[:cut]), 4096) if file.pause_s else ():
                self.wfile.write(body[at : min(at + 4096, cut)])
                time.sleep(file.pause_s)
        except OSError:
            self.close_connection = True
        if cut < len(body):
            self.close_connection = True

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def run_server() -> Generator[FileServer]:
    """Yield a server that runs meanwhile."""
    files = FileServer()
    handler = type("Handler", (_Handler,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # whoever was killed closes no connection
    files.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
