"""Precision: one in training, dev and scoring, on one device and on two."""

from __future__ import annotations

import dataclasses
import json
from functools import partial

import pytest
import torch

from bench.training import conditions, engine
from bench.training.row import DatasetCache, train_and_score
from tests.training.runs import Log, run_to_end
from tests.training.watched import watch_layers


@pytest.fixture(autouse=True)
def restored():
    """Leave torch as it was."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def _note_types_on_each(run, data, place, config, fabric):
    """Train in one of several processes, and write the types that its layers gave."""
    found: set[tuple[bool, str]] = set()
    with watch_layers(
        torch.nn.Linear, lambda part, _, output: found.add((part.training, str(output.dtype)))
    ):
        train_and_score(fabric, run, 7, data, place, config, Log())
    (place.parent / f"types-{fabric.global_rank}.json").write_text(json.dumps(sorted(found)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "of_layers"),
    [("bf16-mixed", "torch.bfloat16"), ("fp16-mixed", "torch.float16")],
)
def test_two_processes_train_and_score_in_one_precision(
    small, config, tmp_path, precision, of_layers
):
    run = small("S0", "training.epochs=1", f"training.precision='{precision}'")
    two = dataclasses.replace(config, devices=2)
    fabric = engine.make_fabric(two, run.training.precision)
    data = DatasetCache(two).load_row(run)
    fabric.launch(partial(_note_types_on_each, run, data, tmp_path / "run", two))
    for rank in (0, 1):
        found = json.loads((tmp_path / f"types-{rank}.json").read_text())
        of_frontend = {tuple(each) for each in found}
        assert {(True, of_layers), (False, of_layers)} <= of_frontend
        assert not {dtype for _, dtype in of_frontend} - {of_layers, "torch.float32"}


@pytest.mark.rows
def test_tf32_is_switched_on_for_its_runs_alone(small, config, tmp_path):
    run = small("S0", "training.epochs=1", "training.precision='tf32'")
    trained = run_to_end(run, config, tmp_path / "tf32")
    assert "matmul precision high" in trained.conditions["determinism"]
    assert "matmul precision highest" not in trained.conditions["determinism"]
    assert "TF32 in cuDNN on" in conditions.current_conditions("cuda")["determinism"]
    run = small("S0", "training.epochs=1")
    trained = run_to_end(run, config, tmp_path / "fp32")
    assert "matmul precision highest" in trained.conditions["determinism"]
    assert "TF32 in cuDNN off" in conditions.current_conditions("cuda")["determinism"]
