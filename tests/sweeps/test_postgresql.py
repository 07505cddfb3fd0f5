"""Several processes that share a study in a PostgreSQL server, which they open at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.sweeps import storage
from bench.sweeps.study import Study
from tests.services.postgresql import run_postgresql
from tests.sweeps.conftest import CARD

WORKER = """
import sys, time
from pathlib import Path
from bench.cards import sweep_cards
from tests.sweeps.conftest import Formula, finish
from bench.sweeps import storage
from bench.sweeps.study import Study
card = sweep_cards.parse_sweep("made", Path(sys.argv[1]))["smoke"]
study = Study(card, "made", storage.open_storage(sys.argv[2], "made", Path("."), print), (3, 1))
finish(study, Formula(lambda claim: time.sleep(0.1)), 8)
"""


@pytest.fixture
def server():
    with run_postgresql() as running:
        yield running.uri


@pytest.mark.slow
def test_processes_share_a_study_in_postgresql(parse, tmp_path, server):
    card = parse(CARD)
    command = [sys.executable, "-c", WORKER, str(tmp_path / "made.toml"), server]
    workers = [subprocess.Popen(command) for _ in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    study = Study(card, "made", storage.open_storage(server, "made", tmp_path, print), (3, 1))
    trials = study.list_trials()
    assert [trial.number for trial in trials] == list(range(8))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert len({str(trial.params) for trial in trials}) == 8
