"""The experiment of a table is made once, by whichever machine comes first."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException

from bench.config import Config
from bench.tracking import mlflow_store


def test_a_machine_that_comes_second_takes_the_experiment_of_the_first(config: Config, monkeypatch):
    first, second = (mlflow_store.open_configured(config) for _ in range(2))
    looked_up = second.find_experiment("sal/table4")
    made = first.ensure_experiment("sal/table4")  # between the other's look and its making
    real, answers = second.find_experiment, [looked_up]
    monkeypatch.setattr(
        second, "find_experiment", lambda name: answers.pop() if answers else real(name)
    )
    assert second.ensure_experiment("sal/table4") == made
    assert answers == []
    names = [experiment.name for experiment in first.client.search_experiments()]
    assert names == ["sal/table4"]


def test_what_a_store_refuses_for_another_reason_is_raised(config: Config, monkeypatch):
    store = mlflow_store.open_configured(config)

    def refuse(*given, **more):
        raise MlflowException("no", error_code=1)

    monkeypatch.setattr(store.client, "create_experiment", refuse)
    with pytest.raises(MlflowException):
        store.ensure_experiment("sal/table4")
