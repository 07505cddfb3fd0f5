"""Rows of every network of the suite in smoke form, and clips that they learn from."""

from __future__ import annotations

import pytest
import torch

from bench.cards import table_cards
from bench.models.systems.base import Batch
from bench.specs.run import Run
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, frame_samples

_TYPICAL = (
    *(("sal/table4", "S7"), ("tca/table2", "TCA"), ("aasist/asvspoof2019", "AASIST")),
    *(("mfpt/asvspoof5", "MFPT"), ("breathnet/table4", "BreathNet")),
)


def typical_rows() -> dict[str, Run]:
    """Return a row of each system, in its smoke form, and MFPT's earlier training."""
    rows: dict[str, Run] = {}
    for key, row in _TYPICAL:
        run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
        rows[run.system.kind] = run
        if run.earlier:
            rows[f"{run.system.kind} start"] = run.earlier
    return rows


def distinct_rows() -> dict[str, Run]:
    """Return one row, in its smoke form, for each network that the tables have."""
    rows: dict[str, Run] = {}
    seen: set[str] = set()
    for key in table_cards.table_keys():
        table = table_cards.read_table(key)
        for row in table_cards.runnable_rows(table):
            run = table_cards.resolve_row(table, row, "smoke")
            for stage in filter(None, (run, run.earlier)):
                network = f"{stage.system!r} {stage.frontend!r}"
                if stage.is_trained and network not in seen:
                    seen.add(network)
                    rows[f"{key} {row}{' start' if stage is not run else ''}"] = stage
    return rows


each_network = pytest.mark.parametrize(
    "rows",
    [
        pytest.param(typical_rows, id="one row a system"),
        pytest.param(distinct_rows, id="every network", marks=pytest.mark.slow),
    ],
)
"""Gives a test what returns the rows that it is to look at."""


def make_batch(run: Run) -> Batch:
    """Return three clips that the run's system can learn from."""
    samples = round((run.train.clip_s or 1.0) * 16_000)
    hops = (samples - RECEPTIVE_FIELD_SAMPLES) // HOP_SAMPLES + 1
    resolution_s = run.train.resolution_s
    frames = samples // frame_samples(resolution_s) if resolution_s else 1
    generator = torch.Generator().manual_seed(1)
    spoof = torch.rand(3, frames, generator=generator) < 0.5
    spoof[0], spoof[1] = False, True
    return Batch(
        0.1 * torch.randn(3, samples, generator=generator),
        spoof,
        torch.ones_like(spoof),
        torch.tensor([0, 1, 2]),
        torch.rand(3, hops, generator=generator) < 0.1,
    )
