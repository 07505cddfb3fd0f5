"""Audio and weights that were replaced while a row was trained or scored.

What was computed from both, the earlier and the new, is no result: it is set aside, and the row
fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.config import Config
from bench.data.required_audio import find_changed
from bench.errors import InputChanged
from bench.specs.run import Run
from bench.training import contents, damage, file_names
from bench.training.row import RowData, score_path

_SHOWN = 3


def is_trained(folder: Path) -> bool:
    """Return whether the training in a folder is finished."""
    return (folder / file_names.SELECTION).is_file()


def require_unchanged(
    run: Run, data: RowData, folder: Path, config: Config, *, trained_before: bool
) -> None:
    """Raise InputChanged where audio or weights are not those that the row began with.

    `trained_before` says that the training in `folder` was finished when the row began: what it
    learnt from may be another by now. Files that were computed from what changed are renamed.
    """
    changed = {
        key: find_changed(loaded.subset, loaded.states) for key, loaded in data.splits.items()
    }
    if trained_before:
        changed |= {"train": [], "dev": []}
    now = contents.training_contents(run, config)
    replaced = [name for name, digest in now.items() if data.training.get(name) != digest]
    if trained_before and run.is_trained:
        replaced = []  # a finished training has its weights in its checkpoint
    names = [str(path) for paths in changed.values() for path in paths] + replaced
    if not names:
        return
    aside = [path for path in _list_spoilt(run, data, folder, changed, replaced) if path.is_file()]
    for path in aside:
        os.replace(path, path.with_name(path.name + damage.ENDING))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise InputChanged(
        "row.input-changed",
        f"{', '.join(names[:_SHOWN])}{more} changed while the row was run. What was computed from "
        f"it is set aside ({len(aside)} files *{damage.ENDING} in {folder}); `bench run` computes "
        "it again from what is there then",
    )


def _list_spoilt(
    run: Run,
    data: RowData,
    folder: Path,
    changed: Mapping[str, list[Path]],
    replaced: list[str],
) -> Iterator[Path]:
    """Yield the files that may have been computed from what changed."""
    everything = bool(replaced or changed.get("train") or changed.get("dev"))
    if everything:
        yield from folder.glob("*.pt")
        yield from (folder / name for name in (file_names.PROGRESS, file_names.SELECTION))
    for name, loaded in data.evaluate.items():
        if everything or changed[f"evaluate.{name}"]:
            yield score_path(folder, name, run.evaluate[name], loaded)
