"""MLflow's own pages over the tracking store, for this machine's eyes only."""

from __future__ import annotations

import subprocess
import sys

from bench.config import Config
from bench.errors import BenchError
from bench.tracking import address
from bench.tracking.client import quiet
from bench.tracking.store import Store

HOST = "127.0.0.1"
"""MLflow's server has no log-in, so it is never bound to an address that others can reach."""


def command(config: Config, port: int) -> list[str]:
    """Return the command that serves the store of `config` on `port` of this machine.

    Raise BenchError where the store is a server itself.
    """
    at = address.configured(config)
    if at.file is None:
        raise BenchError(f"tracking is kept by a server already: open {at.shown}")
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--log-level=warning"),
        *("--backend-store-uri", at.uri),
        *("--default-artifact-root", config.artifacts.as_uri()),
    ]


def ui(config: Config, port: int = 5000) -> int:
    """Serve MLflow's pages at http://127.0.0.1:`port` until interrupted; return its exit status."""
    arguments = command(config, port)
    # A new store is set up here, under its lock, not by the server.
    Store(config).require_writable()
    serving = subprocess.Popen(arguments, env=quiet())
    try:
        return serving.wait()
    except KeyboardInterrupt:
        serving.terminate()
        return serving.wait()
