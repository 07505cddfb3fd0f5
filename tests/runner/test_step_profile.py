"""What a step asks of a device is counted, and a whole row is profiled."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from bench.cards import table_cards
from bench.cli import profile_output
from bench.config import Config
from bench.errors import BenchError
from bench.models.systems.base import Batch
from bench.runner import step_profile
from bench.runner.step_profile import Work
from tests.runner.made_profile import MADE


class OneProduct(nn.Module):
    """Its loss is the mean of one matrix product."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 4))

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        return {"loss": (batch.waves @ self.weight).mean()}


def counted_work(monkeypatch: pytest.MonkeyPatch) -> Work:
    network = OneProduct()

    def train_step(_: Any, learner: Any, run: Any, batch: Batch) -> None:
        learner.losses(batch)["loss"].backward()

    monkeypatch.setattr(step_profile, "train_step", train_step)
    batch = Batch(torch.ones(2, 8), *[torch.zeros(2, 1)] * 4)
    step = SimpleNamespace(
        fabric=None, learner=network, run=None, move_batch=lambda b: b, mix_batch=lambda b: b
    )
    return step_profile.count_work(step, batch)


def test_products_are_counted_and_other_operations_by_their_bytes(monkeypatch):
    work = counted_work(monkeypatch)
    forward = 2 * 2 * 8 * 4
    assert work.flops == 2 * forward, "the gradient of the input is not asked for"
    # The mean reads (2, 4) and writes one; its gradient begins with a one, which is shared out
    # over (2, 4) and divided: a few hundred bytes, and no view is among them.
    assert 36 <= work.moved <= 400
    assert 4 <= work.operations <= 8


def test_least_time_is_that_of_products_and_of_bytes():
    assert MADE.bound_s == pytest.approx(16e12 / 500e12 + 96e9 / 4e12)
    assert MADE.rate == pytest.approx(320)
    assert MADE.epoch_parts["steps"] == pytest.approx(25_380 / 320)


def test_advice_names_what_limits_the_speed(subtests):
    cases = {
        "Nothing beside the step itself": MADE,
        "`workers` in bench.toml to 2": replace(MADE, wait_s=0.03),
        "Starting the 2,000 operations": replace(MADE, host_s=0.09),
        "The checkpoint takes": replace(MADE, checkpoint_s=60.0),
        "Scoring dev takes": replace(MADE, dev_rate=100.0),
    }
    for words, measured in cases.items():
        with subtests.test(words):
            first, *_, last = profile_output.advise_changes(measured)
            assert words in first
            assert last.startswith("A step takes 1.8 times the least time")


def test_a_row_without_training_has_no_step(tmp_path):
    table = table_cards.read_table("sal/table4")
    run = table_cards.resolve_row(table, "S0", "smoke")
    published = SimpleNamespace(is_trained=False, form=run.form)
    with pytest.raises(BenchError) as caught:
        step_profile.profile_row(published, Config(work=tmp_path), 1, tmp_path)  # type: ignore[arg-type]
    assert caught.value.code == "row.not-trainable"


@pytest.mark.slow
def test_a_row_is_profiled(bench, trials):
    printed = bench("profile", "table4", "--row", "S7", "--smoke", "--steps", "2", "--json")
    found = json.loads(printed.stdout)
    assert found["work"]["flops"] > 10**9
    assert {"losses", "gradients", "optimiser", "mixing"} <= {*found["parts"]}
    assert 0 < found["bound_s"] < found["step_s"]
    assert found["checkpoint_bytes"] > 10**6
    text = printed.stderr
    assert "a step as it is trained" in text
    place = text.rpartition("written: ")[2].partition(" and ")[0]
    with gzip.open(place.replace("profile.md", step_profile.TRACE)) as trace:
        names = {event.get("name") for event in json.load(trace)["traceEvents"]}
    assert "aten::mm" in names or "aten::addmm" in names
