"""The registry of metrics: each is declared in one file of this folder, and everything reads it.

A file of metrics ends in a tuple `METRICS` of declarations (`bench.metrics.measure` has their
kinds) and has a `RESULTS_VERSION` (`bench.versions`). The catalogue, official results, breakdowns,
bootstrap replicates, comparisons, columns of cards and the documentation take metrics from here, so
that a new metric needs no other change.

Names, labels and units are read from the files' text: commands that compute nothing start without
NumPy.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, TypeVar

import bench.metrics
from bench.errors import BenchError
from bench.metrics import measure
from bench.metrics.measure import Measure, Metric, ScoreMetric, Setting, Trials

_DECLARATIONS = "\nMETRICS = "

LOGIT = "_bonafide_logit"
"""Ends the name of a metric by the bona fide logit instead of the score."""


class _Declared(NamedTuple):
    metric: Metric
    path: Path


AnyMetric = TypeVar("AnyMetric", bound=Metric)


def describe_metrics() -> dict[str, Metric]:
    """Return every metric by its name, in the order of results, without how it is computed."""
    return {name: declared.metric for name, declared in _read_declarations().items()}


def find_metric_file(name: str) -> Path:
    """Return the file that declares the metric `name`; KeyError where there is none."""
    return _read_declarations()[name].path


def select_metrics(kind: type[AnyMetric]) -> dict[str, AnyMetric]:
    """Return the metrics of one kind (`bench.metrics.measure`) by name, in the order of results."""
    return {name: metric for name, metric in _load_metrics().items() if isinstance(metric, kind)}


def select_given(
    kind: type[AnyMetric], trials: Trials, asked: Collection[str] = ()
) -> dict[str, AnyMetric]:
    """Return the metrics of one kind that `trials` have, and those `asked` for.

    They come by the names of their results; the setting of `ap_iou75` is `at` of its metric.
    """
    metrics = select_metrics(kind)
    given = {
        name: metric
        for name, metric in metrics.items()
        if trials in metric.trials and (trials not in metric.on_request or name in asked)
    }
    for name in asked:
        base, at = read_setting(name)
        if name not in metrics and base in metrics and trials in metrics[base].trials:
            given[name] = replace(metrics[base], at=at)
    return given


def read_setting(name: str) -> tuple[str, int]:
    """Return the metric that a result is of, and its setting: of `ap_iou75` they are `ap` and 75.

    The setting of a result whose name has none is that of its metric. Raise BenchError for a
    setting that is out of range.
    """
    metrics = describe_metrics()
    for setting, (ending, lowest, highest) in _SETTINGS.items():
        match = re.fullmatch(rf"(.+)_{ending}", name)
        if match is None or name in metrics or match[1] not in metrics:
            continue
        if metrics[match[1]].setting != setting:
            continue
        at = int(match[2])
        if not lowest <= at <= highest:
            raise BenchError(
                "metric.setting", f"{name}: should end in a number from {lowest} to {highest}"
            )
        return match[1], at
    return name, metrics[name].at if name in metrics else 0


_SETTINGS: Mapping[Setting, tuple[str, int, int]] = {
    "iou": (r"iou(\d+)", 50, 99),
    "n": (r"n(\d+)", 1, 10_000),
    "ms": (r"(\d+)ms", 1, 10_000),
}
"""How the name of a result ends, and the least and the largest setting. From an IoU of 0.5 on, a
region can match one other alone."""


def frame_measures() -> dict[str, Measure]:
    """Return how each metric of frames of one resolution is computed, by name."""
    metrics = select_metrics(ScoreMetric)
    return {name: each.measure for name, each in metrics.items() if "frames" in each.trials}


def clean_level(level: str) -> str:
    """Return a level of a breakdown as it is written in the name of a logged result.

    >>> clean_level("A07 (TTS)")
    'A07--TTS-'
    """
    return re.sub(r"[^\w-]", "-", level, flags=re.ASCII)


def forget_metrics() -> None:
    """Read the files anew when metrics are asked for next: one was added."""
    for cached in (_read_folders, _load_folders):
        cached.cache_clear()


def _load_metrics() -> dict[str, Metric]:
    return _load_folders(tuple(bench.metrics.__path__))


@cache
def _load_folders(_folders: tuple[str, ...]) -> dict[str, Metric]:
    """Import the files that declare metrics; return what they declare."""
    stems = dict.fromkeys(declared.path.stem for declared in _read_declarations().values())
    loaded: dict[str, Metric] = {}
    for stem in stems:
        metrics: tuple[Metric, ...] = import_module(f"bench.metrics.{stem}").METRICS
        loaded |= {metric.name: metric for metric in metrics}
    return {name: loaded[name] for name in _read_declarations()}


def _read_declarations() -> dict[str, _Declared]:
    return _read_folders(tuple(bench.metrics.__path__))


@cache
def _read_folders(folders: tuple[str, ...]) -> dict[str, _Declared]:
    declared: dict[str, _Declared] = {}
    for folder in folders:
        for path in sorted(Path(folder).glob("*.py")):
            for metric in _read_file(path):
                if metric.name in declared:
                    raise BenchError(
                        "metric.declared-twice",
                        f"{path}: {metric.name}: declared in {declared[metric.name].path}, too",
                    )
                declared[metric.name] = _Declared(metric, path)
    return dict(sorted(declared.items(), key=lambda item: (item[1].metric.order, item[0])))


def _read_file(path: Path) -> Iterator[Metric]:
    before, assigned, declarations = path.read_text(encoding="utf-8").partition(_DECLARATIONS)
    if not assigned:
        return
    # The rest of the file alone is parsed, each line where it was: the whole takes longer.
    tree = ast.parse("\n" * before.count("\n") + assigned + declarations, str(path))
    value = tree.body[0].value if isinstance(tree.body[0], ast.Assign) else None
    if not isinstance(value, ast.Tuple):
        raise BenchError("metric.undeclared", f"{path}: METRICS: should be a tuple of metrics")
    for call in value.elts:
        yield _read_declaration(call, path)


def _read_declaration(call: ast.expr, path: Path) -> Metric:
    """Return a declaration, `ScoreMetric(name="auc", ...)`, from its syntax."""
    line = f"{path}: line {call.lineno}"
    if not isinstance(call, ast.Call):
        raise BenchError("metric.undeclared", f"{line}: should be a metric, as ScoreMetric(...)")
    kind = getattr(measure, ast.unparse(call.func), Metric)
    defaults = {field.name: field.default for field in fields(kind) if field.name in _FIELDS}
    values = {name: value for name, value in defaults.items() if value is not MISSING}
    for keyword in call.keywords:
        if keyword.arg in _FIELDS:
            try:
                values[keyword.arg] = ast.literal_eval(keyword.value)
            except ValueError as error:
                raise BenchError(
                    "metric.undeclared",
                    f"{line}: {keyword.arg}: should be written out, as it is read as text",
                ) from error
    if missing := [name for name in _FIELDS if name not in values]:
        raise BenchError("metric.undeclared", f"{line}: {', '.join(missing)}: should be given")
    return Metric(**values)  # pyright: ignore[reportArgumentType] - tests compare with the module


_FIELDS = [field.name for field in fields(Metric)]
