"""The study's database is lost at the very moment when it is written."""

from __future__ import annotations

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from bench.sweeps import storage
from tests.errors import raises_code
from tests.sweeps.conftest import Formula, finish


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(storage, "_AGAIN_S", 0.0)


def lose(monkeypatch, study, method: str, times: int) -> list[str]:
    """Have a method of the study's storage fail so often; return a list of its failures."""
    opened, failures = study.optuna._storage, list[str]()
    real = getattr(opened, method)

    def lost(*given, **more):
        if len(failures) < times:
            failures.append(method)
            reason = OperationalError("insert", {}, Exception("server closed the connection"))
            raise StorageInternalError("commit") from reason
        return real(*given, **more)

    monkeypatch.setattr(opened, method, lost)
    return failures


@pytest.mark.parametrize(
    "method", ["set_trial_intermediate_value", "set_trial_state_values", "set_trial_user_attr"]
)
def test_what_was_not_written_is_written_again(parse, open_study, monkeypatch, method):
    study = open_study(parse())
    formula = Formula()
    if method == "set_trial_user_attr":  # written where a trial fails, with the reason
        formula.act = lambda claim: 1 / (claim.number - 1)
    failures = lose(monkeypatch, study, method, 2)
    ended = finish(study, formula, 3)
    assert failures == [method] * 2
    expected = ["finished"] * 3
    if method == "set_trial_user_attr":
        expected[1] = "failed"
    assert [one.ending for one in ended] == expected
    assert [trial.number for trial in study.list_trials()] == [0, 1, 2]


def test_a_database_that_stays_lost_ends_the_work_and_not_the_trial(parse, open_study, monkeypatch):
    study = open_study(parse())
    with monkeypatch.context() as broken:
        lose(broken, study, "set_trial_intermediate_value", 1000)
        with raises_code("sweep.storage-lost", "server closed the connection", "same command"):
            finish(study, Formula(), 3)
        (trial,) = study.list_trials()
        assert trial.state.name == "RUNNING"
    study.leave_trial(study._open_claim(trial, 1))  # as if its process had died
    ended = finish(study, Formula(), 3)
    assert [(one.number, one.ending) for one in ended] == [(n, "finished") for n in range(3)]
