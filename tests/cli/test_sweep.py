"""`bench sweep` from outside: killed and started again, listed, shown, reported; mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import optuna
import pytest

from bench._io import disk
from bench.config import Config
from bench.sweeps import storage
from bench.tracking.store import Store


def states(work: Path) -> list[str]:
    """The state of each trial of the one study there is, by number."""
    journals = list((work / "sweeps").glob("*.journal"))
    if not journals or not journals[0].stat().st_size:
        return []
    name = journals[0].stem
    study = optuna.load_study(
        study_name=name, storage=storage.open_storage(None, name, work, print).optuna
    )
    return [trial.state.name for trial in study.trials]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 75)])
@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_ends_with_its_trials_and_no_duplicates(
    bench, start, environment, tmp_path, number, code
):
    work = Path(environment["BENCH_WORK"])
    order = ["sweep", "sal-lambda", "--smoke", "--trials", "6", "--jobs", "2"]
    process = start(*order, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 200
    while not {"COMPLETE", "RUNNING"} <= set(states(work)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no trial was finished in 200 s"
        time.sleep(0.5)  # a study is read in some time of a processor, which the sweep needs
    # The command alone: its workers have to notice, and stop, in a trial or after it.
    os.kill(process.pid, number)
    said, _ = process.communicate()  # until the last worker has closed its end of the pipe
    assert process.returncode == code, said
    assert len(states(work)) < 6

    again = start(*order, stderr=subprocess.STDOUT)
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    found = states(work)
    assert len(found) == 6
    assert set(found) <= {"COMPLETE", "PRUNED"}, said
    runs = Store(Config(work=work)).search_runs("sweeps/sal-lambda", {"kind": "trial"})
    assert sorted(run.data.tags["trial"] for run in runs) == list("012345")
    assert len({run.data.tags["signature"] for run in runs}) == 6
    (study,) = Store(Config(work=work)).search_runs("sweeps/sal-lambda", {"kind": "study"})
    assert study.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {study.info.run_id}

    written = bench("report", "sweep/sal-lambda", "--smoke", "--output-dir", "made")
    assert written.returncode == 0, written.stderr
    text = (tmp_path / "made" / "sweep-sal-lambda.smoke.md").read_text(encoding="utf-8")
    assert "6 trials: " in text
    assert "SMOKE" in text
    assert (tmp_path / "made" / "sweep-sal-lambda.smoke.history.png").is_file()
    assert bench("report", "sweep/sal-lambda", "--smoke", "--output-dir", "made", "--check")[0] == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_too_small_a_disk_is_refused_before_the_first_trial(bench, environment, monkeypatch, jobs):
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1000)
    done = bench("sweep", "sal-lambda", "--smoke", "--jobs", jobs)
    assert done.returncode == 1
    assert "are needed and 1.0 kB are free: make room" in done.stderr
    assert states(Path(environment["BENCH_WORK"])) == []


def test_a_sweep_that_was_not_run_says_so(bench, tmp_path):
    assert bench("report", "sweep/sal-lambda", "--output-dir", "made").returncode == 0
    text = (tmp_path / "made" / "sweep-sal-lambda.md").read_text(encoding="utf-8")
    assert "Not run" in text
    assert bench("report", "sweep/sal-lambda", "--output-dir", "made", "--check").returncode == 0
    (tmp_path / "made" / "sweep-sal-lambda.md").write_text("by hand", encoding="utf-8")
    stale = bench("report", "sweep/sal-lambda", "--output-dir", "made", "--check")
    assert stale.returncode == 1
    assert "stale" in stale.stderr


def test_sweeps_are_listed_and_shown(bench):
    listed = json.loads(bench("list", "--json").stdout)["sweeps"]
    printed = bench("list").stdout
    assert all(f"\n  {entry['name']}  " in printed for entry in listed), "a blank after each name"
    about = {entry["name"]: entry["about"] for entry in listed}
    assert about["sal-lambda"].endswith("[20 trials from sal/table4:S7]")
    shown = bench("show", "sweep/sal-lambda", "--smoke")
    assert "SMOKE" in shown.stdout
    assert "system.auxiliary.weight: 0.001 to 10.0" in shown.stdout
    content = json.loads(bench("show", "sweep/sal-lambda", "--json").stdout)
    assert content["from"] == "sal/table4:S7"
    assert content["space"]["system.auxiliary.weight"]["log"] is True


def test_mistakes_are_one_message_and_exit_code_2(bench, subtests):
    cases = [
        (["sweep", "sal-lamda"], "did you mean 'sal-lambda'?"),
        (["show", "sweep/sal-lamda"], "did you mean 'sal-lambda'?"),
        (["report", "sweep/sal-lamda"], "did you mean 'sal-lambda'?"),
        (["sweep", "sal-lambda"], "corpus partialspoof is not configured"),
        (["sweep", "sal-lambda"], "xlsr2_300m.pt from https://dl.fbaipublicfiles.com"),
        (["sweep", "sal-lambda", "--smoke", "--trials", "0"], "0 is not in the range"),
        (["sweep", "sal-lambda", "--smoke", "--storage", "sqlite:///a.db"], "should be postgresql"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments, message=message):
            done = bench(*arguments)
            assert done.returncode == 2
            assert message in done.stderr
            assert "Traceback" not in done.stderr
