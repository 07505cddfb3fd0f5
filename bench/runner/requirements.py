"""What this machine lacks to run a row: corpora, weights, detectors. Looks only; loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench._io import packages
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError, near_name
from bench.models import weights
from bench.specs.kinds import KindSettings, Requirement
from bench.specs.run import HeldOutData, Run


def missing_requirements(run: Run, config: Config) -> list[str]:
    """Return a message, with its remedy, for each thing that is missing."""
    return list(dict.fromkeys(_lacking(run, config)))


def require_available(runs: Iterable[Run], config: Config) -> None:
    """Raise one error that holds everything this machine lacks for the runs."""
    of_runs = (text for run in runs for text in missing_requirements(run, config))
    if missing := dict.fromkeys([*missing_device(config), *of_runs]):
        raise BenchError("run.requirements-missing", "\n".join(missing))


def missing_device(config: Config) -> list[str]:
    """Return what is missing of the devices that are asked for, nothing where all is there.

    torch is asked, which takes seconds to import, only where something can be missing.
    """
    if config.device in ("auto", "cpu") and config.device_count == 1:
        return []
    from bench.models import devices

    return [text] if (text := devices.missing_devices(config)) else []


def _lacking(run: Run, config: Config) -> Iterator[str]:
    for data in run.data.values():
        try:
            config.corpus_root(data.corpus, run.form)
        except BenchError as error:
            yield str(error)
    of_data = [part for data in run.data.values() for part in data.parts]
    for part in (*run.parts, *of_data):
        yield from _lacking_packages(part)
    for needed in (
        *run.requirements(),
        *(needed for part in of_data for needed in part.requirements()),
    ):
        yield from _lacking_file(needed, config)
    for name, data in run.evaluate.items():
        yield from _unknown_fields(name, data)
    if run.earlier:
        yield from _lacking(run.earlier, config)


def _lacking_packages(part: KindSettings) -> Iterator[str]:
    """Say which packages of a part are not installed."""
    try:
        packages.require_packages(*part.packages)
    except BenchError as error:
        yield str(error)


def _lacking_file(needed: Requirement, config: Config) -> Iterator[str]:
    """Say which file or folder has no place on this machine."""
    try:
        weights.locate_requirement(needed, config)
    except BenchError as error:
        yield str(error)


def _unknown_fields(name: str, data: HeldOutData) -> Iterator[str]:
    roles = corpus_cards.read_corpus_card(data.corpus).roles
    for field in {field for fields in data.by for field in fields.split(",")} - roles.keys():
        yield (
            f"evaluate.{name}.by: {data.corpus} has no field {field!r} to break results down by"
            f"{near_name(field, roles)}"
        )
