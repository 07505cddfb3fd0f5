"""Which point comes next: never one that was tried, and every one where they can be counted."""

from __future__ import annotations

import pytest

from bench.sweeps import sampling
from tests.sweeps.conftest import CARD, Formula, finish

SMALL = """
title = "small"
from = "sal/table4:S7"
trials = 50
sampler = { kind = "tpe", startup_trials = 2 }

[space]
system.auxiliary.weight = { kind = "float", low = 0.1, high = 0.3, step = 0.1 }
mix = { kind = "categories", values = [{ kind = "none" }, { kind = "csm", rounds = 3 }] }
"""


def params(study):
    return [sampling.decode_point(study.card, trial.params) for trial in study.list_trials()]


@pytest.mark.parametrize("sampler", ['kind = "tpe"', 'kind = "random"', 'kind = "grid"'])
def test_every_point_of_a_finite_space_comes_once_and_then_none(parse, open_study, sampler):
    card = parse(SMALL.replace('kind = "tpe", startup_trials = 2', sampler))
    study = open_study(card)
    assert len(finish(study, Formula(), 50)) == 6
    found = params(study)
    assert [p for p in card.grid_points() if p not in found] == []
    assert len(found) == 6
    if "grid" in sampler:
        assert found == card.grid_points()
        assert [p["mix"]["kind"] for p in found] == ["none", "csm"] * 3
        assert [p["system.auxiliary.weight"] for p in found] == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]


def test_values_are_of_the_space_and_short(parse, open_study):
    study = open_study(parse(CARD.replace('kind = "random"', 'kind = "tpe", startup_trials = 3')))
    finish(study, Formula(), 12)
    for point in params(study):
        weight = point["system.auxiliary.weight"]
        assert 0.01 <= weight <= 10
        assert float(f"{weight:.4g}") == weight
        assert point["mix.rounds"] in (1, 2, 3)


def test_two_that_begin_at_once_draw_different_points(parse, open_study):
    card = parse()
    one, other = open_study(card).claim_trial(6), open_study(card).claim_trial(6)
    assert one.number != other.number
    assert one.point != other.point


@pytest.mark.rows
def test_tpe_finds_what_chance_does_not(parse, open_study):
    """The least of |weight - 1| over a hundredth to ten, after as many trials."""
    best = {}
    for kind in ("tpe", "random"):
        found = []
        for seed in range(3):
            sampler = f'kind = "{kind}", seed = {seed}'
            study = open_study(parse(CARD.replace('kind = "random"', sampler)), f"{kind}-{seed}")
            found.append(min(end.objective for end in finish(study, Formula(), 25)))
        best[kind] = sum(found)
    assert best["tpe"] < best["random"]
