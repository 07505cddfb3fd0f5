"""A study: stopped, killed, failed, pruned and shared, it has each trial once and loses none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import BenchError, make_stop
from bench.sweeps import study as studies
from bench.sweeps.study import DIED
from bench.sweeps.worker import DiskRefused
from tests.sweeps.conftest import CARD, WEIGHT, Formula, finish


def ends(study) -> list[str]:
    return [studies.STATES[trial.state] for trial in study.list_trials()]


def points(study) -> list[str]:
    return [json.dumps(trial.params, sort_keys=True) for trial in study.list_trials()]


def test_a_study_ends_with_as_many_trials_as_wanted_and_asks_for_no_more(parse, open_study):
    train = Formula()
    study = open_study(parse())
    ended = finish(study, train, 4)
    assert [end.number for end in ended] == train.trained == [0, 1, 2, 3]
    for end, trial in zip(ended, study.list_trials(), strict=True):
        assert end.objective == pytest.approx(abs(trial.params[WEIGHT] - 1) / 100)
    assert finish(open_study(parse()), train, 4) == []
    assert [end.number for end in finish(open_study(parse()), train, 6)] == [4, 5]


def test_the_objective_is_the_mean_over_seeds(parse, open_study):
    study = open_study(parse())
    (one,) = finish(study, Formula(), 1, seeds=(0, 2000))
    assert one.objective == pytest.approx(
        abs(study.list_trials()[0].params[WEIGHT] - 1) / 100 + 0.001
    )
    assert sorted(study.list_trials()[0].intermediate_values) == [1, 2, 3, 4, 5, 6]


def test_a_restart_draws_what_an_uninterrupted_study_would_have_drawn(parse, open_study):
    whole, torn = parse(), parse()
    finish(open_study(whole, "whole"), Formula(), 5)
    for wanted in (2, 3, 5):
        finish(open_study(torn, "torn"), Formula(), wanted)
    assert points(open_study(whole, "whole")) == points(open_study(torn, "torn"))


def test_ctrl_c_leaves_the_trial_to_whoever_goes_on_however_often(parse, open_study):
    def stop(claim):
        if claim.number == 2:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            finish(open_study(parse()), Formula(stop), 4)
    before = points(open_study(parse()))
    study = open_study(parse())
    train = Formula()
    finish(study, train, 4)
    assert train.trained == [2, 3]
    assert points(study)[:3] == before
    assert ends(study) == ["finished"] * 4
    assert study.list_trials()[2].user_attrs["attempt"] == 1


@pytest.mark.parametrize(
    "error",
    [
        DiskRefused("sweep.trial-failed", "last.pt: there is no space left on the disk"),
        make_stop("stopped after step 3"),
    ],
)
def test_a_trial_that_the_disk_or_a_signal_stops_is_left_for_whoever_goes_on(
    parse, open_study, error
):
    def full(claim):
        if claim.number == 1:
            raise error

    for _ in range(3):
        with pytest.raises(type(error)):
            finish(open_study(parse()), Formula(full), 3)
    assert ends(open_study(parse())) == ["finished", "running"]
    finish(open_study(parse()), Formula(), 3)
    assert ends(open_study(parse())) == ["finished", "finished", "finished"]


def test_a_failed_trial_is_recorded_with_its_reason_and_the_study_goes_on(parse, open_study):
    def fail(claim):
        if claim.number == 0:
            raise BenchError("sweep.trial-failed", "dev scores are not finite")
        if claim.number == 1:
            raise MemoryError("18 GiB")

    study = open_study(parse())
    ended = finish(study, Formula(fail), 3)
    assert ends(study) == ["failed", "failed", "finished"]
    assert [trial.user_attrs.get("reason") for trial in study.list_trials()] == [
        "dev scores are not finite",
        ended[1].reason,
        None,
    ]
    assert [end.reason[:34] for end in ended] == [
        "dev scores are not finite",
        "there is not enough memory (18 GiB",
        "",
    ]
    assert finish(open_study(parse()), Formula(), 3) == [], "what failed is not tried again"


def test_pruning_reads_the_dev_curve(parse, open_study):
    pruned = CARD.replace(
        "epochs = 3", 'epochs = 3\npruner = { kind = "median", startup_trials = 2 }'
    )
    study = open_study(parse(pruned))
    ended = finish(study, Formula(), 12)
    assert {end.ending for end in ended} == {"finished", "pruned"}
    for number, (end, trial) in enumerate(zip(ended, study.list_trials(), strict=True)):
        earlier = [t for t in study.list_trials()[:number] if t.state.name == "COMPLETE"]
        # Of equally shaped curves the worse half after one epoch is the worse half.
        values = sorted(t.intermediate_values[1] for t in earlier)
        middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2 if values else 0
        expected = len(earlier) >= 2 and trial.intermediate_values[1] > middle
        assert (end.ending == "pruned") == expected
        if expected:
            assert list(trial.intermediate_values) == [1]
            assert "after epoch 1, seed 0" in end.reason
            assert end.objective is None


def test_an_epoch_that_was_reported_before_is_asked_about_again(parse, open_study):
    def stop(claim):
        claim.report_objective(1, 0.5)
        raise KeyboardInterrupt

    study = open_study(parse())
    with pytest.raises(KeyboardInterrupt):
        finish(study, Formula(stop), 1)
    finish(study, Formula(), 1)
    assert study.list_trials()[0].intermediate_values[1] == 0.5
    assert ends(study) == ["finished"]


WORKER = """
import json, os, sys, time
from pathlib import Path
from bench.cards import sweep_cards
from tests.sweeps.conftest import Formula, finish
from bench.sweeps import storage
from bench.sweeps.study import Study

place, wanted, others = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
card = sweep_cards.parse_sweep("made", place / "made.toml")["smoke"]

def act(claim):
    (place / f"begun-{os.getpid()}").touch()
    while len(list(place.glob("begun-*"))) < others:  # nobody ends before all have begun
        time.sleep(0.005)

study = Study(card, "made", storage.open_storage(None, "made", place, print), (3, 1))
finish(study, Formula(act), wanted)
"""


@pytest.fixture
def start(start_process, tmp_path):
    def begin(wanted: int, others: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER, str(tmp_path), str(wanted), str(others)]
        return start_process(command, stderr=subprocess.PIPE)

    return begin


def until_begun(place: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not list(place.glob("begun-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no trial was begun in two minutes"
        time.sleep(0.01)


@pytest.mark.rows
def test_two_processes_share_a_study_without_a_trial_twice(parse, open_study, start):
    study = open_study(parse())
    workers = [start(12, 2) for _ in range(2)]
    for worker in workers:
        _, said = worker.communicate(timeout=120)
        assert worker.returncode == 0, said
    assert ends(study) == ["finished"] * 12
    assert [trial.number for trial in study.list_trials()] == list(range(12))
    assert len(set(points(study))) == 12
    assert len({trial.user_attrs["process"] for trial in study.list_trials()}) == 2


@pytest.mark.rows
def test_a_trial_whose_process_is_killed_is_retried_once(parse, open_study, start, tmp_path):
    study = open_study(parse())
    finish(study, Formula(), 1)
    for attempt in (1, 2):
        process = start(2, 99)
        until_begun(tmp_path, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        (begun,) = tmp_path.glob("begun-*")
        begun.unlink()
        assert ends(study) == ["finished", "running"]
        assert study.list_trials()[1].user_attrs["attempt"] == attempt
    assert finish(study, Formula(), 2) == [], "a third attempt was made"
    assert ends(study) == ["finished", "failed"]
    assert study.list_trials()[1].user_attrs["reason"] == DIED


@pytest.mark.rows
def test_a_killed_trial_is_finished_by_the_next_process_under_its_number(
    parse, open_study, start, tmp_path
):
    study = open_study(parse())
    process = start(2, 99)
    until_begun(tmp_path, process)
    before = points(study)
    assert study.claim_trial(1) is None, "a trial that a living process works at was taken from it"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    train = Formula()
    finish(study, train, 2)
    assert train.trained == [0, 1]
    assert ends(study) == ["finished", "finished"]
    assert points(study)[0] == before[0]


def test_a_process_of_another_machine_is_dead_when_it_has_been_silent(
    parse, open_study, monkeypatch
):
    study = open_study(parse())
    claim = study.claim_trial(1)
    claim.trial.set_user_attr("process", "elsewhere:1:1")
    assert study.claim_trial(1) is None
    claim.trial.set_user_attr("seen", time.time() - 3600)
    assert study.claim_trial(1).attempt == 2
    monkeypatch.setattr(studies, "_HEARTBEAT_S", 0.001)
    claim.trial.set_user_attr("seen", 0.0)
    with studies.TrialHeartbeat(claim):
        while study.list_trials()[0].user_attrs["seen"] == 0.0:
            time.sleep(0.001)


def test_smoke_and_paper_are_two_studies(parse):
    from bench.cards.sweep_cards import study_signature
    from bench.tracking.studies import StudyEntry

    names = {
        StudyEntry("made", card.form, study_signature(card), {"a/train": "1"}, {}, "c", {}).name
        for card in (parse(form="smoke"), parse(form="paper"))
    }
    assert len(names) == 2
    card = parse()
    longer = card.model_copy(update={"trials": 100, "title": "other"})
    assert study_signature(longer) == study_signature(card), "more trials go on in the same study"
    assert study_signature(card.model_copy(update={"epochs": 4})) != study_signature(card)
