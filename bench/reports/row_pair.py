"""Two rows by name, `table4:S5` and `table4:S4`, compared on every evaluation that both share.

For each result that their tables have, the difference is tested. Nothing is scored and no keys are
read: results and replicates are those of reports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench._io.markdown import format_heading, format_list, format_prose
from bench.cards import corpus_cards as corpora
from bench.cards import paper_cards, table_cards
from bench.config import Form
from bench.errors import BenchError, near_name
from bench.evaluation import render
from bench.evaluation.comparison import Compared, correct_p_values
from bench.evaluation.draws import REPLICATES, MetricDraws
from bench.metrics.between import SeededResult, compare_systems
from bench.metrics.catalogue import is_rate
from bench.reports.row_runs import RowRuns, select_row_runs
from bench.reports.scored_rows import add_scored_rows
from bench.reports.stored_results import StoredResults, list_drawn_metrics
from bench.smoke import smoke_option, smoke_prefix
from bench.specs.table import Table
from bench.tracking.run_artifacts import OpenStore
from bench.tracking.stored_runs import RunFigures, StoredRun

_BY = ("Evaluation",)
ALL_SEEDS = "all"
"""Asks for every seed."""


class SharedEvaluation(NamedTuple):
    """What two results must both be of."""

    corpus: str
    split: str
    resolution_s: float | None

    @property
    def short_name(self) -> str:
        """E.g. `PS eval`."""
        return f"{corpora.read_corpus_card(self.corpus).short} {self.split}"


@dataclass(frozen=True)
class RowResults:
    """A row with the seeds that are compared."""

    table: Table
    row: str
    runs: tuple[RunFigures, ...]
    """One of each seed, as in `RowRuns.results`."""
    scored: bool
    """Whether it is a system that was scored and not trained here."""
    evaluations: Mapping[SharedEvaluation, str]
    """What the table calls each."""

    @property
    def name(self) -> str:
        """E.g. `sal/table4:S5, seed 666`."""
        whole = f"{self.table.key}:{self.row}"
        seeds = ", ".join(str(run.seed) for run in self.runs)
        return whole if self.scored else f"{whole}, seed{'s' * (len(self.runs) > 1)} {seeds}"

    def as_dict(self) -> dict[str, Any]:
        """Return which row it is, for scripts; a scored system has no seeds."""
        seeds = [] if self.scored else [run.seed for run in self.runs]
        return {"table": self.table.key, "row": self.row, "seeds": seeds}


@dataclass(frozen=True)
class RowPair:
    """Two rows, compared."""

    names: tuple[str, str]
    form: Form
    comparisons: tuple[Compared, ...]
    """Their one level is the evaluation."""
    over_seeds: bool
    """Whether the variance of trainings is in the intervals."""
    notes: tuple[str, ...]
    """What is not compared, and why."""


def find_row(text: str, form: Form, store: OpenStore, seeds: str = "") -> RowResults:
    """Return the row that `text` names, with its finished runs of `seeds`.

    `text` is `TABLE:ROW` (`table4:S5`, `table4:S7@released`, or a scored system's name), `seeds` a
    number, `ALL_SEEDS`, or empty for the row's first.

    BenchError where there is no such row, or a run of it is not finished.
    """
    name, _, row = text.partition(":")
    table = _apply_variant(table_cards.read_table(name), row)
    if row in table_cards.runnable_rows(table):
        run = table_cards.resolve_row(table, row, form)
        stored = store.stored_runs(table.key, form)
        stands = select_row_runs(table, row, run.signatures, stored, form)
        evaluate = run.evaluate
    else:
        table, systems = add_scored_rows(table, store.scored_records(table.key, form))
        if row not in systems:
            known_names = [*table_cards.runnable_rows(table), *systems]
            raise BenchError(
                "report.unknown-row",
                f"{table.key}: {row!r}: no such row{near_name(row, known_names)}",
            )
        stands = systems[row]
        evaluate = {
            key: data
            for other_row in table_cards.runnable_rows(table)
            if other_row not in systems
            for key, data in table_cards.resolve_row(table, other_row, form).evaluate.items()
        }
    known_names = {
        SharedEvaluation(data.corpus, data.split, data.resolution_s): key
        for key, data in evaluate.items()
    }
    if stands.system is None:
        runs = _choose_runs(table, row, stands, seeds, form)
        return RowResults(table, row, runs, False, known_names)
    has = stands.system.files
    known_names = {evaluation: key for evaluation, key in known_names.items() if key in has}
    return RowResults(table, row, stands.results, True, known_names)


def _apply_variant(table: Table, row: str) -> Table:
    """Return the table, with the variant that the name of a row asks for."""
    row_name, mark, variant = row.partition(table_cards.MARK)
    if not mark or row_name not in table_cards.runnable_rows(table):
        return table
    paper = table_cards.read_paper_of(table)
    wide, changed = paper_cards.add_variant(table, paper, variant, [row_name])
    if not changed:
        raise BenchError(
            "report.variant-without-effect",
            f"{table.key}: variant {variant} changes nothing of {row_name}",
        )
    return wide


def _choose_runs(
    table: Table, row: str, stands: RowRuns, seeds: str, form: Form
) -> tuple[StoredRun, ...]:
    """Return the runs of the seeds that are asked for."""
    if seeds == ALL_SEEDS and stands.runs:
        return stands.runs
    wanted = int(seeds) if seeds not in ("", ALL_SEEDS) else stands.seeds[0]
    chosen = tuple(run for run in stands.runs if run.seed == wanted)
    if chosen:
        return chosen
    why = next((seed.why for seed in stands.missing if seed.seed == wanted), "not run")
    row_name, mark, variant = row.partition(table_cards.MARK)
    options = f"--rows {row_name}" + f" --variant {variant}" * bool(mark)
    options += smoke_option(form)
    has = ", ".join(str(run.seed) for run in stands.runs)
    other = f"; finished are the seeds {has} (--row-seed)" if has else ""
    raise BenchError(
        "report.row-not-finished",
        f"{table.key}:{row}, seed {wanted}: {why}: "
        f"`bench run {table.key} {options}` runs it{other}",
    )


def compare_rows(
    a: RowResults,
    b: RowResults,
    form: Form,
    artifacts: StoredResults,
    corpus: str = "",
    split: str = "",
) -> RowPair:
    """Return the difference of every result that both rows' tables have.

    Compared are all evaluations that both share, or those of `corpus` (its key) and `split`.

    BenchError where they share none.
    """
    both = [
        evaluation
        for evaluation in a.evaluations
        if evaluation in b.evaluations
        and corpus in ("", evaluation.corpus)
        and split in ("", evaluation.split)
    ]
    if not both:
        where = f" on {corpus} {split}".rstrip() if corpus else ""
        raise BenchError(
            "report.nothing-in-common", f"{a.name} and {b.name} have no evaluation in common{where}"
        )
    notes: list[str] = []
    results = [
        one
        for evaluation in both
        for one in _compare_evaluation(a, b, evaluation, artifacts, notes)
    ]
    return RowPair(
        (a.name, b.name),
        form,
        tuple(correct_p_values(results)),
        any(result.difference.over_seeds for result in results),
        tuple(notes),
    )


def _compare_evaluation(
    a: RowResults,
    b: RowResults,
    evaluation: SharedEvaluation,
    artifacts: StoredResults,
    notes: list[str],
) -> Iterator[Compared]:
    """Yield the results of one evaluation; `notes` get what is not compared and why."""
    test = evaluation.short_name
    metrics = dict.fromkeys(name for row in (a, b) for name in _list_metrics(row, evaluation))
    drawn = [_read_draws(row, evaluation, [*metrics], artifacts) for row in (a, b)]
    for row, draws_of_seeds in zip((a, b), drawn, strict=True):
        if draws_of_seeds is None:
            notes.append(f"{test}: the score file of {row.name} is not in the tracking store")
    one, other = drawn
    if one is None or other is None:
        return
    for metric in metrics:
        sides = [
            _read_trained(row, evaluation, metric, [draws[metric] for draws in draws_of_seeds])
            for row, draws_of_seeds in ((a, one), (b, other))
        ]
        trials = {draws[metric].trials for draws in (*one, *other)}
        if "" in trials or None in sides:
            notes.append(f"{test}: {metric}: needs more than both score files hold")
        elif len(trials) > 1:
            notes.append(f"{test}: {metric}: A and B were scored on different trials")
        else:
            x, y = (side for side in sides if side is not None)
            yield Compared(
                (test,),
                metric,
                float(x.values.mean()),
                float(y.values.mean()),
                compare_systems(x, y),
                math.nan,
            )


def _list_metrics(row: RowResults, evaluation: SharedEvaluation) -> list[str]:
    return list_drawn_metrics(row.table).get(row.evaluations[evaluation], [])


def _read_draws(
    row: RowResults, evaluation: SharedEvaluation, metrics: list[str], artifacts: StoredResults
) -> list[Mapping[str, MetricDraws]] | None:
    """Return the replicates of each seed; None where a score file is not there."""
    name = row.evaluations[evaluation]
    drawn = [artifacts.read_draws(run.find_run_id(name), name, metrics) for run in row.runs]
    present = [draws for draws in drawn if draws is not None]
    return present if len(present) == len(drawn) else None


def _read_trained(
    row: RowResults, evaluation: SharedEvaluation, metric: str, drawn: list[MetricDraws]
) -> SeededResult | None:
    """Return a result of each seed with replicates, rates as fractions; None if a run lacks it."""
    name = f"{row.evaluations[evaluation]}.{metric}"
    if not all(run.has_figure(name) and draws.trials for run, draws in zip(row.runs, drawn)):  # noqa: B905
        return None
    scale = 100 if is_rate(metric) else 1
    values = np.array([run.figures[name] / scale for run in row.runs])
    wrong = tuple(draws.mistakes for draws in drawn if draws.mistakes is not None)
    return SeededResult(
        values,
        np.stack([draws.values for draws in drawn]),
        wrong if len(wrong) == len(drawn) else (),
    )


def render_row_pair(pair: RowPair) -> str:
    """Return the comparison as Markdown, readable as plain text too."""
    of_what = (
        "the test counts the variance over seeds and over trials"
        if pair.over_seeds
        else "with one seed each, this compares the trained models, not the methods"
    )
    lines = [
        format_heading(1, f"{smoke_prefix(pair.form)}{pair.names[0]} (A) and {pair.names[1]} (B)"),
        "",
        render.DIFFERENCE,
        format_list([of_what, *map(format_prose, pair.notes)]),
        "",
        *render.render_compared(_BY, pair.comparisons),
        "",
        f"Intervals: 95 %, bootstrap of {REPLICATES:,} replicates common to A and B.",
    ]
    return "\n".join(lines) + "\n"


def row_pair_as_dict(pair: RowPair) -> dict[str, Any]:
    """Return the comparison as what JSON can hold; rates in per cent."""
    return {
        "form": pair.form,
        "names": [*pair.names],
        "a": pair.names[0],
        "b": pair.names[1],
        "notes": [*pair.notes],
        "over_seeds": pair.over_seeds,
        "compared": render.compared_as_dicts(_BY, pair.comparisons),
    }
