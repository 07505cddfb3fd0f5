"""On a real Slurm: commands that are no rows, rows of several devices, and a database server."""

from __future__ import annotations

import os
import signal
import tomllib
from pathlib import Path

import pytest

from bench.config import Config
from bench.tracking.store import Store
from tests.cluster.lab import Lab, read_figures
from tests.downloads.lab_corpus import LabCorpus
from tests.downloads.server import run_server
from tests.services.postgresql import run_postgresql
from tests.several_devices import ORDER, require_alike

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

MODEL = "def load(device):\n    return lambda waves: -waves.abs().mean(1)\n"
SWEEP = ["sweep", "sal-lambda", "--smoke", "--trials", "4"]


def test_a_sweep_and_other_commands_are_jobs(lab: Lab, miniatures, tmp_path):
    sent = lab.submit(*SWEEP, on="slurm=2")
    lab.require_finished(sent)
    done = lab.bench(*SWEEP)
    assert done.returncode == 0, done.stderr
    assert "next: bench report sweep/sal-lambda --smoke" in done.stdout
    runs = Store(Config(work=lab.work)).search_runs("sweeps/sal-lambda", {"kind": "trial"})
    assert sorted(run.data.tags["trial"] for run in runs) == list("0123")
    workers = {sent.log_path(f"{sent.arrays[0].job}_{member}").read_text() for member in (0, 1)}
    assert len(workers) == 2

    with run_server() as server:
        name = LabCorpus(server, miniatures, tmp_path).serve("asvspoof2019la")
        (tmp_path / "mine.py").write_text(MODEL)
        for order in (
            ["report", "sweep/sal-lambda", "--smoke", "--output-dir", "made"],
            ["score", "--model", "mine.py:load", "--corpus", "19LA", "--smoke", "--no-intervals"],
            ["get", name, "--yes"],
        ):
            lab.require_finished(lab.submit(*order))
    assert "4 trials: " in (tmp_path / "made" / "sweep-sal-lambda.smoke.md").read_text()
    assert (lab.work / "scored/mine-asvspoof2019la-eval/scores.txt").is_file()
    stated = tomllib.loads((tmp_path / "bench.toml").read_text())["corpora"]["labcorpus"]
    assert (tmp_path / stated).is_dir()
    assert "already" in lab.bench("get", name).stdout


@pytest.mark.parametrize("victim", [0, 1])
def test_a_row_of_two_devices_goes_on_after_a_kill(lab: Lab, environment, bench, tmp_path, victim):
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "mini").symlink_to(lab.work / "mini")
    environment["BENCH_WORK"] = str(alone)
    done = bench(*ORDER)
    assert done.returncode == 0, done.stderr

    environment |= {"BENCH_WORK": str(lab.work), "BENCH_DEVICES": "2", "OMP_NUM_THREADS": "1"}
    sent = lab.submit(*ORDER)
    lab.wait_for_epoch(sent, 1)
    tasks = lab.list_commands(sent)
    assert len(tasks) == 2
    os.kill(tasks[victim], signal.SIGKILL)
    lab.wait_for_attempt(sent, 2)
    lab.require_finished(sent)
    require_alike(lab.work, alone)


def test_jobs_record_to_a_database_server(lab: Lab, environment, tiny, undisturbed):
    order = ["run", "table4", "--smoke", "--rows", "S0,S4", *tiny]
    with run_postgresql() as server:
        environment["BENCH_TRACKING"] = server.create_database("tracking")
        lab.require_finished(lab.submit(*order))
        figures = read_figures(lab.work, environment.pop("BENCH_TRACKING"))
    assert not [*Path(lab.work).glob("outbox*")]
    assert figures == undisturbed(*order)
