"""Each result of a table: the paper's, ours, and the difference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from bench.metrics.catalogue import metric_decimals
from bench.metrics.combined import Estimate, combine_estimates
from bench.metrics.measured import FEW
from bench.metrics.seeds import summarise_seeds
from bench.reports.row_runs import RowRuns, RunsByRow
from bench.specs.table import Column, Table
from bench.tracking.stored_runs import RunFigures

Verdict = Literal["inside", "outside", "too few errors", "one seed", "two seeds", ""]
"""What can be said of the paper's figure beside ours; "" where the paper prints none.

Paper and we score the same trials, so that what separates two trainings is the spread of seeds.
From three seeds on, the paper's figure is held to be one more training: `inside` where it lies in
the 95 % interval in which a further seed would (`OverSeeds.predicts_published`), else `outside`.
With fewer seeds, that spread is not known. `too few errors`: there are fewer than `FEW`, and the
paper prints no figure outside of our interval, which is an exact one.
"""
COUNTS = ("missed", "accepted", "bonafide", "spoof")
"""What is counted of a figure, by the names of `measured.MetricResult` and of `Ours`."""


@dataclass(frozen=True)
class OurResult:
    """Our figure of one cell: rates in per cent, counts as numbers of trials or frames."""

    mean: float
    """Over the seeds that are there."""
    sd: float | None
    """Standard deviation over seeds (n - 1); None with one seed."""
    low: float
    high: float
    """Bounds of the 95 % interval of one run, each the mean over seeds: drawn by speakers and
    attacks where the corpus names them, or from the bounds of its parts where the column combines
    others (`bench.metrics.combined`)."""
    verdict: Verdict = ""
    values: tuple[float, ...] = ()
    """The figure of each seed."""
    seeds: tuple[int, ...] = ()
    """Which seed each of `values` is of; none of another system's score files."""
    utterance_low: float | None = None
    utterance_high: float | None = None
    """The same bounds where utterances alone are drawn; None where they are not known."""
    missed: float | None = None
    """Bona fide trials, or frames, rejected at the figure's threshold, mean over seeds; of a column
    that combines others the sum over its parts. None where that is not known, or where the figure
    has no threshold. So are the next three."""
    accepted: float | None = None
    """Spoofs accepted."""
    bonafide: float | None = None
    """Bona fide trials or frames."""
    spoof: float | None = None
    tied: bool = False
    """Whether an EER hangs on equal scores: those of both classes at its threshold keep the error
    rates farther apart than single trials could (`bench.metrics.det.ties_at_eer`), and formulas
    differ. It is said of the worst seed."""
    older: bool = False
    """Whether it was made by code that gives other results by now."""

    @property
    def error_count(self) -> float | None:
        """Wrong decisions at the figure's threshold, mean over seeds; None where not known."""
        if self.missed is None or self.accepted is None:
            return None
        return self.missed + self.accepted

    @property
    def has_few_errors(self) -> bool:
        """Whether there are too few errors to judge the result.

        Where errors were not counted, an interval without any width says so: resampling no errors
        gives none.
        """
        return self.low == self.high if self.error_count is None else self.error_count < FEW


@dataclass(frozen=True)
class ResultCell:
    """One figure of one row."""

    row: str
    column: int
    """Index of the table's column."""
    paper: float | None
    """As printed, rates in per cent; None where the paper prints none."""
    paper_from: Literal["", "paper", "digest"]
    """Whether the paper's figure is from the paper or from a digest of it; empty without one."""
    ours: OurResult | None
    seeds_done: int
    seeds_wanted: int
    """0 for rows of other systems, which the suite does not run."""
    scored: bool = False
    """Whether the row is another system's, whose score files were judged (`seeds_wanted` is 1)."""
    trials_missing: int = 0
    """Trials without a score; then a scored row is not complete."""

    @property
    def is_complete(self) -> bool:
        """Whether every seed of the row has this figure."""
        return 0 < self.seeds_wanted == self.seeds_done

    @property
    def missing_reason(self) -> str:
        """Why the row has no figure here that rows may be compared by; "" where it has."""
        if self.is_complete:
            return ""
        if self.scored:
            return "trials are missing" if self.trials_missing else "not scored"
        return "seeds are missing" if self.seeds_done else "not run"

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, in percentage points."""
        if self.ours is None or self.paper is None:
            return None
        return self.ours.mean - self.paper


ResultCells = tuple[ResultCell, ...]


def build_cells(table: Table, standings: RunsByRow) -> ResultCells:
    """Return every figure of the table, row by row; rows without a standing have none of ours."""
    return tuple(
        _build_cell(table, row, column, standings.get(row))
        for row in table.rows
        for column in range(len(table.columns))
    )


def find_best_rows(table: Table, column: int, results: ResultCells) -> frozenset[str]:
    """Return the rows with our best result in `column`, among complete rows.

    Empty where nothing is better or worse (a gap), and where fewer than two rows are complete.
    Results that print alike are equally good.
    """
    better = table.columns[column].better_direction
    values = _read_complete(table, column, results)
    if better is None or len(values) < 2:
        return frozenset()
    top = (min if better == "lower" else max)(values.values())
    return frozenset(row for row, value in values.items() if value == top)


def choose_shown_row(table: Table, column: int, results: ResultCells) -> str | None:
    """Return the row that stands for `column` where only one can be shown.

    It is the first of the best, or of the complete rows where there is no best; None without a
    complete row.
    """
    best = find_best_rows(table, column, results)
    candidates = best or _read_complete(table, column, results).keys()
    return next((row for row in table.rows if row in candidates), None)


def _read_complete(table: Table, column: int, results: ResultCells) -> dict[str, float]:
    """Return the figures of complete rows, rounded as they are printed."""
    return {
        cell.row: round(cell.ours.mean, count_decimals(table.columns[column]))
        for cell in results
        if cell.column == column and cell.is_complete and cell.ours
    }


RowState = Literal["published", "not run", "incomplete", "complete", "scored"]


def has_paper(results: Iterable[ResultCell]) -> bool:
    """Return whether a paper prints any of the results; a table of one's own has none."""
    return any(cell.paper is not None for cell in results)


def read_row_state(results: ResultCells, row: str) -> RowState:
    """Return how far a row is: complete only with every figure of every seed."""
    row_cells = [cell for cell in results if cell.row == row]
    if row_cells[0].scored:
        return "scored"
    if not row_cells[0].seeds_wanted:
        return "published"
    if all(cell.is_complete for cell in row_cells):
        return "complete"
    return "incomplete" if any(cell.seeds_done for cell in row_cells) else "not run"


def count_decimals(column: Column) -> int:
    """Return with how many decimals the figures of a column are shown: as many as the paper's."""
    return metric_decimals(column.metric) if column.decimals is None else column.decimals


def name_column(column: Column) -> str:
    """Return what a column is called in sentences, with the group that it is of."""
    return f"{column.group} {column.heading}".strip()


def format_result(value: float, column: Column) -> str:
    """Return a result as it is shown in a column."""
    return f"{value:.{count_decimals(column)}f}"


def half_unit(column: Column) -> float:
    """Return half a unit of the last printed digit: a printed 3.30 may be 3.295."""
    return 0.5 * 10.0 ** -count_decimals(column)


def _build_cell(table: Table, name: str, index: int, stands: RowRuns | None) -> ResultCell:
    row, column = table.rows[name], table.columns[index]
    paper = row.published_figures.get(column.metric)
    source = "" if paper is None else "digest" if column.metric in row.digest else "paper"
    if stands is None:
        return ResultCell(name, index, paper, source, None, 0, 0)
    run_results = _read_runs(column, stands.results)
    wanted = len(stands.seeds)
    if not run_results:
        return ResultCell(name, index, paper, source, None, 0, wanted)
    ours = _over_seeds(run_results)
    verdict = _choose_verdict(ours, paper, half_unit(column))
    ours = replace(ours, verdict=verdict, older=bool(stands.older))
    return ResultCell(name, index, paper, source, ours, len(run_results), wanted)


def _over_seeds(run_results: list[_RunResult]) -> OurResult:
    """Return the figure over seeds, no verdict yet."""
    over = summarise_seeds([result.figure.value for result in run_results])
    by_utterance = [one.by_utterance for one in run_results if one.by_utterance is not None]
    all_known = len(by_utterance) == len(run_results)
    return OurResult(
        mean=over.mean,
        sd=over.spread,
        low=fmean(result.figure.low for result in run_results),
        high=fmean(result.figure.high for result in run_results),
        values=tuple(result.figure.value for result in run_results),
        seeds=tuple(result.seed for result in run_results),
        utterance_low=fmean(result.low for result in by_utterance) if all_known else None,
        utterance_high=fmean(result.high for result in by_utterance) if all_known else None,
        missed=_mean_count(run_results, "missed"),
        accepted=_mean_count(run_results, "accepted"),
        bonafide=_mean_count(run_results, "bonafide"),
        spoof=_mean_count(run_results, "spoof"),
        tied=any(result.tied for result in run_results),
    )


def _mean_count(run_results: list[_RunResult], name: str) -> float | None:
    mean = fmean(result.counts[name] for result in run_results)
    return None if math.isnan(mean) else mean


def _choose_verdict(ours: OurResult, paper: float | None, rounding: float) -> Verdict:
    """Return what can be said of the paper's figure; `rounding` is half a printed unit."""
    apart = paper is not None and not ours.low - rounding <= paper <= ours.high + rounding
    if ours.has_few_errors and (ours.error_count is None or not apart):
        return "too few errors"
    if paper is None:
        return ""
    predicted = summarise_seeds(ours.values).predicts_published(paper, rounding)
    if predicted is None:
        return "one seed" if len(ours.values) == 1 else "two seeds"
    return "inside" if predicted else "outside"


@dataclass(frozen=True)
class _RunResult:
    """A column's figure of one run."""

    figure: Estimate
    by_utterance: Estimate | None
    """With the bounds of the other interval; None where it is not known."""
    counts: Mapping[str, float]
    """By the names of `COUNTS`, NaN where not known."""
    tied: bool
    seed: int


def _is_tied(counts: Mapping[str, float]) -> bool:
    """Return whether equal scores at the threshold keep the error rates apart.

    That is so where they differ by more than half of what one trial adds to the rate of the class
    with fewer trials: without a tie, the nearest threshold leaves no more.
    """
    missed, accepted, bonafide, spoof = (counts[name] for name in COUNTS)
    fewer = min(bonafide, spoof)
    return fewer > 0 and abs(missed / bonafide - accepted / spoof) > (0.5 + 1e-9) / fewer


def _read_runs(column: Column, runs: Sequence[RunFigures]) -> list[_RunResult]:
    """Return the figure of each run that has it, or has every part of it."""
    run_results = (_read_run(column, run) for run in runs)
    return [result for result in run_results if result is not None]


def _read_run(column: Column, run: RunFigures) -> _RunResult | None:
    metrics = column.parts or (column.metric,)

    def read_parts(low: str, high: str) -> list[Estimate] | None:
        ends = ("", low, high)
        rows = [[run.read_figure(f"{metric}{end}") for end in ends] for metric in metrics]
        lacking = any(math.isnan(value) for part in rows for value in part)
        return None if lacking else [Estimate(*part) for part in rows]

    figures = read_parts(".low", ".high")
    if figures is None:
        return None
    by_utterance = read_parts(".utterance_low", ".utterance_high")
    counts = {
        name: math.fsum(run.read_figure(f"{metric}.{name}") for metric in metrics)
        for name in COUNTS
    }
    other = None if by_utterance is None else _combine_parts(column, by_utterance)
    is_eer = column.combine == "none" and column.metric_name.startswith("eer")
    return _RunResult(
        _combine_parts(column, figures), other, counts, is_eer and _is_tied(counts), run.seed
    )


def _combine_parts(column: Column, parts: list[Estimate]) -> Estimate:
    return parts[0] if column.combine == "none" else combine_estimates(column.combine, parts)
