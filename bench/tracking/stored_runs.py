"""The tracked runs of a table's rows as records: all that a report reads."""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench import versions
from bench.specs.precision import name_precision
from bench.tracking.run_record import BOUNDS, COUNTS, FAILURE, METRIC_VERSIONS


@dataclass(frozen=True, kw_only=True)
class RunFigures(ABC):
    """The results of a run, or of several that stand together."""

    row: str
    seed: int
    figures: Mapping[str, float]
    """Per cent, by `<evaluation>.<metric>`, with the fields of `bench.tracking.run_record.BOUNDS`
    and `COUNTS` behind a point."""
    plans: Mapping[str, str]
    """Who was drawn for the intervals of an evaluation, by `plan.<evaluation>`."""

    @abstractmethod
    def find_run_id(self, evaluation: str) -> str:
        """Return the run that keeps the scores of an evaluation."""

    def read_figure(self, name: str) -> float:
        """Return a figure; NaN where there is none."""
        return self.figures.get(name, math.nan)

    def has_figure(self, name: str) -> bool:
        """Return whether there is a figure."""
        return not math.isnan(self.read_figure(name))


@dataclass(frozen=True, kw_only=True)
class StoredRun(RunFigures):
    """A run of a row with one seed, as the tracking store has it.

    A text is "" where the run does not say it.
    """

    run_id: str
    form: str
    status: str
    """As MLflow has it."""
    signature: str
    data: str
    """Digest of all splits."""
    contents: str
    """Digest of what else the run is made from."""
    failure: str
    """Why it failed, or which figures a finished run lacks."""
    begun: datetime
    """In UTC."""
    ended: datetime | None
    """In UTC; None while the run goes on."""
    hours: float
    commit: str
    lock: str
    """Digest of uv.lock."""
    device: str
    power: tuple[str, ...]
    """Names of the curves of its GPUs' power."""
    fingerprints: str
    """JSON object of each split's digest."""
    precision: str
    """Its name in `bench.specs.precision`."""
    kept_epoch: str
    """The epoch whose weights are kept: `12`, or `48-50` where they are averaged."""
    kept_dev: str
    """JSON object of what these weights reach on dev (fractions)."""
    why_ended: str
    """Why training ended."""
    epochs: str
    """How many epochs were trained."""
    threads: str
    """Of each session, where they differ, with ` | ` between; as `determinism`."""
    determinism: str
    breaths: str
    """JSON object of what share is marked as breath in each split."""
    package: str
    """Version of this suite."""
    environment: str
    """Versions of the packages that it ran with: `torch 2.11.0, ...`."""
    made_from: str
    """JSON object of the digests of what it is made from."""
    versions: str
    """JSON object of the results versions of its code."""
    metrics: str
    """JSON object of the results versions of its metrics."""
    user: str
    """Who ran it."""
    overrides: str
    """The settings that `--set` changed."""

    def find_run_id(self, evaluation: str) -> str:  # noqa: ARG002 (a run keeps all its scores)
        """Return the run's own id."""
        return self.run_id


_TAGS = (
    *("kept_epoch", "kept_dev", "why_ended", "epochs", "threads", "determinism", "breaths"),
    *("package", "environment", "made_from", "contents", "lock", "overrides"),
)
"""Fields that are tags of a run as they are."""
_KINDS = {"system": "system", "front-end": "frontend", "augmentation": "augment"}

_PLAN = "plan."
_POWER = re.compile(r"system/gpu_\d+_power_usage_watts")


def read_stored_runs(runs: Iterable[Any]) -> list[StoredRun]:
    """Return the records of MLflow's runs, oldest first."""
    return sorted(map(_read_run, runs), key=lambda run: (run.begun, run.run_id))


def _read_run(run: Any) -> StoredRun:
    tags: dict[str, str] = run.data.tags
    metrics: dict[str, float] = run.data.metrics
    figures = results_among(metrics)
    over = run.info.status != "RUNNING" and run.info.end_time
    return StoredRun(
        run_id=run.info.run_id,
        row=tags["row"],
        seed=int(tags["seed"]),
        form=tags["form"],
        status=run.info.status,
        signature=tags["signature"],
        data=tags["data"],
        failure=tags.get(FAILURE, ""),
        begun=read_moment(run.info.start_time),
        ended=read_moment(run.info.end_time) if over else None,
        hours=metrics.get("hours", 0.0),
        commit=tags["commit"],
        device=tags["device"],
        power=tuple(name for name in sorted(metrics) if _POWER.fullmatch(name)),
        fingerprints=tags["fingerprints"],
        precision=name_precision(run.data.params.get("training.precision", "fp32")),
        versions=tags.get("versions") or _unsaid_versions(_code_parts(run.data.params)),
        metrics=tags.get(METRIC_VERSIONS)
        or _unsaid_versions(versions.list_metric_versions(figures)),
        user=tags.get("mlflow.user", ""),
        figures=figures,
        plans=plans_among(tags),
        **{name: tags.get(name, "") for name in _TAGS},
    )


def read_moment(milliseconds: int) -> datetime:
    """Return the moment so many milliseconds after 1970 began, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _code_parts(settings: dict[str, str]) -> list[str]:
    """Return what a run that does not say its versions was surely computed by."""
    kinds = {what: settings.get(f"{key}.kind", "none") for what, key in _KINDS.items()}
    parts = (f"{part} {kind}" for part, kind in kinds.items() if kind != "none")
    return ["training", "audio", *parts]


def _unsaid_versions(parts: Iterable[str]) -> str:
    return json.dumps({part: versions.assume_version(part) for part in parts})


def plans_among(tags: Mapping[str, str]) -> dict[str, str]:
    """Return who was drawn for the intervals of each evaluation, by `plan.<evaluation>`."""
    return {name: value for name, value in tags.items() if name.startswith(_PLAN)}


def results_among(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the final figures of a run, with their bounds and counts."""
    return {
        name: value
        for name, value in metrics.items()
        if is_figure(name, metrics)
        or (is_result_part(name) and is_figure(_result_name(name), metrics))
    }


def is_figure(name: str, metrics: Mapping[str, float]) -> bool:
    """Return whether a metric is a final result: it has an interval, a curve has none."""
    return {name, f"{name}.low", f"{name}.high"} <= metrics.keys()


def is_result_part(name: str) -> bool:
    """Return whether a figure is no result itself but a bound or a count of one."""
    return name.rpartition(".")[2] in (*BOUNDS, *COUNTS)


def _result_name(name: str) -> str:
    return name.rpartition(".")[0]
