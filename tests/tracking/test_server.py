"""MLflow's pages are served on this machine only."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from bench.config import Config
from bench.errors import BenchError
from bench.tracking import server
from bench.tracking.address import address
from bench.tracking.client import quiet


def test_the_server_is_bound_to_this_machine(config):
    arguments = server.command(config, 5012)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert arguments[arguments.index("--port") + 1] == "5012"
    at = address(arguments[arguments.index("--backend-store-uri") + 1])
    assert at.file == config.work / "mlflow.db"


def test_a_store_on_a_server_needs_no_second_one():
    with pytest.raises(BenchError, match=r"open https://mlflow\.example"):
        server.command(Config(tracking="https://mlflow.example"), 5000)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.slow
def test_the_pages_answer(store, config, entry):
    with store.begin(entry) as tracked:
        tracked.finish({})
    port = free_port()
    serving = subprocess.Popen(server.command(config, port), env=quiet())
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                    assert answer.status == 200
                    break
            except urllib.error.URLError:
                time.sleep(0.5)
        else:
            pytest.fail("the server did not answer within a minute")
        run = f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/get?run_id={tracked.run_id}"
        with urllib.request.urlopen(run) as answer:
            assert json.load(answer)["run"]["info"]["run_name"] == "S5 · seed 666"
    finally:
        serving.terminate()
        serving.wait()


def test_an_interrupt_ends_the_server_and_leaves_a_set_up_store(config, monkeypatch):
    class Serving:
        def __init__(self, arguments, env):
            assert arguments == server.command(config, 5013)
            assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
            self.terminated = False

        def wait(self):
            if not self.terminated:
                raise KeyboardInterrupt
            return 143

        def terminate(self):
            self.terminated = True

    monkeypatch.setattr(server.subprocess, "Popen", Serving)
    assert server.ui(config, 5013) == 143
