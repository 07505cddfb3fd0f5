"""How to read a report, its verdict in two sentences, and its footnotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bench._io.markdown import fill_template, format_code, format_list, format_prose, join_texts
from bench._io.printable import format_count
from bench._io.trees import iterate_leaves
from bench.config import Form
from bench.metrics.measured import FEW
from bench.reports import code_versions, main_table, reproduction
from bench.reports.completeness import Completeness, count_results
from bench.reports.name_ranges import format_row_names
from bench.reports.published_systems import list_other_measurements
from bench.reports.result_cells import (
    ResultCells,
    Verdict,
    count_decimals,
    find_best_rows,
    half_unit,
    has_paper,
    name_column,
)
from bench.reports.row_runs import RunsByRow
from bench.reports.row_tests import RowTests
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun

_ORDER = (
    "Each cell: the paper's result / ours / ours minus the paper's. Small print: the 95 % "
    "confidence interval of one run (bounds averaged over seeds)."
)
_ORDER_DETAIL = (
    "Each cell: the paper's result; ours, with the 95 % confidence interval of one run in "
    "brackets (bounds averaged over seeds); ours minus the paper's."
)
_ORDER_ALONE = (
    "Each cell: our result. Small print: the 95 % confidence interval of one run (bounds "
    "averaged over seeds)."
)
_UNITS = (
    "Rates are in per cent. Ours is the mean over seeds; with several seeds, ± gives the "
    "standard deviation."
)
_MIXED = (
    "A smoke row on the CPU had EERs in bf16-mixed that differ from those in fp32 by less than its "
    "seeds do (docs/performance.md)."
)
_KEYS = {
    "rows": fill_template("Row: the name that {} takes.", format_code("--rows")),
    "matrix": fill_template(
        "Each heading begins with the name that {} takes.", format_code("--rows")
    ),
}
_COMBINED = (
    "{names}: computed from each run's results, whose intervals are assumed independent (MOVER)."
)
_SAYS: Mapping[Verdict, str] = {
    "inside": (
        "a further seed of ours could give the paper's result: it lies in the 95 % prediction "
        "interval mean ± t · s · √(1 + 1/n), for n seeds with standard deviation s"
    ),
    "outside": "the paper's result lies outside that interval",
    "one seed": "no verdict, because one seed does not show how much trainings differ",
    "two seeds": "no verdict, because two seeds hardly show how much trainings differ",
    "too few errors": f"too few errors to judge, fewer than {FEW}",
}
_UNIT_OF = {"utterance": "utterances", "speaker": "speakers", "attack": "attacks"}


def describe_reading(
    table: Table,
    results: ResultCells,
    standings: RunsByRow,
    comparisons: RowTests,
    detail: bool = False,
) -> str:
    """Return how to read a cell, and the marks that the table has."""
    beside = has_paper(results)
    if not any(cell.ours for cell in results):
        text = "The paper's results (rates in per cent); no row was run here yet." if beside else ""
        return join_texts(" ", [text or "Nothing was run yet.", _KEYS[table.layout]])
    names = ", ".join(column.heading for column in table.columns if column.combine != "none")
    lines = [
        (_ORDER_DETAIL if detail else _ORDER) if beside else _ORDER_ALONE,
        _UNITS,
        _KEYS[table.layout],
        describe_intervals(standings),
        describe_precision(standings),
        _COMBINED.format(names=names) if names else "",
        *_explain_marks(table, results, comparisons, detail),
    ]
    return format_list(filter(None, lines))


def describe_intervals(standings: RunsByRow) -> str:
    """Say what the intervals resample; the CSV also has those that resample utterances."""
    plans: dict[str, set[str]] = {}
    for stands in standings.values():
        for results in stands.results:
            for name, plan in results.plans.items():
                plans.setdefault(plan, set()).add(name.removeprefix("plan."))
    plans.pop("", None)
    if not plans.keys() - {"utterance"}:
        return "The intervals resample utterances."
    parts = [
        f"{' and '.join(_UNIT_OF.get(unit, unit) for unit in plan.split('+'))} "
        f"({', '.join(sorted(evaluations))})"
        for plan, evaluations in sorted(plans.items())
    ]
    return (
        f"The intervals resample {', '.join(parts)}. The CSV also has intervals that resample "
        "utterances."
    )


def describe_precision(standings: RunsByRow) -> str:
    """Say in which precision the rows were computed; "" if all were in fp32."""
    rows: dict[str, list[str]] = {}
    for row, stands in standings.items():
        for name in dict.fromkeys(run.precision for run in stands.runs if run.precision):
            rows.setdefault(name, []).append(row)
    if not rows.keys() - {"fp32"}:
        return ""
    measured = f" {_MIXED}" if "bf16-mixed" in rows else ""
    if len(rows) == 1:
        return f"All rows were trained and scored in {next(iter(rows))} precision.{measured}"
    parts = [f"{name} ({format_row_names(names, [*standings])})" for name, names in rows.items()]
    return (
        f"Precision of training and scoring: {', '.join(parts)}. Between rows of different "
        f"precision, a part of the difference can be due to it.{measured}"
    )


def _explain_marks(
    table: Table, results: ResultCells, comparisons: RowTests, detail: bool
) -> list[str]:
    """Return a line for each mark that the table has."""
    there = {cell.ours.verdict for cell in results if cell.ours}
    if "outside" in there:
        there.add("inside")  # the one says what the other is not
    lines: list[str] = [
        fill_template(
            "{}: {}.",
            fill_template("*{}*", mark) if detail else main_table.VERDICT_MARKS[mark],
            says,
        )
        for mark, says in _SAYS.items()
        if mark in there
    ]
    if any(find_best_rows(table, column, results) for column in range(len(table.columns))):
        level = (
            f"; {main_table.LEVEL_MARK}: not significantly different from it (see below)"
            if comparisons.tested
            else ""
        )
        lines.append(fill_template("**Bold**: our best result among complete rows{}.", level))
    if any(cell.ours and cell.ours.tied for cell in results):
        lines.append(
            f"{main_table.TIED_MARK}: the error rates cross at a score that trials of both classes "
            "share; here they move together, and other definitions give another EER."
        )
    if any(cell.ours and not cell.is_complete for cell in results):
        lines.append(fill_template("*Italic*: seeds are missing."))
    return lines


def summarize_verdict(table: Table, results: ResultCells, standings: RunsByRow, form: Form) -> str:
    """Return the outcome in two sentences.

    How many results agree with the paper's among those that can be judged, and how far the rows
    are.
    """
    counts = count_results(table, results)
    sentences = [_describe_agreement(table, counts, standings, form), _count_rows(table, counts)]
    return fill_template("**Verdict.** {}", join_texts(" ", filter(None, sentences)))


def _count_rows(table: Table, counts: Completeness) -> str:
    """Return how many rows there are of each state, and which result deviates most."""
    complete, *others = counts.states.items()
    parts = [f"{complete[1]} of {sum(counts.states.values())} rows are complete"]
    text = ", ".join(parts + [f"{number} {state}" for state, number in others if number])
    far = describe_farthest(table, counts)
    return f"{text}; largest relative deviation: {far}." if far else f"{text}."


def _describe_agreement(
    table: Table, counts: Completeness, standings: RunsByRow, form: Form
) -> str:
    judged, seeds, errors = counts.inside + counts.outside, counts.few_seeds, counts.few_errors
    if not judged + seeds + errors:
        return ""
    text = (
        f"A further seed of ours could give the paper's result in {counts.inside} of the {judged} "
        "results that can be compared"
        if judged
        else "No result can be compared with the paper's yet"
    )
    parts = [text]
    if seeds:
        few = f"{_name_results(seeds)} fewer than three seeds"
        run = format_code(reproduction.format_run_command(table, standings, form, 3))
        parts.append(fill_template("{} ({} gives a verdict)", few, run))
    if errors:
        parts.append(f"{_name_results(errors)} too few errors")
    return fill_template("{}.", join_texts("; ", parts))


def _name_results(count: int) -> str:
    return f"{format_count(count, 'result')} {'has' if count == 1 else 'have'}"


def describe_farthest(table: Table, counts: Completeness) -> str:
    """Return the result that deviates most from the paper's, in words; empty if none is."""
    cell = counts.farthest
    if cell is None or cell.ours is None:
        return ""
    column = table.columns[cell.column]
    ours, paper = (f"{value:.{count_decimals(column)}f}" for value in (cell.ours.mean, cell.paper))
    text = f"{cell.row}, {name_column(column)}: ours {ours}, paper {paper}"
    least = half_unit(column)
    if cell.paper is None or abs(cell.paper) >= least:
        return text
    unit = f"{least:.{count_decimals(column) + 1}f}"
    return f"{text}, relative to {unit}, half of the last printed digit"


def list_printed_footnotes(table: Table, contradictory: Mapping[tuple[str, int], str]) -> str:
    """Return a list of what a reader of the paper's own results must know."""
    return format_list([*list_doubts(table, contradictory), *_list_paper_notes(table)])


def list_doubts(table: Table, contradictory: Mapping[tuple[str, int], str]) -> list[str]:
    """Return a footnote for each mark at the paper\'s results."""
    notes = [f"{main_table.CONTRADICTORY_MARK} {note}" for note in contradictory.values()]
    if any(row.digest for row in table.rows.values()):
        notes.append(
            f"{main_table.SECOND_HAND_MARK} From a summary of the paper, not from the paper itself."
        )
    return notes


def _list_paper_notes(table: Table) -> list[str]:
    sources: dict[str, list[str]] = {}
    for name, row in table.rows.items():
        sources.setdefault(row.source, []).append(name)
    sources_text = [
        f"{format_row_names(names, [*table.rows])}: published results from {source}."
        for source, names in sources.items()
        if source
    ]
    return [*sources_text, *list_other_measurements(table), *map(format_prose, table.notes)]


def list_footnotes(
    table: Table,
    standings: RunsByRow,
    contradictory: Mapping[tuple[str, int], str],
    stored: Sequence[StoredRun],
    form: Form,
) -> str:
    """Return a list of what a reader of the table must know."""
    notes = list_doubts(table, contradictory)
    notes += [
        code_versions.format_version_footnote(table, row, stands.older, stands.runs, form)
        for row, stands in standings.items()
        if stands.older
    ]
    notes += [
        f"{row}: {count} {'run' if count == 1 else 'runs'} {reason} "
        f"{'is' if count == 1 else 'are'} not shown."
        for row, stands in standings.items()
        for reason, count in stands.left_out.items()
    ]
    unknown = Counter(run.row for run in stored if run.form == form and run.row not in standings)
    notes += [
        f"{row}: the card has no such row, but {count} "
        f"{'run' if count == 1 else 'runs'} in the store {'has' if count == 1 else 'have'}."
        for row, count in sorted(unknown.items())
    ]
    notes += _list_paper_notes(table)
    if form == "smoke" and table.smoke:
        leaves = iterate_leaves(table.smoke)
        settings = (format_code(f"{'.'.join(keys)} = {value}") for keys, value in leaves)
        note = "Smoke settings, in place of the paper's: {}."
        notes.append(fill_template(note, join_texts(", ", settings)))
    return format_list(notes)
