"""Every system, over a tiny front-end: it answers, learns, and judges each clip by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bench.cards import table_cards
from bench.config import Config
from bench.conformance.networks import check_system
from bench.specs.run import EarlierTraining, Run
from bench.training import engine


def distinct() -> Iterator[tuple[str, Run]]:
    """Yield the trainings of all rows, those that they start from too, each way of building and
    cutting once.
    """
    seen: set[str] = set()
    for key in table_cards.table_keys():
        for row in table_cards.runnable_rows(table_cards.read_table(key)):
            run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
            stages = {":start": run.start.stage} if isinstance(run.start, EarlierTraining) else {}
            for name, each in {"": run, **stages}.items():
                parts = (each.system, each.frontend, each.train.clip_s, each.train.resolution_s)
                if repr(parts) not in seen:
                    seen.add(repr(parts))
                    yield f"{key}:{row}{name}", each


RUNS = dict(distinct())
TABLES = sorted({name.partition(":")[0] for name in RUNS})


@pytest.mark.rows
@pytest.mark.parametrize("table", TABLES)
def test_a_system_keeps_the_contract(table: str, subtests: pytest.Subtests):
    for name, run in RUNS.items():
        if name.startswith(f"{table}:"):
            with subtests.test(name=name):
                assert [str(issue) for issue in check_system(run)] == []


def test_the_seed_alone_decides_the_first_weights():
    run = table_cards.resolve_row(table_cards.read_table("table4"), "S5", "smoke")
    one, two, other = (engine.build_system(run, seed, Config()).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
