"""A real MLflow server of a test, which can be stopped and started again."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil

from bench.tracking.ui_server import server_environment


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """MLflow's server over a SQLite file or a database, that takes artifacts too."""

    def __init__(
        self,
        folder: Path,
        *artifacts: str,
        database: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`artifacts` are the server's options of where artifacts are; by default it takes them."""
        self._database = database or f"sqlite:///{folder / 'mlflow.db'}"
        self._environment = dict(environment or {})
        taken = ("--artifacts-destination", (folder / "taken").as_uri())
        self.artifacts = artifacts or taken
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"),
            *("--uvicorn-opts", "--log-level=critical"),
            *("--backend-store-uri", self._database),
            *self.artifacts,
        ]
        self._process = subprocess.Popen(command, env=server_environment() | self._environment)
        for _ in range(720):
            try:
                with urllib.request.urlopen(f"{self.uri}/health"):
                    return
            except urllib.error.URLError:
                time.sleep(0.25)
        raise AssertionError("the server did not answer within three minutes")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """Kill all its processes, as a power cut does."""
        if self._process is not None:
            server = psutil.Process(self._process.pid)
            for process in [server, *server.children(recursive=True)]:
                process.kill()
            self._process.wait()
            self._process = None
