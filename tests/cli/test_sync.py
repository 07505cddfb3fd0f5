"""A tracking server that is away: `bench run` goes on, `bench sync` sends on what was recorded."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.config import Config
from bench.tracking.store import Store
from tests.tracked_frames import table_frame


@pytest.fixture
def away(environment, monkeypatch):
    """The environment of a machine whose tracking server is away."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return environment | {"BENCH_TRACKING": f"http://127.0.0.1:{port}"}


@pytest.mark.slow
def test_a_row_is_run_without_its_server_and_sent_on_once(
    bench, environment, away, tiny, monkeypatch
):
    order = ["run", "table4", "--smoke", "--rows", "S0", *tiny]
    uri = away["BENCH_TRACKING"]
    environment["BENCH_TRACKING"] = uri
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "1 run waits to be sent" in done.stdout
    assert "does not answer" in done.stderr
    again = bench(*order)
    assert "already finished" in again.stderr
    assert bench("show", "table4", "--rows", "S0", "--smoke").returncode == 0
    doctor = bench("doctor").stdout
    assert f"{uri} takes no connection" in doctor
    assert "1 run waits for `bench sync`: sal/table4: S0 · seed 666" in doctor
    failed = bench("sync")
    assert failed.returncode == 2
    assert f"the tracking server {uri} does not answer" in failed.stderr

    del environment["BENCH_TRACKING"]  # as if the server answered: a store of this machine
    refused = bench("sync")
    assert refused.returncode == 1
    assert f"not sent: it was recorded for {uri}, and sqlite:///" in refused.stdout
    assert "`bench sync --from-other-stores`" in refused.stdout
    sent = bench("sync", "--from-other-stores")
    assert sent.returncode == 0, sent.stderr
    assert "sal/table4: S0 · seed 666" in sent.stdout
    assert sent.stdout.rstrip().endswith(": sent")
    assert "nothing waits" in bench("sync").stdout
    store = Store(Config(work=Path(environment["BENCH_WORK"])))
    (run,) = table_frame(store, "sal/table4", "smoke").itertuples()
    assert run.status == "FINISHED"
    (model,) = store.client.search_registered_models()
    assert model.name.startswith("sal-table4-S0-smoke-"), "its settings were overridden"
    assert list(store.page_addresses()) == ["sal/table4"]
    # Its weights are found without its training's folder, too.
    shutil.rmtree(Path(environment["BENCH_WORK"]) / "runs")
    arguments = ["--smoke", "--corpus", "PS", "--replicates", "10", *tiny]
    scored = bench("score", "--row", "S0", *arguments)
    assert scored.returncode == 0, scored.stderr
    assert f"weights of run {run.run_id}" in scored.stderr


def test_nothing_waits_in_a_new_folder(bench):
    done = bench("sync")
    assert done.returncode == 0
    assert "nothing waits" in done.stdout


def test_a_run_that_is_not_sent_whole_is_no_success(monkeypatch, tmp_path):
    from bench.cli.sync import sync
    from bench.tracking.sync import Sent

    monkeypatch.setenv("BENCH_WORK", str(tmp_path))
    sent = [Sent("sal/table4: S0", "sent"), Sent("sal/table4: S1", "not sent: 2 files", False)]
    monkeypatch.setattr(Store, "__init__", lambda self, config: setattr(self, "uri", "here"))
    monkeypatch.setattr(Store, "send_waiting", lambda self, elsewhere: sent)
    done = CliRunner().invoke(sync)
    assert done.exit_code == 1
    assert done.output == "sal/table4: S0: sent\nsal/table4: S1: not sent: 2 files\n"
    del sent[1]
    assert CliRunner().invoke(sync).exit_code == 0
