"""Which rows of a table differ, in words: no more than `bench.reports.row_tests` finds."""

from __future__ import annotations

from collections.abc import Sequence

from bench._io.markdown import escape_text, fill_template, format_list
from bench.config import Form
from bench.evaluation.draws import REPLICATES
from bench.reports.name_ranges import format_row_names
from bench.reports.result_cells import ResultCells, count_decimals, find_best_rows, name_column
from bench.reports.row_tests import SIGNIFICANCE_LEVEL, RowTests
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix
from bench.specs.table import Column, Table

_WORDS = f"""\
Rows are marked as different only if the difference is significant. Each cell: our difference (row
minus reference), its 95 % interval, and the two-sided p-value.

- Interval and p-value come from {REPLICATES:,} bootstrap replicates, the same for all rows. They
  resample speakers and attacks if the corpus names them, and utterances otherwise.
- If rows have several seeds, the variance over seeds is added to that of the trials (Welch's
  t-test). A row with one seed is assumed to have the other row's seed variance.
- If two rows differ in few errors only, the test is exact (McNemar's test of these errors, by
  utterances, speakers and attacks), and the interval follows from the exact bounds of both results.
- p-values are corrected for all pairs of rows in a column (Holm): the chance of any false claim in
  a column is at most 5 %. Intervals are not corrected.
- **Bold**: significantly better or worse at 5 %."""
_ONE_SEED = "With one seed per row, these tests compare the trained models, not the methods"


def describe_significance(
    table: Table, results: ResultCells, comparisons: RowTests, form: Form
) -> str:
    """Return the section of a report; empty where fewer than two rows can be run."""
    rows = list(dict.fromkeys(cell.row for cell in results if cell.seeds_wanted))
    if len(rows) < 2:
        return ""
    parts = [f"## {smoke_prefix(form)}Which rows differ"]
    tested = {row for _, row, _ in comparisons.tested}
    columns = sorted({index for index, *_ in comparisons.tested})
    if tested:
        parts.append(format_list(f"{text}." for text in list_claims(table, results, comparisons)))
        parts.append(_WORDS)
        compared = [row for row in rows if row in tested]
        parts += _list_steps(table, compared, columns, comparisons, form)
        parts += _against_best(table, results, compared, comparisons, form)
    parts.append(escape_text(_left_out(table, rows, columns, comparisons)))
    return "\n\n".join(filter(None, parts))


def list_claims(table: Table, results: ResultCells, comparisons: RowTests) -> list[str]:
    """Return a sentence for each outcome of columns with a best row.

    It names the best row, the rows that it beats, and those that it does not.
    """
    columns_by_text: dict[str, list[str]] = {}
    for index, column in enumerate(table.columns):
        text = _describe_outcome(table, index, find_best_rows(table, index, results), comparisons)
        if text:
            columns_by_text.setdefault(text, []).append(name_column(column))
    lines = [f"{', '.join(columns)}: {text}" for text, columns in columns_by_text.items()]
    if lines and not all(test.difference.over_seeds for test in comparisons.tested.values()):
        lines.append(_ONE_SEED)
    return lines


def _describe_outcome(table: Table, index: int, tops: frozenset[str], comparisons: RowTests) -> str:
    """Return what is said of a column; nothing where its best rows were not tested."""
    rows = list(table.rows)
    tested = {row for at, top, row in comparisons.tested if at == index and top in tops}
    if not tested:
        return ""
    level = comparisons.level_with_best(index, tops)
    beaten = tested - tops - level
    few = {row for row in level if all(comparisons.has_few_errors(index, top, row) for top in tops)}
    level -= few
    single = len(tops) == 1
    text = f"{format_row_names([*tops], rows)} {'is best' if single else 'are equally best'}"
    if beaten:
        text += f", significantly better than {format_row_names([*beaten], rows)}"
    if level:
        text += f"; no significant difference from {format_row_names([*level], rows)}"
    if few:
        them = "it" if single else "them"
        text += f"; too few errors to compare {them} with {format_row_names([*few], rows)}"
    return text


def _list_steps(
    table: Table, rows: Sequence[str], columns: Sequence[int], comparisons: RowTests, form: Form
) -> list[str]:
    """Return each row against its parent."""
    steps = [(row, parent) for row in rows if (parent := table.rows[row].parent) in rows]
    if not steps:
        return []
    lines = [
        [
            f"{row} - {parent}",
            *(_format_difference(table, comparisons, n, str(parent), row) for n in columns),
        ]
        for row, parent in steps
    ]
    headings = ["Step", *(name_column(table.columns[n]) for n in columns)]
    return [
        "Each row against the row that it is derived from:",
        format_report_table(headings, lines, form),
    ]


def _against_best(
    table: Table, results: ResultCells, rows: Sequence[str], comparisons: RowTests, form: Form
) -> list[str]:
    """Return each row against the best of each column, the first where several are."""
    tops = {
        n: next(row for row in table.rows if row in best_rows)
        for n in sorted({index for index, *_ in comparisons.tested})
        if (best_rows := find_best_rows(table, n, results))
    }
    if not tops:
        return []
    lines = [
        [
            row,
            *(
                "best" if row == top else _format_difference(table, comparisons, n, top, row)
                for n, top in tops.items()
            ),
        ]
        for row in rows
    ]
    against = (f"{name_column(table.columns[n])}: against {top}" for n, top in tops.items())
    text = format_report_table(["Row", *against], lines, form)
    return ["Each row against the best row of the column:", text]


def _left_out(
    table: Table, rows: Sequence[str], columns: Sequence[int], comparisons: RowTests
) -> str:
    """Say which rows, and which columns, are not tested and why."""
    by_why: dict[str, list[str]] = {}
    for row in rows:
        whys = {why for (_, name), why in comparisons.untested.items() if name == row}
        for why in sorted(whys):
            by_why.setdefault(why, []).append(row)
    parts = [f"{format_row_names(names, rows)} ({why})" for why, names in by_why.items()]
    left = [name_column(column) for n, column in enumerate(table.columns) if n not in columns]
    if columns and left:
        parts.append(f"{', '.join(left)} (no two rows can be compared there)")
    return f"Not tested: {'; '.join(parts)}." if parts else ""


def _format_difference(
    table: Table, comparisons: RowTests, index: int, first: str, second: str
) -> str:
    """Return the second row minus the first."""
    tested = comparisons.tested.get((index, first, second))
    if tested is None:
        whys = [comparisons.untested.get((index, row)) for row in (first, second)]
        return f"not tested ({next(filter(None, whys), 'scored on different trials')})"
    column = table.columns[index]
    value, low, high = (_format_signed(number, column) for number in tested.difference[:3])
    if tested.has_few_errors:
        return f"{value} [{low}, {high}], too few errors to judge"
    text = f"{value} [{low}, {high}], p {_p_value(tested.corrected)}"
    if not tested.is_significant:
        return text
    if column.better_direction is None:
        return fill_template("**differs** {}", text)
    better = (tested.difference.value < 0) == (column.better_direction == "lower")
    return fill_template("**{}** {}", "better" if better else "worse", text)


def _format_signed(value: float, column: Column) -> str:
    digits = count_decimals(column)
    return f"{round(value, digits) + 0.0:+.{digits}f}"  # + 0.0: no "-0.00"


def _p_value(value: float) -> str:
    """Return `< 0.001`, or three decimals.

    A value that rounds to 0.050 has as many decimals as show on which side of 0.05 it is.
    """
    if value < 0.001:
        return "< 0.001"
    return next(
        text
        for digits in range(3, 18)
        if (float(text := f"{value:.{digits}f}") <= SIGNIFICANCE_LEVEL)
        == (value <= SIGNIFICANCE_LEVEL)
    )
