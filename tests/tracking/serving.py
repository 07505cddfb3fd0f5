"""A real MLflow server of a test, which can be stopped and started again."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.tracking.ui_server import server_environment


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """MLflow's server over a SQLite file, that takes artifacts too."""

    def __init__(self, folder: Path, *artifacts: str) -> None:
        """`artifacts` are the server's options of where artifacts are; by default it takes them."""
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
            *("--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"),
            *self.artifacts,
        ]
        self._process = subprocess.Popen(command, env=server_environment())
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{self.uri}/health"):
                    return
            except urllib.error.URLError:
                time.sleep(0.25)
        raise AssertionError("the server did not answer within a minute")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
