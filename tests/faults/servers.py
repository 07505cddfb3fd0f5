"""A real MLflow server behind a door that can be shut, slow or answer with errors."""

from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.tracking.serving import Server

SLOW_S = 0.3


class FaultyServer:
    """An MLflow server of a folder; `fault` says how it answers from now on.

    "" as it should, "error" with 500, "gone" not at all, "slow" after a while.
    """

    def __init__(self, folder: Path) -> None:
        self.fault = ""
        folder.mkdir()
        self._server = Server(folder)

    def __enter__(self) -> FaultyServer:
        self._server.start()
        faulty, port = self, self._server.port

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                if faulty.fault == "gone":
                    self.close_connection = True
                    return
                if faulty.fault == "slow":
                    time.sleep(SLOW_S)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if faulty.fault == "error":
                    self._answer(500, [], b"out of order")
                    return
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                self._answer(answer.status, answer.getheaders(), answer.read())
                connection.close()

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self._door.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self._door.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown()
        self._door.server_close()
        self._server.stop()

    def list_runs(self, experiment: str) -> list[Any]:
        """Return the runs of an experiment."""
        from mlflow import MlflowClient

        client = MlflowClient(self._server.uri)
        known = client.get_experiment_by_name(experiment)
        return [] if known is None else list(client.search_runs([known.experiment_id]))
