"""`bench ui`: where each table is shown as in the paper; the pages themselves are MLflow's."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.tracking import ui_server
from bench.tracking.store import Store


@pytest.fixture
def free_port():
    """A port that nothing serves on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def served(monkeypatch):
    """What is asked of MLflow's server, which is not started."""
    asked: list[tuple[Path, int]] = []

    def ui(here, port, ready):
        asked.append((here.work, port))
        ready()
        return 0

    monkeypatch.setattr(ui_server, "serve_ui", ui)
    return asked


def test_it_says_where_each_table_is_and_serves_the_store(bench, environment, served, free_port):
    work = Path(environment["BENCH_WORK"])
    store = Store(Config(work=work))
    store.present_table(table_cards.read_table("sal/table4"))
    store.client.create_experiment("cross/detection")  # as a version without views made it
    done = bench("ui", "--port", str(free_port))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {line.partition(": ")[0] for line in lines} == {"sal/table4", "cross/detection"}
    for line in lines:
        assert f": http://127.0.0.1:{free_port}/#/experiments/" in line
        assert "viewStateShareKey=paper" in line
    assert served == [(work, free_port)]
    one = bench("ui", "cross", "--port", str(free_port))
    assert [line.partition(": ")[0] for line in one.stdout.splitlines()] == ["cross/detection"]
    none = bench("ui", "table2", "--port", str(free_port))
    assert none.returncode == 2
    assert none.code == "run.none"
    assert "sal/table2" in none.stderr
    misspelt = bench("ui", "tabel4")
    assert misspelt.returncode == 2
    assert "did you mean 'table4'?" in misspelt.stderr


def test_a_port_that_is_none_is_refused_in_one_line(bench, served, subtests):
    for port in ["99999", "0", "-1", "text", "5.5", "²", ""]:
        with subtests.test(port=port):
            done = bench("ui", "--port", port)
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            assert line.startswith("error: --port ")
            assert line.endswith("from 1 to 65535")
            assert not served


def test_a_port_that_is_taken_is_refused_and_a_free_one_named(bench, served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = bench("ui", "--port", str(port))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    free = re.fullmatch(rf"error: --port {port}: another program.*; --port (\d+) is free", line)
    assert free
    assert int(free[1]) != port
    assert not served


def test_a_port_that_the_user_may_not_have_is_refused(bench, served, monkeypatch):
    def refuse(port):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ui_server, "_bind_port", refuse)
    done = bench("ui", "--port", "80")
    assert done.returncode == 2
    assert "--port 80: this user may not serve on it; any from 1024 on will do" in done.stderr


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9"])
def test_a_server_that_does_not_answer_is_named(bench, environment, uri):
    environment["BENCH_TRACKING"] = uri
    done = bench("ui")
    assert done.returncode == 2
    assert f"the tracking server {uri} does not answer" in done.stderr
