"""Rows of every network of the suite in smoke form."""

from __future__ import annotations

import pytest

from bench.cards import table_cards
from bench.specs.run import Run

_TYPICAL = (
    *(("sal/table4", "S7"), ("tca/table2", "TCA"), ("aasist/asvspoof2019", "AASIST")),
    *(("mfpt/asvspoof5", "MFPT"), ("breathnet/table4", "BreathNet")),
    ("multi-reso/partialspoof", "Multi-reso"),
    ("sls/asvspoof2021", "SLS"),
    ("bam/partialspoof", "BAM-WavLM"),
    ("cfprf/partialspoof", "FDN"),
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
