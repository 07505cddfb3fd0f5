"""What of the machine may change last digits is said with the run, and can be fixed."""

from __future__ import annotations

import dataclasses
import os

import pytest
import torch

from bench.training import conditions
from tests.training.runs import Log, run_to_end


@pytest.fixture
def restored(monkeypatch):
    """Leave torch as it was."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    cudnn, threads = torch.backends.cudnn, torch.get_num_threads()
    before = cudnn.deterministic, cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    cudnn.deterministic, cudnn.benchmark = before
    torch.set_num_threads(threads)


def test_threads_and_determinism_are_said():
    found = conditions.current_conditions("cpu")
    assert found["threads"] == str(torch.get_num_threads())
    assert found["determinism"] == "deterministic algorithms off, matmul precision highest"
    assert "TF32 in cuDNN o" in conditions.current_conditions("cuda")["determinism"]


@pytest.mark.rows
def test_a_configuration_may_ask_for_deterministic_algorithms(restored, small, config, tmp_path):
    asked = dataclasses.replace(config, deterministic=True)
    run = small("S5", "training.epochs=1", "frontend.time_mask=0.2", "augment.probability=1.0")
    trained = run_to_end(run, asked, tmp_path / "run")
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert trained.conditions["determinism"].startswith("deterministic algorithms on")
    assert "cuDNN deterministic on" in conditions.current_conditions("cuda")["determinism"]


@pytest.mark.rows
def test_sessions_on_other_numbers_of_threads_are_all_named(restored, small, config, tmp_path):
    run = small("S0", "training.epochs=2")
    torch.set_num_threads(1)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "run", Log(stop_after=1))
    torch.set_num_threads(2)
    trained = run_to_end(run, config, tmp_path / "run")
    assert trained.tracking_tags()["threads"] == "1 | 2"
    torch.set_num_threads(1)
    again = run_to_end(run, config, tmp_path / "run")
    assert again.conditions == trained.progress.conditions, "nothing was computed"
    assert again.tracking_tags()["kept_epoch"] == trained.selection.label
