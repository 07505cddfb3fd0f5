"""How to read a report, its verdict in two sentences, and its footnotes."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from bench._io.markdown import bullets, code, joined, marked, prose
from bench._io.trees import leaves
from bench.config import Form
from bench.metrics.measured import FEW
from bench.reports import older, repeat, tables
from bench.reports.cells import Cell, Verdict, best, decimals, half_unit, has_paper
from bench.reports.compared import Comparisons
from bench.reports.grid import ranged
from bench.reports.published import elsewhere_notes
from bench.reports.standings import Standing
from bench.reports.tally import Tally, tally
from bench.specs.table import Table

_ORDER = (
    "In a cell: the paper's result / ours / ours minus the paper's; in small print the 95 % "
    "interval of one run (bounds averaged over seeds)."
)
_ORDER_DETAIL = (
    "In a cell: the paper's result; ours, in brackets the 95 % interval of one run (bounds "
    "averaged over seeds); ours minus the paper's."
)
_ORDER_ALONE = (
    "In a cell: our result; in small print the 95 % interval of one run (bounds averaged over "
    "seeds)."
)
_UNITS = (
    "Rates are in per cent. Ours is the mean over seeds, ± its standard deviation where there are "
    "several."
)
_KEYS = {
    "rows": marked("Row: the name that {} takes.", code("--rows")),
    "matrix": marked("Each heading begins with the name that {} takes.", code("--rows")),
}
_COMBINED = (
    "{names}: computed from each run's results, whose intervals are assumed independent (MOVER)."
)
_SAYS: Mapping[Verdict, str] = {
    "inside": "a further seed of ours could give the paper's result: it lies in the mean ± t · s · "
    "√(1 + 1/n), at 95 %, of n seeds with the standard deviation s",
    "outside": "the paper's result lies outside of that interval",
    "one seed": "no verdict, as one seed does not show how much trainings differ",
    "two seeds": "no verdict, as two seeds hardly show how much trainings differ",
    "too few errors": f"too few errors to judge, fewer than {FEW}",
}
_UNIT_OF = {"utterance": "utterances", "speaker": "speakers", "attack": "attacks"}


def reading(
    table: Table,
    found: tuple[Cell, ...],
    standings: Mapping[str, Standing],
    comparisons: Comparisons,
    detail: bool = False,
) -> str:
    """Return how to read a cell, and the marks that the table has."""
    beside = has_paper(found)
    if not any(cell.ours for cell in found):
        said = "The paper's results (rates in per cent); no row was run here yet." if beside else ""
        return joined(" ", [said or "Nothing was run yet.", _KEYS[table.layout]])
    names = ", ".join(column.heading for column in table.columns if column.combine != "none")
    lines = [
        (_ORDER_DETAIL if detail else _ORDER) if beside else _ORDER_ALONE,
        _UNITS,
        _KEYS[table.layout],
        drawn_by(standings),
        _COMBINED.format(names=names) if names else "",
        *_marks(table, found, comparisons, detail),
    ]
    return bullets(filter(None, lines))


def drawn_by(standings: Mapping[str, Standing]) -> str:
    """Say how the intervals that are shown were drawn; the CSV has those by utterances, too."""
    plans: dict[str, set[str]] = {}
    for stands in standings.values():
        for name in stands.runs.columns:
            if name.startswith("plan."):
                for plan in stands.runs[name].dropna():
                    plans.setdefault(plan, set()).add(name.removeprefix("plan."))
    plans.pop("", None)
    if not plans.keys() - {"utterance"}:
        return "Intervals are drawn by utterances."
    said = [
        f"{' and '.join(_UNIT_OF.get(of, of) for of in plan.split('+'))} "
        f"({', '.join(sorted(evaluations))})"
        for plan, evaluations in sorted(plans.items())
    ]
    return f"Intervals are drawn by {', by '.join(said)}; those by utterances alone are in the CSV."


def _marks(
    table: Table, found: tuple[Cell, ...], comparisons: Comparisons, detail: bool
) -> list[str]:
    """Return a line for each mark that the table has."""
    there = {cell.ours.verdict for cell in found if cell.ours}
    if "outside" in there:
        there.add("inside")  # the one says what the other is not
    said: list[str] = [
        marked("{}: {}.", marked("*{}*", of) if detail else tables.MARKS[of], says)
        for of, says in _SAYS.items()
        if of in there
    ]
    if any(best(table, column, found) for column in range(len(table.columns))):
        level = (
            f"; {tables.LEVEL}: no significant difference from it (below)"
            if comparisons.tested
            else ""
        )
        said.append(marked("**Bold**: our best result, among complete rows{}.", level))
    if any(cell.ours and cell.ours.tied for cell in found):
        said.append(
            f"{tables.TIED}: equal scores of both classes stand where the error rates cross; they "
            "move together here, and other formulas give another EER."
        )
    if any(cell.ours and not cell.complete for cell in found):
        said.append(marked("*Italic*: seeds are missing."))
    return said


def verdict(
    table: Table, found: tuple[Cell, ...], standings: Mapping[str, Standing], form: Form
) -> str:
    """Return the outcome in two sentences: how many figures agree with the paper's among those that
    can be judged, and how far the rows are.
    """
    counts = tally(table, found)
    sentences = [_agreement(table, counts, standings, form), f"{_rows(table, counts)}."]
    return marked("**Verdict.** {}", joined(" ", filter(None, sentences)))


def _rows(table: Table, counts: Tally) -> str:
    """Return how many rows there are of each state, and which result deviates most."""
    complete, *others = counts.states.items()
    said = [f"{complete[1]} of {sum(counts.states.values())} rows are complete"]
    text = ", ".join(said + [f"{number} {state}" for state, number in others if number])
    far = farthest(table, counts)
    return f"{text}; largest relative deviation: {far}" if far else text


def _agreement(table: Table, counts: Tally, standings: Mapping[str, Standing], form: Form) -> str:
    judged, seeds, errors = counts.inside + counts.outside, counts.few_seeds, counts.few_errors
    if not judged + seeds + errors:
        return ""
    text = (
        f"A further seed of ours could give the paper's result in {counts.inside} of the {judged} "
        "results that can be compared"
        if judged
        else "No result can be compared with the paper's yet"
    )
    said = [text]
    if seeds:
        few = f"{seeds} {'has' if seeds == 1 else 'have'} fewer than three seeds"
        run = code(repeat.command(table, standings, form, 3))
        said.append(marked("{} ({} gives a verdict)", few, run))
    if errors:
        said.append(f"{errors} {'has' if errors == 1 else 'have'} too few errors")
    return marked("{}.", joined("; ", said))


def farthest(table: Table, counts: Tally) -> str:
    """Return the result that deviates most from the paper's, in words; empty if none is."""
    cell = counts.farthest
    if cell is None or cell.ours is None:
        return ""
    column = table.columns[cell.column]
    ours, paper = (f"{of:.{decimals(column)}f}" for of in (cell.ours.mean, cell.paper))
    text = f"{cell.row}, {f'{column.group} {column.heading}'.strip()}: ours {ours}, paper {paper}"
    least = half_unit(column)
    if cell.paper is None or abs(cell.paper) >= least:
        return text
    return f"{text}, relative to {least:.{decimals(column) + 1}f}, half a printed unit"


def printed_footnotes(table: Table, contradictory: Mapping[tuple[str, int], str]) -> str:
    """Return a list of what a reader of the paper's own results must know."""
    return bullets([*_doubts(table, contradictory), *_of_paper(table)])


def _doubts(table: Table, contradictory: Mapping[tuple[str, int], str]) -> list[str]:
    notes = [f"{tables.CONTRADICTORY} {note}" for note in contradictory.values()]
    if any(row.digest for row in table.rows.values()):
        notes.append(f"{tables.SECOND_HAND} From a digest of the paper, not from the paper itself.")
    return notes


def _of_paper(table: Table) -> list[str]:
    sources: dict[str, list[str]] = {}
    for name, row in table.rows.items():
        sources.setdefault(row.source, []).append(name)
    said = [
        f"{ranged(names, [*table.rows])}: published results from {source}."
        for source, names in sources.items()
        if source
    ]
    return [*said, *elsewhere_notes(table), *map(prose, table.notes)]


def footnotes(
    table: Table,
    standings: Mapping[str, Standing],
    contradictory: Mapping[tuple[str, int], str],
    frame: pd.DataFrame,
    form: Form,
) -> str:
    """Return a list of what a reader of the table must know."""
    notes = _doubts(table, contradictory)
    notes += [
        older.footnote(table, row, stands.older, stands.runs, form)
        for row, stands in standings.items()
        if stands.older
    ]
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
    notes += _of_paper(table)
    if form == "smoke" and table.smoke:
        said = (code(f"{'.'.join(keys)} = {value}") for keys, value in leaves(table.smoke))
        notes.append(marked("Smoke settings, in place of the paper's: {}.", joined(", ", said)))
    return bullets(notes)
