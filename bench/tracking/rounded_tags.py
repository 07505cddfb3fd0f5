"""Rounded results as tags of a run, beside the paper's.

MLflow's pages print all digits of a metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.metrics.catalogue import metric_decimals
from bench.specs.table import Table
from bench.tracking.stored_runs import is_figure


def our_tag(name: str) -> str:
    """Return the tag that holds a run's own result.

    >>> our_tag("partialspoof.eer"), paper_tag("partialspoof.eer")
    ('partialspoof.eer ours', 'partialspoof.eer paper')
    """
    return f"{name} ours"


def paper_tag(name: str) -> str:
    """Return the tag that holds the paper's number."""
    return f"{name} paper"


def paper_tags(published: Mapping[str, float]) -> dict[str, str]:
    """Return the tags of the paper's numbers (rates in per cent) by metric."""
    return {paper_tag(name): _round_value(name, value) for name, value in published.items()}


def our_tags(metrics: Mapping[str, float]) -> dict[str, str]:
    """Return the tags of results as the store has them, without those of breakdowns."""
    return {
        our_tag(name): _round_value(name, value)
        for name, value in metrics.items()
        if name.count(".") < 2 and is_figure(name, dict(metrics))
    }


def fill_in(client: Any, run: Any, table: Table) -> None:
    """Give a run of `table` the tags that it lacks, as one of an older version does."""
    is_row = run.data.tags.get("kind") == "row"
    row = table.rows.get(run.data.tags["row"]) if is_row else None
    published = row.published_figures if row is not None else {}
    for key, value in {**paper_tags(published), **our_tags(run.data.metrics)}.items():
        if run.data.tags.get(key) != value:
            client.set_tag(run.info.run_id, key, value)


def _round_value(name: str, value: float) -> str:
    return f"{value:.{metric_decimals(name)}f}"
