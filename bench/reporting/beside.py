"""What stands beside a table's own rows: systems scored but not trained here, and what the
evaluation corpora share with those that were trained on.
"""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench import weights
from bench.config import Form
from bench.corpora import cards
from bench.corpora.overlap import from_cards
from bench.markdown import bullets, code, marked
from bench.metrics.measured import FEW
from bench.reporting.cells import decimals
from bench.reporting.grid import bracketed, grid, smoke_word
from bench.reporting.tables import MARKS
from bench.specs.run import Run
from bench.specs.table import Column, Table


def scored(table: Table, frame: pd.DataFrame, form: Form) -> str:
    """Return a section with the score files that `bench score --track` judged for the table; empty
    where there is none. The latest judgement of a system on a split stands.
    """
    kept = frame[frame["status"] == "FINISHED"].drop_duplicates(["system", "split"], keep="last")
    if not len(kept):
        return ""
    columns = [c for c in table.columns if c.metric in kept and kept[c.metric].notna().any()]
    headings = [f"{c.group} {c.heading}".strip() for c in columns]
    lines = [
        [
            run["system"],
            *(_figure(run, column) for column in columns),
            str(run["missing"]),
            run["split"],
            code(run["scores"][:8]),
            run["ended"].strftime("%Y-%m-%d"),
        ]
        for run in kept.to_dict("records")
    ]
    headings = ["System", *headings, "Trials missing", "Split", "Score file", "Judged"]
    return (
        f"## {smoke_word(form)}Scored, not trained here\n\n"
        "Score files of other systems, judged by `bench score`; in brackets the 95 % interval; "
        f"{MARKS['too few errors']}: too few errors to judge.\n\n" + grid(headings, lines, form)
    )


def _figure(run: Mapping[Any, Any], column: Column) -> str:
    metric = column.metric
    value = run[metric]
    if math.isnan(value):
        return "–"
    places = decimals(column)
    interval = bracketed(run[f"{metric}.low"], run[f"{metric}.high"], places)
    errors = run.get(f"{metric}.missed", math.nan) + run.get(f"{metric}.accepted", math.nan)
    few = not interval if math.isnan(errors) else errors < FEW
    return " ".join(
        filter(None, [f"{value:.{places}f}", interval, MARKS["too few errors"] if few else ""])
    )


def zero_shot(runs: Mapping[str, Run]) -> str:
    """Return a line for each evaluation: what its corpus shares with those trained on, by their
    cards; zero-shot only where that is nothing. What a pretrained front-end heard is said, too.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for row, run in runs.items():
        learnt = list(dict.fromkeys((run.train.corpus, run.dev.corpus)))
        heard = weights.KNOWN.get(getattr(run.frontend, "weights", ""))
        for name, data in run.evaluate.items():
            text = _relation(learnt, data.corpus)
            known = cards.card(data.corpus)
            common = [source for source in known.sources if heard and source in heard.heard]
            if common:
                text += (
                    f"; the front-end was pretrained on {', '.join(common)}, where recordings of "
                    f"{known.short} come from, without labels"
                )
            found.setdefault((name, text), []).append(row)
    return bullets(
        marked(
            "{}: {}",
            code(name),
            text + ("" if len(rows) == len(runs) else f" ({', '.join(rows)})"),
        )
        for (name, text), rows in found.items()
    )


def _relation(learnt: list[str], evaluated: str) -> str:
    """Return what the corpora learnt from share with the one evaluated, in words."""
    test = cards.card(evaluated)
    if evaluated in learnt:
        return f"in domain, trained on {test.short}"
    shared = [
        f"{cards.card(key).short} shares {item.what} ({', '.join(item.examples)})"
        for key in learnt
        for item in from_cards(cards.card(key), test)
    ]
    names = ", ".join(cards.card(key).short for key in learnt)
    if not shared:
        return f"zero-shot, {test.short} shares nothing with {names} by their cards"
    return f"not zero-shot: {'; '.join(shared)}"
