"""The results version of each part of the suite that a run depends on.

It is a whole number, `RESULTS_VERSION`, in the part's module, and is raised when the part's results
can change. So a change of code is noticed even where no setting differs: rows made by an older
version run again and are marked in reports, and rows that do not use the changed part stay as they
are. Runs from before versions were recorded are of the first version. Versions are read from the
modules' text, as some of these import torch. Golden outputs guard them
(`tests/versions/test_versions.py`).
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import bench.metrics
from bench.cards import corpus_cards
from bench.errors import BenchError
from bench.extensions import digest_source, find_source
from bench.metrics.registry import LOGIT, describe_metrics, find_metric_file, read_setting
from bench.specs.kinds import BreathSettings, list_inner_parts
from bench.specs.run import Data, Run

NAME = "RESULTS_VERSION"
FIRST = 1
_ASSUMED: Mapping[str, int] = {"detector respiro": 2}
"""The version of a part in a run that does not record it, if not the first: this part had a second
version before runs recorded them."""
_ROOT = Path(__file__).parent
_SOURCE = 2**32
"""Versions of parts of extensions, which need not declare any, are this and a digest."""

INTERVALS = "metrics/bootstrap"
_OTHERS: Mapping[str, str] = {
    "training": "training/engine",
    "audio": "data/audio",
    "labels of frames": "data/frame_labels",
    "breath marks": "models/breath/marks",
}


def read_version(module: str) -> int:
    """Return the version that a module of `bench` declares, for example `specs/systems/sal`.

    Raise BenchError where it declares none.
    """
    folder, _, name = module.rpartition("/")
    source = find_source(folder.rpartition("/")[2], name)
    if source is not None:
        return _SOURCE + int(digest_source(source), 16)
    folders = bench.metrics.__path__ if folder == "metrics" else [_ROOT / folder]
    paths = [Path(parent, f"{name}.py") for parent in folders]
    return _parse_version(next((path for path in paths if path.is_file()), paths[0]))


def describe_version(version: int) -> str:
    """Return a version in words; that of an extension's part is its source.

    >>> describe_version(2), describe_version(_SOURCE + 0x1a2b3c4d)
    ('version 2', 'source 1a2b3c4d')
    """
    return f"version {version}" if version < _SOURCE else f"source {version - _SOURCE:08x}"


@cache
def _parse_version(path: Path) -> int:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if NAME in names and isinstance(node.value.value, int) and node.value.value >= FIRST:
                return node.value.value
    raise BenchError(
        "metric.results-version",
        f"{path}: should declare a whole number {NAME}, of at least {FIRST}",
    )


def find_part_module(part: str) -> str:
    """Return the module of a part by the name that it has in `of_run` and `of_metrics`.

    >>> *map(find_part_module, ("system sal", "augmentation mix-frame", "metric auc")),
    ('specs/systems/sal', 'specs/augment/mix_frame', 'metrics/auc')
    """
    if part in _OTHERS:
        return _OTHERS[part]
    what, _, kind = part.partition(" ")
    if what == "metric":
        return INTERVALS if kind == "intervals" else f"metrics/{find_metric_file(kind).stem}"
    folders = {"system": "systems", "front-end": "frontends", "augmentation": "augment"}
    folders |= {"layers": "layers", "head": "heads"}
    folders = {what: f"specs/{folder}" for what, folder in folders.items()}
    folders |= {"reader": "data/readers", "detector": "specs/breath"}
    return f"{folders[what]}/{kind.replace('-', '_')}"


def list_training_versions(run: Run) -> dict[str, int]:
    """Return the versions of the parts that train a run: `system sal`, `training`, ...

    Those of its data are `of_data`.
    """
    augmentations = [part.kind for part in (run.augment, run.mix) if part.kind != "none"]
    parts = [f"system {run.system.kind}", f"front-end {run.frontend.kind}", "training"]
    parts += [f"{part.part} {part.kind}" for part in list_inner_parts(run.system)]
    return _read_versions([*parts, *(f"augmentation {kind}" for kind in augmentations)])


def list_data_versions(data: Data) -> dict[str, int]:
    """Return the versions of the parts that read a split, label it and find its breaths."""
    parts = [f"reader {corpus_cards.read_corpus_card(data.corpus).reader}", "audio"]
    if data.resolution_s is not None:
        parts.append("labels of frames")
    if data.splice.kind != "none":
        parts.append(f"augmentation {data.splice.kind}")
    if isinstance(data.breath, BreathSettings):
        parts.append("breath marks")
        if not data.breath.is_rule:
            parts.append(f"detector {data.breath.kind}")
    return _read_versions(parts)


def list_run_versions(run: Run) -> dict[str, int]:
    """Return the versions of all parts of a run and of the training it starts from.

    Those of its metrics are `of_metrics`.
    """
    versions = list_training_versions(run)
    for data in run.data.values():
        versions |= list_data_versions(data)
    return versions | (list_run_versions(run.earlier) if run.earlier else {})


def list_metric_versions(results: Iterable[str]) -> dict[str, int]:
    """Return the versions of the metrics of results, and of their intervals.

    Results are given by name: `partialspoof.eer`, `a.A07.eer_bonafide_logit`.
    """
    kinds = {_metric_name(name.rpartition(".")[2]) for name in results}
    metrics = sorted(kinds & describe_metrics().keys())
    return _read_versions(
        [*(f"metric {kind}" for kind in metrics), *["metric intervals"] * bool(metrics)]
    )


def _read_versions(parts: Iterable[str]) -> dict[str, int]:
    return {part: read_version(find_part_module(part)) for part in parts}


def _metric_name(name: str) -> str:
    """Return a result's name without its score, resolution and setting: `eer` of `eer_160ms`."""
    return re.sub(r"_\d+ms$", "", read_setting(name.removesuffix(LOGIT))[0])


def assume_version(part: str) -> int:
    """Return the version of a part of a run that does not record it."""
    return _ASSUMED.get(part, FIRST)


def describe_raised(versions: Mapping[str, int]) -> dict[str, str]:
    """Return the versions of a run that differ from those of a run that records none, in words.

    >>> describe_raised({"system sal": 1, "training": 2})
    {'training': 'version 2'}
    """
    return {
        part: describe_version(version)
        for part, version in sorted(versions.items())
        if version > assume_version(part)
    }


def compare_versions(
    before: Mapping[str, int], now: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Return the parts of which `now` is another version than `before`, each with both.

    >>> compare_versions({"training": 1}, {"system sal": 2, "training": 1})
    {'system sal': (1, 2)}
    """
    pairs = {
        part: (before.get(part, assume_version(part)), version) for part, version in now.items()
    }
    return {part: pair for part, pair in pairs.items() if pair[0] != pair[1]}


def find_outdated(before: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return the parts of a run made by the versions `before` that have changed since.

    Each comes with both versions. A part that no longer exists is left out.
    """
    now: dict[str, int] = {}
    for part in before:
        with contextlib.suppress(OSError, KeyError):
            now[part] = read_version(find_part_module(part))
    return compare_versions(before, now)


def describe_changes(changes: Mapping[str, tuple[int, int]]) -> str:
    """Return versions before and now in words.

    >>> describe_changes({"system sal": (1, 2)})
    'system sal (version 1 -> 2)'
    """
    pairs = [
        (part, describe_version(one), describe_version(two).removeprefix("version "))
        for part, (one, two) in changes.items()
    ]
    return ", ".join(f"{part} ({one} -> {two})" for part, one, two in pairs)
