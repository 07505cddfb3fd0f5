"""The runs of a table as a tidy frame, one row a run: all that a report reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench import versions
from bench.specs.precision import name_precision
from bench.tracking.run_record import BOUNDS, COUNTS, FAILURE, METRIC_VERSIONS

COLUMNS = (
    *("run_id", "row", "seed", "signature", "data", "contents", "form", "status", "failure"),
    *("begun", "ended", "hours", "commit", "lock", "device", "power", "fingerprints", "precision"),
    *("kept_epoch", "kept_dev", "why_ended", "epochs", "threads", "determinism", "breaths"),
    *("package", "environment", "made_from", "versions", "metrics", "user"),
)
"""Columns that are always there. `begun` and `ended` are in UTC (`ended` is NaT while the run goes
on), `data` and `contents` are the digests of all splits and of what else a run is made from (""
where that was not kept), `lock` is the digest of uv.lock ("" where it was not kept), `power` names
the curves of its GPUs' power, with blanks between, `fingerprints` is the JSON object of each
split's digest, `precision` its name in `bench.specs.precision`, `failure` is why it failed, or
which figures a finished run lacks ("" where neither).
The last thirteen are text, "" where a run lacks it: the epoch whose weights are kept (`12`, or
`48-50` where they are averaged), the JSON object of what these weights reach on dev (fractions),
why training ended, how many epochs were trained, threads and settings of determinism (of each
session, where they differ, with ` | ` between), the JSON object of what share is marked as breath
in each split, the version of this suite, those of the packages that it ran with (`torch 2.11.0,
...`), the JSON objects of what the run is made from and of the results versions of its code and of
its metrics, and who ran it. After them come the figures: per cent, `<evaluation>.<metric>` with the
fields of `bench.tracking.run_record.BOUNDS` and `COUNTS` behind a point, NaN where a run lacks one;
and `plan.<evaluation>`, who was drawn for their intervals, "" where a run lacks it."""

_TAGS = COLUMNS[-13:-3]
_KINDS = {"system": "system", "front-end": "frontend", "augmentation": "augment"}

_PLAN = "plan."
_POWER = re.compile(r"system/gpu_\d+_power_usage_watts")


def runs_frame(runs: Iterable[Any]) -> pd.DataFrame:
    """Return MLflow's runs as a frame of `COLUMNS` and results, oldest first."""
    return build_frame(map(_frame_row, runs), COLUMNS, "begun")


def _frame_row(run: Any) -> dict[str, Any]:
    tags: dict[str, str] = run.data.tags
    metrics: dict[str, float] = run.data.metrics
    over = run.info.status != "RUNNING" and run.info.end_time
    return {
        "run_id": run.info.run_id,
        "row": tags["row"],
        "seed": int(tags["seed"]),
        "signature": tags["signature"],
        "data": tags["data"],
        "contents": tags.get("contents", ""),
        "form": tags["form"],
        "status": run.info.status,
        "failure": tags.get(FAILURE, ""),
        "begun": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
        "ended": pd.Timestamp(run.info.end_time, unit="ms", tz="UTC") if over else pd.NaT,
        "hours": metrics.get("hours", 0.0),
        "commit": tags["commit"],
        "lock": tags.get("lock", ""),
        "device": tags["device"],
        "power": " ".join(name for name in sorted(metrics) if _POWER.fullmatch(name)),
        "fingerprints": tags["fingerprints"],
        "precision": name_precision(run.data.params.get("training.precision", "fp32")),
        **{name: tags.get(name, "") for name in _TAGS},
        "versions": tags.get("versions") or _unsaid_versions(_code_parts(run.data.params)),
        "metrics": tags.get(METRIC_VERSIONS)
        or _unsaid_versions(versions.list_metric_versions(results_among(metrics))),
        "user": tags.get("mlflow.user", ""),
        **results_among(metrics),
        **plans_among(tags),
    }


def _code_parts(settings: dict[str, str]) -> list[str]:
    """Return what a run that does not say its versions was surely computed by."""
    kinds = {what: settings.get(f"{key}.kind", "none") for what, key in _KINDS.items()}
    parts = (f"{part} {kind}" for part, kind in kinds.items() if kind != "none")
    return ["training", "audio", *parts]


def _unsaid_versions(parts: Iterable[str]) -> str:
    return json.dumps({part: versions.assume_version(part) for part in parts})


def plans_among(tags: dict[str, str]) -> dict[str, str]:
    """Return who was drawn for the intervals of each evaluation, by `plan.<evaluation>`."""
    return {name: value for name, value in tags.items() if name.startswith(_PLAN)}


def build_frame(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], by: str) -> pd.DataFrame:
    """Return rows as a frame of `columns` and all others that a row has, in the order of `by`."""
    rows = sorted(rows, key=lambda row: (row[by], row["run_id"]))
    names = sorted({name for row in rows for name in row} - set(columns))
    frame = pd.DataFrame(rows, columns=pd.Index([*columns, *names]))
    return frame.fillna(dict.fromkeys((name for name in names if name.startswith(_PLAN)), ""))


def results_among(metrics: dict[str, float]) -> dict[str, float]:
    """Return the final figures of a run, with their bounds and counts."""
    return {
        name: value
        for name, value in metrics.items()
        if is_figure(name, metrics)
        or (is_result_part(name) and is_figure(_result_name(name), metrics))
    }


def is_figure(name: str, metrics: dict[str, float]) -> bool:
    """Return whether a metric is a final result: it has an interval, a curve has none."""
    return {name, f"{name}.low", f"{name}.high"} <= metrics.keys()


def is_result_part(name: str) -> bool:
    """Return whether a column is no figure itself but a bound, a count or a plan of figures."""
    return name.startswith(_PLAN) or name.rpartition(".")[2] in (*BOUNDS, *COUNTS)


def _result_name(name: str) -> str:
    return name.rpartition(".")[0]
