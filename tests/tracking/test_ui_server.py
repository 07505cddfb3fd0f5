"""MLflow's pages are served on this machine only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.tracking import ui_server
from bench.tracking.address import parse_address
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code


def test_the_server_is_bound_to_this_machine(config: Config):
    arguments = ui_server.server_command(config, 5012)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert arguments[arguments.index("--port") + 1] == "5012"
    at = parse_address(arguments[arguments.index("--backend-store-uri") + 1])
    assert at.file == config.work / "mlflow.db"


def test_a_store_on_a_server_needs_no_second_one():
    with raises_code("tracking.is-a-server") as raised:
        ui_server.server_command(Config(tracking="https://mlflow.example"), 5000)
    assert "https://mlflow.example" in str(raised.value)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_workers_for_language_models_are_started():
    assert ui_server.server_environment()["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def _served(config: Config, port, **more):
    """Start `bench ui` and return it when its pages answer."""
    environment = {**os.environ, "BENCH_WORK": str(config.work), "PYTHONUNBUFFERED": "1"}
    serving = subprocess.Popen(
        [sys.executable, "-m", "bench", "ui", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    return serving, serving.stdout.readline()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_pages_answer_and_end_with_all_their_processes(
    store: Store, config: Config, entry: RunRecord, number
):
    store.present_table(table_cards.read_table("sal/table4"))
    with store.begin_run(entry) as tracked:
        tracked.finish_run({})
    port = free_port()
    serving, line = _served(config, port)
    try:
        assert line.startswith(f"sal/table4: http://127.0.0.1:{port}/#/experiments/")
        run = f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/get?run_id={tracked.run_id}"
        with urllib.request.urlopen(run) as answer:
            assert json.load(answer)["run"]["info"]["run_name"] == "S5 · seed 666"
        own = psutil.Process(serving.pid)
        processes = [own, *own.children(recursive=True)]
        assert len(processes) <= 3
        with socket.create_connection(("127.0.0.1", port)):  # a browser that is still there
            serving.send_signal(number)
            _, errors = serving.communicate(timeout=30)
        assert serving.returncode == (-number if number == signal.SIGKILL else 0)
        assert "Traceback" not in errors
        _, alive = psutil.wait_procs(processes, timeout=10)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        serving.kill()


def test_a_server_that_ends_by_itself_is_an_error(config: Config, monkeypatch):
    monkeypatch.setattr(
        ui_server, "server_command", lambda *given: [sys.executable, "-c", "exit(3)"]
    )
    told = []
    assert ui_server.serve_ui(config, free_port(), lambda: told.append(1)) == 3
    assert told == []
