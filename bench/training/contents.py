"""Digests of all that a run is made from beside its settings and data.

They are those of pretrained weights, recorded noise and files of breaths, and the versions of code
that gives other results than before. A name in the settings says where a file lies, and not what it
contains: a replaced file of weights makes another run, though no setting differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import versions
from bench._io.digests import list_digest
from bench.config import Config
from bench.models import weights
from bench.specs.breath import Breath
from bench.specs.kinds import BreathSettings, Requirement
from bench.specs.run import Data, Run


def training_contents(run: Run, config: Config) -> dict[str, str]:
    """Return digests of the files that a run needs, and raised versions of its code.

    Keys are such as `weights xlsr2_300m`, `noise musan` and `system sal`. A missing file is a
    BenchError that says what to get.
    """
    return _digests(run.requirements(), config) | versions.describe_raised(
        versions.list_training_versions(run)
    )


def data_contents(data: Data, config: Config) -> dict[str, str]:
    """Return digests of a split's breath marks, and raised versions of what reads and labels it."""
    return breath_contents(data.breath, config) | versions.describe_raised(
        versions.list_data_versions(data)
    )


def breath_contents(breath: Breath, config: Config) -> dict[str, str]:
    """Return digests and versions of what finds breaths, such as `detector dsp`, `breaths NAME`."""
    if not isinstance(breath, BreathSettings):
        return {}
    version: dict[str, str] = {}
    if breath.is_detector:  # searched audio is cached, and named by the version that searched it
        part = f"detector {breath.kind}"
        version = {part: f"version {versions.read_version(versions.find_part_module(part))}"}
    return version | _digests(breath.requirements(), config)


def _digests(needed: Iterable[Requirement], config: Config) -> dict[str, str]:
    digests: dict[str, str] = {}
    for requirement in needed:
        path = weights.locate_requirement(requirement, config)
        is_noise = requirement.what == "noise"
        digest = (
            list_digest(_files_below(path))
            if is_noise
            else weights.content_digest(path, config.work)
        )
        digests[f"{requirement.what} {requirement.key}"] = digest
    return digests


def _files_below(root: Path) -> Iterator[tuple[str, Path]]:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return ((path.relative_to(root).as_posix(), path) for path in paths)
