"""What a report takes of runs beside their figures: bootstrap replicates, and energy."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from bench import versions
from bench._io import atomic_files
from bench.errors import BenchError
from bench.evaluation.draws import KIND, Draws, draws, unpacked
from bench.evaluation.places import Placed, placed
from bench.specs.table import Table
from bench.tracking import run_artifacts

T = TypeVar("T")


class Kept(Protocol):
    """What finished runs, named by their ids, have kept."""

    def draws(
        self, run_id: str, evaluation: str, figures: Collection[str]
    ) -> Mapping[str, Draws] | None:
        """Return the replicates of figures, by their names, of one evaluation; None where its score
        file cannot be had.
        """
        ...

    def placed(self, run_id: str, evaluation: str) -> Placed | None:
        """Return the error rates of one evaluation's frames by where they are; None where its score
        file cannot be had, or its frames have no place.
        """
        ...

    def energy_kwh(self, run_id: str, curves: Sequence[str]) -> float:
        """Return what the GPUs whose power the named curves are took, in kilowatt hours."""
        ...

    def pictures(self, run_id: str, evaluation: str) -> Mapping[str, bytes]:
        """Return the PNGs of one evaluation by name."""
        ...


class KeptInStore:
    """What the runs of a tracking store have kept.

    Replicates are drawn once and then lie in the work folder. A finished run's score files never
    change, so that its id, the figure's name and its version say which are meant; the file is read,
    and where the store is a server fetched, only where they are not yet there.
    """

    def __init__(self, store: run_artifacts.Opened, work: Path) -> None:
        self._store, self._folder = store, work / "draws"

    def draws(
        self, run_id: str, evaluation: str, figures: Collection[str]
    ) -> Mapping[str, Draws] | None:
        """See `Kept`."""
        places = {
            name: self._folder / run_id / f"{evaluation}.{name}.{_kind(name)}.npz"
            for name in figures
        }
        found = {name: _read(place, unpacked) for name, place in places.items()}
        if missing := [name for name, of in found.items() if of is None]:
            with run_artifacts.score_file(self._store, run_id, evaluation) as path:
                if path is None:
                    return None
                for name, of in draws(path, missing).items():
                    _save(places[name], **of.packed())
                    found[name] = of
        return {name: of for name, of in found.items() if of is not None}

    def placed(self, run_id: str, evaluation: str) -> Placed | None:
        """See `Kept`."""
        place = self._folder / run_id / f"{evaluation}.placed.{KIND}.npz"
        known = _read(place, _unpacked_placed)
        if known is not None:
            return known
        with run_artifacts.score_file(self._store, run_id, evaluation) as path:
            if path is None:
                return None
            try:
                found = placed(path)
            except BenchError:  # on no grid, or a single speaker
                return None
        _save(place, **{**found._asdict(), "names": np.array(found.names)})
        return found

    def draw(self, table: Table, run_id: str) -> None:
        """Draw all replicates that reports of `table` need of a run, so that they need not wait."""
        for evaluation, figures in figures_drawn(table).items():
            self.draws(run_id, evaluation, figures)

    def energy_kwh(self, run_id: str, curves: Sequence[str]) -> float:
        """See `Kept`."""
        return run_artifacts.energy_kwh(self._store, run_id, curves)

    def pictures(self, run_id: str, evaluation: str) -> Mapping[str, bytes]:
        """See `Kept`."""
        return run_artifacts.pictures(self._store, run_id, evaluation)


def _kind(figure: str) -> str:
    """Return by what replicates of a figure are drawn: another version draws others."""
    raised = versions.raised(versions.of_metrics([figure]))
    return "-".join([KIND, *(f"{part} {of}".replace(" ", "-") for part, of in raised.items())])


def figures_drawn(table: Table) -> dict[str, list[str]]:
    """Return which figures of each evaluation the columns of a table are, or are made of."""
    found: dict[str, list[str]] = {}
    for metric in sorted({m for c in table.columns for m in (c.parts or (c.metric,))}):
        evaluation, _, figure = metric.partition(".")
        found.setdefault(evaluation, []).append(figure)
    return found


_ARRAYS = Placed._fields[2:]


def _unpacked_placed(arrays: Mapping[str, Any]) -> Placed:
    names: tuple[str, ...] = tuple(arrays["names"].tolist())
    return Placed(names, str(arrays["trials"]), *(arrays[of] for of in _ARRAYS))


def _save(place: Path, **arrays: Any) -> None:
    """Keep what was drawn for the next report; where nothing can be written this one has it."""
    with contextlib.suppress(OSError), atomic_files.whole(place) as file:
        np.savez(file, **arrays)


def _read(place: Path, unpack: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Return what is kept at `place`; None where it is not there, or not whole: it is made anew."""
    try:
        with place.open("rb") as file, np.load(file) as found:
            return unpack(found)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return None
