"""Two users with work folders of their own and one MLflow server between them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracking.serving import Server

pytestmark = pytest.mark.slow
ROW = ["table4", "--smoke", "--rows", "S0"]


@pytest.fixture
def server(tmp_path):
    place = tmp_path / "server"
    place.mkdir()
    serving = Server(place)
    serving.start()
    yield serving
    serving.stop()


def test_what_one_user_trained_the_other_reads_explains_and_does_not_train(
    bench, environment, server, miniatures: Path, tmp_path
):
    environment["BENCH_TRACKING"] = server.uri
    environment["LOGNAME"] = "alice"
    trained = bench("run", *ROW, "--json")
    assert trained.returncode == 0, trained.stderr
    json.loads(trained.stdout)  # nothing of MLflow's in between

    work = tmp_path / "bob"
    work.mkdir()
    (work / "mini").symlink_to(miniatures / "mini")
    environment |= {"BENCH_WORK": str(work), "LOGNAME": "bob"}
    (row, *_) = json.loads(bench("status", "--smoke", "--json").stdout)["rows"]
    assert (row["table"], row["row"], row["state"]) == ("sal/table4", "S0", "current")
    assert row["user"] == "alice"
    again = bench("run", *ROW)
    assert again.returncode == 0, again.stderr
    assert "S0 · seed 666: already finished" in again.stderr
    assert " epoch " not in again.stderr
    assert "left to do: 0 trainings" in bench("run", *ROW, "--dry-run").stdout
    explained = bench("explain", "gradcam", "--row", "S0", "--against", "none", "--smoke")
    assert explained.returncode == 0, explained.stderr
    assert "its weights are taken over" in explained.stdout + explained.stderr
    assert [*(work / "explained").rglob("*.png")]
    reported = bench("report", "table4", "--smoke", "--output-dir", "reports")
    assert reported.returncode == 0, reported.stderr
    assert "finished, seed 666" in reported.stdout
