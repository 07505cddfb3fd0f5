"""What a report reads of runs beside their results: bootstrap replicates, pictures, and energy."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench import versions
from bench._io import atomic_files
from bench.errors import BenchError
from bench.evaluation.draws import DRAWS_VERSION, MetricDraws, draw_replicates, unpack_arrays
from bench.evaluation.frame_errors import PositionErrorRates, compute_position_errors
from bench.specs.table import Table
from bench.tracking import run_artifacts

T = TypeVar("T")

DRAWS = "draws"
"""The folder of the work folder that holds a folder with replicates for each run, by its id."""


class StoredResults:
    """Reads what the runs of a tracking store keep.

    Replicates are drawn once and then lie in the work folder. A finished run's score files never
    change, so that its id, the metric's name and its version identify them; the file is read, and
    where the store is a server fetched, only where they are not there yet.
    """

    def __init__(self, store: run_artifacts.OpenStore, work: Path) -> None:
        self._store, self._folder = store, work / DRAWS

    def read_draws(
        self, run_id: str, evaluation: str, figures: Collection[str]
    ) -> Mapping[str, MetricDraws] | None:
        """Return an evaluation's replicates by metric; None where its score file cannot be read."""
        folder = self._folder / run_id
        saved = _read_kept_draws(folder, evaluation, figures)
        if saved.keys() >= {*figures}:
            return saved
        with run_artifacts.open_score_file(self._store, run_id, evaluation) as path:
            return None if path is None else keep_draws(folder, evaluation, figures, path)

    def read_position_rates(self, run_id: str, evaluation: str) -> PositionErrorRates | None:
        """Return the error rates of one evaluation's frames by their position.

        None where its score file cannot be read, or its frames have no position.
        """
        file = self._folder / run_id / f"{evaluation}.placed.{DRAWS_VERSION}.npz"
        saved = _read_arrays(file, _unpacked_placed)
        if saved is not None:
            return saved
        with run_artifacts.open_score_file(self._store, run_id, evaluation) as path:
            if path is None:
                return None
            try:
                rates = compute_position_errors(path)
            except BenchError:  # on no grid, or a single speaker
                return None
        _save_arrays(file, **{**rates._asdict(), "names": np.array(rates.names)})
        return rates

    def read_energy_kwh(self, run_id: str, curves: Sequence[str]) -> float:
        """Return the energy of the GPUs whose power the named curves are, in kilowatt hours."""
        return run_artifacts.energy_kwh(self._store, run_id, curves)

    def read_pictures(self, run_id: str, evaluation: str) -> Mapping[str, bytes]:
        """Return the PNGs of one evaluation by name."""
        return run_artifacts.read_pictures(self._store, run_id, evaluation)


def keep_draws(
    folder: Path, evaluation: str, figures: Collection[str], path: Path
) -> dict[str, MetricDraws]:
    """Return the replicates of the score file at `path`, kept in a run's `folder` for reports.

    Those that are there already are not drawn again.
    """
    drawn = _read_kept_draws(folder, evaluation, figures)
    missing = [name for name in figures if name not in drawn]
    for name, new in draw_replicates(path, missing).items() if missing else ():
        _save_arrays(_draws_path(folder, evaluation, name), **new.pack_arrays())
        drawn[name] = new
    return drawn


def _read_kept_draws(
    folder: Path, evaluation: str, figures: Collection[str]
) -> dict[str, MetricDraws]:
    paths = {name: _draws_path(folder, evaluation, name) for name in figures}
    saved = {name: _read_arrays(path, unpack_arrays) for name, path in paths.items()}
    return {name: draws for name, draws in saved.items() if draws is not None}


def _draws_path(folder: Path, evaluation: str, figure: str) -> Path:
    return folder / f"{evaluation}.{figure}.{_name_version(figure)}.npz"


def _name_version(figure: str) -> str:
    """Return the version by which replicates of a metric are drawn."""
    raised = versions.describe_raised(versions.list_metric_versions([figure]))
    parts = (f"{part} {version}".replace(" ", "-") for part, version in raised.items())
    return "-".join([DRAWS_VERSION, *parts])


def list_drawn_metrics(table: Table) -> dict[str, list[str]]:
    """Return which figures of each evaluation the columns of a table are, or are made of."""
    names_by_evaluation: dict[str, list[str]] = {}
    for metric in sorted({m for c in table.columns for m in (c.parts or (c.metric,))}):
        evaluation, _, figure = metric.partition(".")
        names_by_evaluation.setdefault(evaluation, []).append(figure)
    return names_by_evaluation


_ARRAYS = PositionErrorRates._fields[2:]


def _unpacked_placed(arrays: Mapping[str, Any]) -> PositionErrorRates:
    names: tuple[str, ...] = tuple(arrays["names"].tolist())
    return PositionErrorRates(names, str(arrays["trials"]), *(arrays[name] for name in _ARRAYS))


def _save_arrays(path: Path, **arrays: Any) -> None:
    """Save arrays for the next report; where nothing can be written, this report has them."""
    with contextlib.suppress(OSError), atomic_files.open_whole(path) as file:
        np.savez(file, **arrays)


def _read_arrays(path: Path, unpack: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Return the arrays in a file; None where it is not there or not whole."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return unpack(arrays)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return None
