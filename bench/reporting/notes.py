"""How to read a report, what it says in short, and its footnotes."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bench.config import Form
from bench.reporting import tables
from bench.reporting.cells import Cell, Standing, decimals
from bench.reporting.claims import claims
from bench.reporting.compared import Comparisons
from bench.reporting.grid import ranged
from bench.reporting.tally import Tally, tally
from bench.specs.table import Table
from bench.trees import leaves

_READING = """\
What stands in a cell:

- First line: the paper's figure; rates are in per cent.
- Second line: ours, the mean over seeds, ± its standard deviation where there are several; in
  brackets the 95 % percentile bootstrap interval of one run, resampling utterances (bounds averaged
  over seeds).
- Third line: ours minus the paper's; *inside* where the paper's figure lies in our 95 % interval,
  that of the mean over seeds (Student's t) where there are several, else that of the one run."""
_COMBINED = """
- {names}: from each run's own figures; the interval is from theirs, which are taken to be
  independent (MOVER)."""


def reading(table: Table, found: tuple[Cell, ...], comparisons: Comparisons) -> str:
    """Return what stands in a cell, and the marks that the table has."""
    if not any(cell.ours for cell in found):
        return "The paper's figures (rates in per cent); none of ours is there yet."
    names = ", ".join(column.heading for column in table.columns if column.combine != "none")
    marks = "- **Bold**: the best of ours among complete rows"
    marks += f"; {tables.LEVEL}: not told apart from it (below)." if comparisons.tested else "."
    if any(cell.ours and not cell.complete for cell in found):
        marks += " *Italic*: seeds are missing."
    return _READING + (_COMBINED.format(names=names) if names else "") + f"\n{marks}"


def in_short(table: Table, found: tuple[Cell, ...], comparisons: Comparisons) -> str:
    """Return the outcome in a few lines: how far the rows are, how many figures agree, and which
    differences between rows hold.
    """
    counts = tally(table, found)
    lines = [f"**In short.** {_rows(counts)}.{_agreement(table, counts)}"]
    lines += [f"- {text}." for text in claims(table, found, comparisons)]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).strip()


def _rows(counts: Tally) -> str:
    """Return how many rows there are of each state."""
    complete, *others = counts.states.items()
    said = [f"{complete[1]} of {sum(counts.states.values())} rows are complete"]
    return ", ".join(said + [f"{number} {state}" for state, number in others if number])


def _agreement(table: Table, counts: Tally) -> str:
    compared = counts.inside + counts.outside
    if not compared:
        return ""
    text = f" The paper's figure lies in our interval in {counts.inside} of {compared} cells."
    return f"{text} Farthest, in proportion: {farthest(table, counts)}."


def farthest(table: Table, counts: Tally) -> str:
    """Return the figure that is farthest from the paper's, in words; empty where there is none."""
    cell = counts.farthest
    if cell is None or cell.ours is None:
        return ""
    column = table.columns[cell.column]
    ours, paper = (f"{of:.{decimals(column)}f}" for of in (cell.ours.mean, cell.paper))
    return f"{cell.row}, {f'{column.group} {column.heading}'.strip()}: {ours} for {paper}"


def footnotes(
    table: Table,
    standings: Mapping[str, Standing],
    contradictory: Mapping[tuple[str, int], str],
    frame: pd.DataFrame,
    form: Form,
) -> str:
    """Return a list of what a reader of the table must know."""
    notes = [f"{tables.CONTRADICTORY} {note}" for note in contradictory.values()]
    if any(row.digest for row in table.rows.values()):
        notes.append(f"{tables.SECOND_HAND} From a digest of the paper, not from the paper itself.")
    notes += [
        f"{row}: {count} {'run' if count == 1 else 'runs'} {reason} "
        f"{'is' if count == 1 else 'are'} not shown."
        for row, stands in standings.items()
        for reason, count in stands.left_out.items()
    ]
    unknown = frame[(frame["form"] == form) & ~frame["row"].isin(list(standings))]
    notes += [
        f"{row}: {count} tracked, but the card has no such row to run."
        for row, count in unknown["row"].value_counts().sort_index().items()
    ]
    sources: dict[str, list[str]] = {}
    for name, row in table.rows.items():
        sources.setdefault(row.source, []).append(name)
    notes += [
        f"{ranged(names, [*table.rows])}: published figures from {source}."
        for source, names in sources.items()
        if source
    ]
    notes += table.notes
    if form == "smoke" and table.smoke:
        said = ", ".join(f"`{'.'.join(keys)} = {value}`" for keys, value in leaves(table.smoke))
        notes.append(f"Smoke settings, in place of the paper's: {said}.")
    return "\n".join(f"- {' '.join(note.split())}" for note in notes)
