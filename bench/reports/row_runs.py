"""Which runs count for a row.

A run counts for a row only with a signature of the row's own, in the asked form, finished. A row
has one signature for each precision that it admits; only runs of one of them count. All seeds of a
row must have seen the same data: that of the run that ended last. The wanted seeds are the card's
and any other that was begun: a seed that failed must not drop out of a mean unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.config import Form
from bench.reports import code_versions
from bench.reports.code_versions import VersionChanges
from bench.specs.table import Table
from bench.tracking.scored_record import ScoredRecord
from bench.tracking.stored_runs import RunFigures, StoredRun


@dataclass(frozen=True)
class MissingSeed:
    """A seed of a row without a finished run, or whose run lacks results of the table."""

    row: str
    seed: int
    why: str


@dataclass(frozen=True, kw_only=True)
class SystemFigures(RunFigures):
    """The results of another system: those of all its score files."""

    files: Mapping[str, ScoredRecord]
    """By what the table calls their evaluation."""

    def find_run_id(self, evaluation: str) -> str:
        """Return the run of the evaluation's score file."""
        return self.files[evaluation].run_id


@dataclass(frozen=True)
class RowRuns:
    """The runs of one row that a report may use, and how many it leaves out."""

    row: str
    seeds: tuple[int, ...]
    runs: tuple[StoredRun, ...]
    """One a seed, in the order of `seeds`."""
    missing: tuple[MissingSeed, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    """Number of runs by the reason they are not shown."""
    older: VersionChanges = field(default_factory=dict[str, tuple[int, int]])
    """Of the code that made them, what gives other results by now."""
    system: SystemFigures | None = None
    """Of another system, which was scored and has no runs."""

    @property
    def results(self) -> tuple[RunFigures, ...]:
        """The results of each run, or of the system."""
        return self.runs if self.system is None else (self.system,)


STATUS_WORDS = dict(RUNNING="running", SCHEDULED="running", FAILED="failed", KILLED="interrupted")
"""What the status of a run that is not finished is called."""

RunsByRow = Mapping[str, RowRuns]
"""The runs that count for each row, by its key."""


def _on_data_of_last(finished: Sequence[StoredRun]) -> list[StoredRun]:
    """Return the runs on the data of the one that ended last, which is the last."""
    return [run for run in finished if run.data == finished[-1].data]


def _like_last(runs: Sequence[StoredRun]) -> list[StoredRun]:
    """Return the runs made from the same weights, audio and breaths as the last.

    A run that does not say counts as made from these.
    """
    contents = runs[-1].contents if runs else ""
    return [run for run in runs if not contents or run.contents in ("", contents)]


def _in_one_precision(runs: Sequence[StoredRun]) -> Sequence[StoredRun]:
    """Return the runs of the signature that has the most finished seeds, of the latest if several.

    Results of different precision are never averaged.
    """
    by_signature: dict[str, list[StoredRun]] = {}
    for run in sorted(runs, key=lambda run: run.signature):
        by_signature.setdefault(run.signature, []).append(run)
    if len(by_signature) < 2:
        return runs
    return max(
        by_signature.values(),
        key=lambda alike: (_count_finished(alike), max(run.begun for run in alike)),
    )


def _count_finished(runs: Sequence[StoredRun]) -> int:
    """Return how many seeds are finished."""
    return len({run.seed for run in runs if run.status == "FINISHED"})


def select_row_runs(
    table: Table, row: str, signatures: Sequence[str], runs: Sequence[StoredRun], form: Form
) -> RowRuns:
    """Return which of the `runs` stand for `row`, whose settings have the `signatures`."""
    of_card = table.rows[row].seeds or table.seeds
    tracked = [run for run in runs if (run.row, run.form) == (row, form)]
    admitted = [run for run in tracked if run.signature in signatures]
    ours = _in_one_precision(admitted)
    seeds = *of_card, *sorted({run.seed for run in ours} - {*of_card})
    finished = sort_by_end(run for run in ours if run.status == "FINISHED")
    on_data = _on_data_of_last(finished)
    alike = _like_last(on_data)
    last = {run.seed: run for run in alike}
    shown = tuple(last[seed] for seed in seeds if seed in last)
    reasons = {
        seed: _explain_missing([run for run in ours if run.seed == seed])
        for seed in seeds
        if seed not in last
    }
    reasons |= _explain_incomplete(table, shown)
    left_out = {
        "with changed settings": len(tracked) - len(admitted),
        "in another precision": len(admitted) - len(ours),
        "on other data": len(finished) - len(on_data),
        **_count_unlike(on_data, alike),
    }
    return RowRuns(
        row=row,
        seeds=seeds,
        runs=shown,
        missing=tuple(MissingSeed(row, seed, reasons[seed]) for seed in seeds if seed in reasons),
        left_out={reason: count for reason, count in left_out.items() if count},
        older=code_versions.find_version_changes(shown),
    )


def sort_by_end(finished: Iterable[StoredRun]) -> list[StoredRun]:
    """Return finished runs in the order in which they ended."""
    return sorted(finished, key=lambda run: run.ended or run.begun)


def _explain_incomplete(table: Table, finished: Sequence[StoredRun]) -> dict[int, str]:
    """Return by seed which results of the table a finished run lacks, as it says itself."""
    names = {name for column in table.columns for name in (column.parts or (column.metric,))}
    return {
        run.seed: f"incomplete: {run.failure}"
        for run in finished
        if run.failure and not all(run.has_figure(name) for name in names)
    }


def _count_unlike(on_data: Sequence[StoredRun], alike: Sequence[StoredRun]) -> dict[str, int]:
    """Return how many runs are not made as the last one: by other code, or from other things."""
    others = [run for run in on_data if run not in alike]
    by_code = sum(run.versions != alike[-1].versions for run in others)
    return {"by older code": by_code, "with other weights, audio or breaths": len(others) - by_code}


def _explain_missing(runs: Sequence[StoredRun]) -> str:
    """Say why a seed has no finished run, by the run of it that began last."""
    if not runs:
        return "not run"
    last = sorted(runs, key=lambda run: run.begun)[-1]
    if last.status == "FINISHED":
        return "run on other data, by older code, or with other weights, audio or breaths"
    status = STATUS_WORDS.get(last.status, last.status.lower())
    return f"{status}: {last.failure}" if last.failure else status
