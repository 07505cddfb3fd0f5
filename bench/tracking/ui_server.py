"""MLflow's own pages over the tracking store, for this machine's eyes only."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import psutil

from bench._io.child_processes import start_command
from bench._io.interrupts import catch_stop
from bench.cards import table_cards
from bench.config import Config
from bench.errors import BenchError
from bench.tracking import address, rounded_tags
from bench.tracking.client import quiet_mlflow
from bench.tracking.store import Store

HOST = "127.0.0.1"
"""MLflow's server has no log-in, so it is never bound to an address that others can reach."""
_PATIENCE_S = 5.0
"""How long its processes have to end by themselves."""


def server_command(config: Config, port: int) -> list[str]:
    """Return the command that serves a store on a port; BenchError where the store is a server."""
    at = address.configured_address(config)
    if at.file is None:
        raise BenchError(
            "tracking.is-a-server", f"tracking is kept by a server already: open {at.shown}"
        )
    return [
        *(sys.executable, "-m", "bench.tracking.ui_process", "server"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        # Pages that are open in a browser do not keep it from ending.
        *("--uvicorn-opts", "--log-level=warning --timeout-graceful-shutdown=1"),
        *("--backend-store-uri", at.uri, "--registry-store-uri", at.uri),
        *("--default-artifact-root", config.artifact_root.as_uri()),
    ]


def present_tables(store: Store) -> None:
    """Make MLflow's pages show each table of a store as this version of the suite shows it."""
    store.require_writable()
    experiments = {experiment.name for experiment in store.client.search_experiments()}
    for key in table_cards.table_keys():
        if key in experiments:
            table = table_cards.read_table(key)
            store.present_table(table)
            for run in store.search_runs(key, {}):
                rounded_tags.fill_in(store.client, run, table)


def server_environment() -> dict[str, str]:
    """Return the environment of MLflow's server, without eight workers for language models."""
    off = ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "MLFLOW_ENABLE_AI_GATEWAY")
    return quiet_mlflow() | dict.fromkeys(off, "false")


def require_port(port: int) -> None:
    """Raise BenchError where a port of this machine cannot be served on."""
    if not 1 <= port <= 65535:
        raise BenchError("option.invalid", f"--port {port}: should be from 1 to 65535")
    try:
        _bind_port(port)
    except PermissionError as error:
        raise BenchError(
            "tracking.port-unusable",
            f"--port {port}: this user may not serve on it; any from 1024 on will do",
        ) from error
    except OSError:  # a mistake in what was given, not the machine's fault
        raise BenchError(
            "tracking.port-unusable",
            f"--port {port}: another program serves on it; --port {_bind_port(0)} is free",
        ) from None


def _bind_port(port: int) -> int:
    """Return the port, or for 0 one that is free; OSError where it cannot be served on."""
    with socket.socket() as asked:
        if sys.platform != "win32":  # there it would allow what is taken
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asked.bind((HOST, port))
        return asked.getsockname()[1]


def serve_ui(config: Config, port: int, ready: Callable[[], None]) -> int:
    """Serve MLflow's pages at http://127.0.0.1:`port` until Ctrl-C or SIGTERM.

    `ready` is called when they answer. Return 0, or the exit status of a server that ended by
    itself.
    """
    arguments = server_command(config, port)
    # A new store is set up here, under its lock, not by the server.
    Store(config).require_writable()
    # Ctrl-C is for this process alone, which ends the others in order; standard output is for the
    # addresses.
    ways = {"stdout": 2, "stderr": 2, "start_new_session": True}
    with catch_stop() as stopped, start_command(arguments, server_environment(), **ways) as serving:
        try:
            is_ready = False
            while serving.poll() is None and not stopped.is_set():
                if not is_ready and _is_answering(port):
                    is_ready = True
                    ready()
                stopped.wait(0.2)
            return 0 if stopped.is_set() else int(serving.poll() or 0)
        finally:
            _end_server(serving)


def _is_answering(port: int) -> bool:
    asked = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        asked.request("GET", "/health")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _end_server(serving: subprocess.Popen[str]) -> None:
    """End the server and all that it started; kill what does not end by itself."""
    processes: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(serving.pid)
        processes = [server, *server.children(recursive=True)]
    serving.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_PATIENCE_S)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    serving.wait()
