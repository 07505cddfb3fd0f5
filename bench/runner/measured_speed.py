"""The speeds of rows that were measured (`bench.runner.speed`), as the work folder keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from bench._io import atomic_files
from bench.config import Config
from bench.runner.costs import PlannedTraining, count_clips, count_utterances
from bench.specs.run import Run

FILE = "speed.json"
"""In the work folder."""


class Speed(NamedTuple):
    """Of one run on one device."""

    train: float
    """Clips a second, with all that is done to them; 0 where nothing is trained."""
    dev: float
    """Utterances a second; 0 where nothing is trained."""
    evaluate: Mapping[str, float]
    """Utterances a second, by evaluation."""
    measured: str
    """The day."""


def read_speed(run: Run, device: str, work: Path) -> Speed | None:
    """Return what was measured of a run on a device; None where nothing was."""
    return _read_file(work).get(device, {}).get(run.signature)


def keep_speed(speed: Speed, run: Run, device: str, work: Path) -> None:
    """Keep what was measured of a run on a device, in place of what was measured before."""
    every = _read_file(work)
    every.setdefault(device, {})[run.signature] = speed
    atomic_files.write_bytes(work / FILE, _SPEEDS.dump_json(every, indent=1))


_SPEEDS = TypeAdapter(dict[str, dict[str, Speed]])
"""What the file holds: by device and signature."""


def _read_file(work: Path) -> dict[str, dict[str, Speed]]:
    """Return what is kept; nothing where the file is not there or not readable."""
    try:
        return _SPEEDS.validate_json((work / FILE).read_bytes())
    except (OSError, ValueError):
        return {}


def estimate_hours(
    training: PlannedTraining, speeds: Mapping[str, Speed], config: Config
) -> float | None:
    """Return how long a training and its evaluations take at most.

    It follows from the speed of each run, by signature. Return None where a speed or the number of
    utterances is not known.
    """
    first = training.runs[0]
    if any(run.signature not in speeds for run in training.runs):
        return None
    speed = speeds[first.signature]
    parts = [
        (count_utterances(data, run, config), speeds[run.signature].evaluate[name])
        for run in training.runs
        for name, data in run.evaluate.items()
    ]
    if not training.is_trained:
        dev, epochs = count_utterances(first.dev, first, config), first.training.epochs
        parts += [(count_clips(first, config), speed.train)]
        parts += [(None if dev is None else dev * epochs, speed.dev)]
    if any(number is None for number, _ in parts):
        return None
    return sum((number or 0) / rate for number, rate in parts) / 3600
