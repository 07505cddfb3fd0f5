"""What a step asks of a device is counted, and a whole row is profiled."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from bench.cards import table_cards
from bench.cli import profile_output
from bench.config import Config
from bench.errors import BenchError
from bench.runner import step_profile
from bench.runner.step_work import count_work
from tests.runner.made_profile import MADE


def test_products_are_counted_and_other_operations_by_their_bytes():
    weight = torch.ones(8, 4, requires_grad=True)
    work = count_work(lambda: (torch.ones(2, 8) @ weight).mean().backward())
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
        "fp32 is the slowest": replace(MADE, precision="fp32"),
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
