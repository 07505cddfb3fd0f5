"""`bench ui`: where each table is shown as in the paper; the pages themselves are MLflow's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import cards
from bench.config import Config
from bench.tracking import server
from bench.tracking.store import Store


def test_it_says_where_each_table_is_and_serves_the_store(bench, environment, monkeypatch):
    served: list[tuple[Path, int]] = []
    monkeypatch.setattr(server, "ui", lambda here, port: served.append((here.work, port)))
    work = Path(environment["BENCH_WORK"])
    Store(Config(work=work)).present(cards.table("sal/table4"))
    done = bench("ui", "--port", "5011")
    assert done.returncode == 0, done.stderr
    assert "sal/table4: http://127.0.0.1:5011/#/experiments/1/runs?" in done.stdout
    assert "viewStateShareKey=paper" in done.stdout
    assert served == [(work, 5011)]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9"])
def test_a_server_that_does_not_answer_is_named(bench, environment, uri):
    environment["BENCH_TRACKING"] = uri
    done = bench("ui")
    assert done.returncode == 2
    assert f"the tracking server {uri} does not answer" in done.stderr
