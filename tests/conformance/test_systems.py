"""Every system, over a tiny front-end: it answers, learns, and judges each clip by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bench.cards import table_cards
from bench.config import Config
from bench.models.systems import Batch
from bench.specs.run import EarlierTraining, Run
from bench.training import engine
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES


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


@pytest.mark.parametrize("table", TABLES)
def test_a_system_keeps_the_contract(table: str, subtests: pytest.Subtests):
    for name, run in RUNS.items():
        if name.startswith(f"{table}:"):
            with subtests.test(name=name):
                check_contract(run)


def check_contract(run: Run) -> None:
    system = engine.build_system(run, 1, Config())
    torch.manual_seed(0)
    samples = round(run.train.clip_s * 16_000)
    frames = samples // round(run.train.resolution_s * 16_000) if run.train.resolution_s else 1
    hops = (samples - RECEPTIVE_FIELD_SAMPLES) // HOP_SAMPLES + 1
    kind = torch.tensor([0, 1, 2])
    batch = Batch(
        torch.randn(3, samples),
        (kind > 0)[:, None] ^ (torch.arange(frames) % 3 == 1),
        torch.ones(3, frames, dtype=torch.bool),
        kind,
        torch.rand(3, hops) < 0.2,
    )
    losses = system.losses(batch)
    assert losses["loss"].ndim == 0
    assert all(torch.isfinite(loss) for loss in losses.values())
    losses["loss"].backward()
    missing = [n for n, p in system.named_parameters() if p.requires_grad and p.grad is None]
    # S0 reads the last state alone: what no state feeds gets no gradient, and there is none such.
    assert not missing
    system.eval()
    with torch.no_grad():
        together = system.predict(batch.waves, batch.breath_mask, run.dev.resolution_s)
        alone = system.predict(batch.waves[1:2], batch.breath_mask[1:2], run.dev.resolution_s)
    assert together.score.shape == (3, frames)
    assert together.logits.shape == (3, frames, 2)
    torch.testing.assert_close(alone.score[0], together.score[1], atol=1e-4, rtol=1e-4)
    again = engine.build_system(run, 2, Config())
    again.load_state_dict(system.state_dict())
    with torch.no_grad():
        same = again.eval().predict(batch.waves, batch.breath_mask, run.dev.resolution_s)
    assert torch.equal(same.score, together.score)


def test_the_seed_alone_decides_the_first_weights():
    run = table_cards.resolve_row(table_cards.read_table("table4"), "S5", "smoke")
    one, two, other = (engine.build_system(run, seed, Config()).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
