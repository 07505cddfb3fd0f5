"""How each row and seed stands: by the store, by the submissions' own files, and by Slurm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.cluster import preflight, slurm_commands, submission
from bench.cluster.slurm_commands import ACTIVE, CANCELLED, WAITING, QueuedJob
from bench.cluster.submission import Submission, SubmittedUnit, UnitState
from bench.config import Config
from bench.errors import BenchError
from bench.runner.request import RunRequest
from bench.tracking.run_folders import finished_seeds

_EPOCH = re.compile(r" epoch (\d+/\d+)")
_TAIL_BYTES = 65_536
_PENDING = ("queued", "running", "requeued")
_BAD = ("failed", "incomplete", "lost", "refused")
_OF_STOPPED = WAITING | {"RUNNING", CANCELLED}
"""States by which Slurm tells more of a unit that it stopped: it comes back after a preemption."""


class UnitStatus(NamedTuple):
    """One row and seed."""

    row: str
    seed: int
    state: str
    """`not submitted`, `queued`, `running`, `requeued`, `finished`, `incomplete` (trained and
    scored, but figures are missing), `failed`, `busy`, `stopped`, `cancelled`, `lost` (its job is
    over without a word) or `refused` (by the check)."""
    submission: str = ""
    """Its id."""
    job: str = ""
    node: str = ""
    epoch: str = ""
    """`7/50`, of the last one that ended; "" where the log has none."""
    time_left: str = ""
    """Of the job, as Slurm writes it."""
    message: str = ""
    """Why it waits or failed."""
    log: str = ""
    last_line: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether a job runs it, or will."""
        return self.state in _PENDING

    @property
    def is_bad(self) -> bool:
        """Whether it ended without a result, and not at anybody's wish."""
        return self.state in _BAD


class _Submitted(NamedTuple):
    """A unit in the submission that has it last."""

    submission: Submission
    unit: SubmittedUnit
    number: str
    """Of its job: that of the array's member, or of the one that took its place."""
    state: UnitState
    preflight: str


def collect_statuses(order: RunRequest, config: Config) -> list[UnitStatus]:
    """Return the status of each row and seed of a request, in its order."""
    finished = finished_seeds(config, order.table.key, order.form)
    accepted = {row: order.accepted_signatures(row) for row in order.rows}
    latest = _find_latest(order, config)
    jobs = ask_jobs(one.number for one in latest.values())
    reports = _ReportReader()
    statuses: list[UnitStatus] = []
    wanted = [(row, seed) for row in order.rows for seed in order.row_seeds(row)]
    for row, seed in wanted:
        one = latest.get((row, seed))
        is_finished = any(seed in finished.get(name, ()) for name in accepted[row])
        if is_finished and not _runs_again(one):
            statuses.append(UnitStatus(row, seed, "finished", *_locate_log(one)))
        else:
            statuses.append(_describe_unit(row, seed, one, jobs, reports))
    return statuses


def ask_jobs(numbers: Iterable[str]) -> Mapping[str, QueuedJob] | None:
    """Return what Slurm says of jobs; None where it does not answer."""
    try:
        return slurm_commands.list_jobs(number for number in numbers if number)
    except BenchError:
        return None


def find_submissions(order: RunRequest, config: Config) -> list[Submission]:
    """Return the submissions of a request's rows, the newest first."""
    wanted = {signature for row in order.rows for signature in order.accepted_signatures(row)}
    return [
        sent
        for sent in submission.list_submissions(config.work)
        if sent.kind == "run"
        and (sent.table, sent.form) == (order.table.key, order.form)
        and wanted & {signature for unit in sent.units for signature in unit.signatures}
    ]


def _find_latest(order: RunRequest, config: Config) -> dict[tuple[str, int], _Submitted]:
    """Return each row and seed in the newest submission that has it with today's settings."""
    accepted = {row: order.accepted_signatures(row) for row in order.rows}
    latest: dict[tuple[str, int], _Submitted] = {}
    for sent in find_submissions(order, config):
        for array in sent.arrays:
            for index, position in enumerate(array.members):
                unit = sent.units[position]
                state = sent.read_state(unit)
                number = state.job or (f"{array.job}_{index}" if array.job else "")
                entry = _Submitted(sent, unit, number, state, array.preflight)
                for row, signature in zip(unit.rows, unit.signatures, strict=True):
                    if signature in accepted.get(row, ()):
                        latest.setdefault((row, unit.seed), entry)
    return latest


def _runs_again(one: _Submitted | None) -> bool:
    """Return whether a unit was submitted to be run once more, and that is not finished."""
    return one is not None and one.unit.is_repeat and one.state.state != "finished"


def _describe_unit(
    row: str,
    seed: int,
    one: _Submitted | None,
    jobs: Mapping[str, QueuedJob] | None,
    reports: _ReportReader,
) -> UnitStatus:
    if one is None:
        return UnitStatus(row, seed, "not submitted")
    job = None if jobs is None else jobs.get(one.number, QueuedJob(""))
    state, message = _judge_state(one, job, reports)
    log, last_line, epoch = read_log(one.submission.log_path(one.number))
    return UnitStatus(
        row=row,
        seed=seed,
        state=state,
        submission=one.submission.name,
        job=one.number,
        node=(one.state.node or (job.node if job else "")) if state == "running" else "",
        epoch=epoch,
        time_left=job.time_left if job is not None and state == "running" else "",
        message=message,
        log=log,
        last_line=last_line,
    )


def _judge_state(one: _Submitted, job: QueuedJob | None, reports: _ReportReader) -> tuple[str, str]:
    """Return the state of a unit and why; `job` is what Slurm says, None where it says nothing."""
    own = one.state
    if own.state in ("finished", "incomplete", "busy", "failed", "cancelled"):
        return own.state, own.message
    if own.state == "stopped" and (job is None or job.state not in _OF_STOPPED):
        return own.state, own.message
    if job is None:
        return own.state, "Slurm does not answer"
    if job.state in ACTIVE:
        return ("running", "") if own.state == "running" else ("queued", "is being started")
    if job.state in WAITING:
        if job.reason == "DependencyNeverSatisfied":
            return "refused", reports.explain_refusal(one)
        again = own.attempts > 0
        return ("requeued" if again else "queued"), f"{job.reason}" if job.reason else ""
    if one.submission.is_cancelled or job.state == CANCELLED:
        if reports.has_problems(one):
            return "refused", reports.explain_refusal(one)
        return "cancelled", ""
    if own.state == "queued":
        return "refused" if reports.has_problems(one) else "lost", reports.explain_refusal(one)
    ended = f" ({job.state})" if job.state else ""
    return "lost", f"its job ended without a word{ended}: `--on slurm` submits it again"


class _ReportReader:
    """The reports of the checks, each read once."""

    def __init__(self) -> None:
        self._read: dict[Path, dict[str, list[str]]] = {}

    def has_problems(self, one: _Submitted) -> bool:
        """Return whether the check of a unit found something."""
        return bool(self._problems(one))

    def explain_refusal(self, one: _Submitted) -> str:
        """Return why a unit's jobs did not begin."""
        problems = self._problems(one)
        if problems is None:
            log = one.submission.log_path(one.preflight)
            return f"the check wrote no report: a node cannot write {log.parent}, or see {log}"
        return "; ".join(problems) or "its job is over and never began"

    def _problems(self, one: _Submitted) -> list[str] | None:
        folder = one.submission.folder
        if folder not in self._read:
            reports = preflight.read_problems(one.submission)
            self._read[folder] = {job: report["problems"] for job, report in reports.items()}
        return self._read[folder].get(one.preflight)


def _locate_log(one: _Submitted | None) -> tuple[str, ...]:
    """Return the submission and the job of a finished row, if one ran it."""
    return (one.submission.name, one.number) if one is not None and one.state.job else ()


def read_log(path: Path) -> tuple[str, str, str]:
    """Return a log's path, its last line, and the last epoch in it; "" where there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "", "", ""
    lines = [line for line in text.splitlines() if line.strip()]
    epochs = _EPOCH.findall(text)
    return str(path), lines[-1] if lines else "", epochs[-1] if epochs else ""


def split_units(
    statuses: Iterable[UnitStatus], retry_failed: bool
) -> dict[str, list[tuple[str, int]]]:
    """Return the rows and seeds by what `--on slurm` does with them.

    `submit`: neither finished, nor in the queue, nor failed; `pending`; `failed`, which is empty
    with `retry_failed`.
    """
    parts: dict[str, list[tuple[str, int]]] = {"submit": [], "pending": [], "failed": []}
    for status in statuses:
        if status.state in ("finished", "incomplete"):  # nothing is left to train
            continue
        is_failed = status.state == "failed" and not retry_failed
        part = "pending" if status.is_pending else "failed" if is_failed else "submit"
        parts[part].append((status.row, status.seed))
    return parts
