"""A server's version of MLflow stands beside the one that is installed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import pytest

from bench.tracking.address import parse_address
from bench.tracking.server_version import describe_server
from tests.tracking.serving import free_port

HERE = f"MLflow {version('mlflow')} is installed here"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, "the server is MLflow 3.9.0"), (404, "the server does not say its version")],
)
def test_what_a_server_answers_is_said(status, expected):
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"3.9.0\n")

        def log_message(self, *given):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = parse_address(f"http://bob:secret@127.0.0.1:{server.server_port}")
        assert describe_server(at) == f"{expected}; {HERE}"
        server.shutdown()
    assert asked == [("/version", "Basic Ym9iOnNlY3JldA==")]


def test_a_server_that_is_away_says_nothing():
    at = parse_address(f"http://127.0.0.1:{free_port()}")
    assert describe_server(at) == f"the server does not say its version; {HERE}"
