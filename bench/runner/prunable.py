"""What of the work folder can go, by kind, and its removal.

Nothing outside the work folder is looked at, no link is followed, nothing of a training in progress
is touched, and of a training that a card's row has the kept weights and scores always stay.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench._io import atomic_files, disk
from bench.cards import paper_cards, table_cards
from bench.config import Config, Form
from bench.errors import BenchError
from bench.runner.training_folder import hold_folder, hold_locks
from bench.specs.run import Run
from bench.tracking.run_folders import FolderRun, runs_by_folder
from bench.training import checkpoints, damage, file_names, keeping

DAY_S = 86_400


class PruneKind(NamedTuple):
    """A kind of files that can go."""

    about: str
    """What they are, and what it costs to lose them."""
    is_free: bool = False
    """Whether nothing is lost: `--yes` alone removes these kinds only."""
    older_s: float = 0
    """Changed more recently, they are not listed, unless another age is asked for."""


KINDS: Mapping[str, PruneKind] = {
    "last": PruneKind("last states of trainings that have ended: nothing needs them", is_free=True),
    "leftovers": PruneKind(
        "files that were damaged or half-written: nothing needs them", is_free=True
    ),
    "unfinished": PruneKind(
        "trainings that failed or were stopped, a week ago or earlier: `bench run` would go on "
        "from them",
        older_s=7 * DAY_S,
    ),
    "orphaned": PruneKind(
        "weights and scores of trainings that no card has any more: explain and score need them"
    ),
    "changed": PruneKind(
        "weights and scores of trainings with --set: explain and score need them; their results "
        "stay in the store"
    ),
    "trials": PruneKind("weights of a sweep's trials: their results stay in the store"),
    "mini": PruneKind("miniature corpora: `bench data mini` makes them again"),
    "breaths": PruneKind("breaths that were found: the next run that needs them finds them again"),
    "draws": PruneKind("what reports drew for their intervals: the next report draws it again"),
    "foreign": PruneKind(
        "scores of models given with `bench score --model`: the same command scores again; what it "
        "evaluated stays"
    ),
}


class PrunableFiles(NamedTuple):
    """Files in one folder that can be removed."""

    kind: str
    path: Path
    """The folder, or the file."""
    files: tuple[Path, ...]
    size: int
    """Bytes."""
    changed: float
    """When the last of them was changed, in seconds since 1970."""
    name: str = ""
    """The run's, where one is known."""


class Prunable(NamedTuple):
    """What can go, and what was not looked at."""

    items: list[PrunableFiles]
    notes: list[str]


class _Training(NamedTuple):
    folder: Path
    signature: str
    runs: Sequence[FolderRun]


def find_prunable(
    config: Config, kinds: Iterable[str] = KINDS, older_s: float | None = None
) -> Prunable:
    """Return what can be removed, and why some folders could not be examined.

    `older_s` is the least age in seconds; None is the kind's own.
    """
    work, notes = config.work, list[str]()
    signatures, runs = _card_signatures(notes), runs_by_folder(config)
    if runs is None:
        notes.append(
            "the tracking server does not answer, or lacks runs (`bench sync`): orphaned, changed "
            "and trials cannot be told"
        )
    items: list[PrunableFiles] = []
    busy = False
    for training in _list_trainings(work, runs or {}):
        if _in_progress(training):
            busy = True
            continue
        items += _training_items(training, signatures, runs is not None)
    if busy:
        notes.append("a training is in progress: its files, mini and breaths are left alone")
    else:
        items += [*_folder_items(work, "mini", "mini"), *_folder_items(work, "breath", "breaths")]
    items += _folder_items(work, "draws", "draws")
    items += _folder_items(work, "foreign", "foreign")
    items += _half_written_items(work)
    wanted, now = set(kinds), time.time()
    ages = {kind: info.older_s if older_s is None else older_s for kind, info in KINDS.items()}
    items = [one for one in items if one.kind in wanted and now - one.changed >= ages[one.kind]]
    return Prunable(sorted(items, key=lambda one: [*KINDS].index(one.kind)), notes)


def remove_item(item: PrunableFiles) -> str:
    """Remove what is found; return "" or why it was left."""
    try:
        match item.kind:
            case "foreign":
                return _remove_foreign(item.path)
            case "last":
                with hold_folder(item.path) as mine:
                    return _release_last(item.path) if mine else "is in use"
            case "unfinished" | "orphaned" | "changed" | "trials":
                with hold_folder(item.path) as mine:
                    return _unlink_files(item.files) if mine else "is in use"
            case _:
                return _unlink_files(item.files)
    except OSError as error:
        return str(error.strerror or error)


def _release_last(folder: Path) -> str:
    if not damage.is_whole(folder / file_names.BEST_CHECKPOINT):
        return "its kept weights are damaged"
    try:
        keeping.release_finished(folder)
    except checkpoints.DamagedCheckpoint as error:
        return str(error)
    return ""


def _remove_foreign(folder: Path) -> str:
    """Remove the scores of a model, unless a process writes them."""
    with hold_locks(*folder.rglob("*.lock")) as mine:
        if mine:
            shutil.rmtree(folder)
    return "" if mine else "is in use"


def _unlink_files(files: Iterable[Path]) -> str:
    for path in files:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif atomic_files.is_part(path.name):
            # But for those that a process still writes.
            atomic_files.remove_leftovers([path.parent])
        else:
            path.unlink(missing_ok=True)
    return ""


# --- trainings ------------------------------------------------------------------------------------


def _card_signatures(notes: list[str]) -> set[str] | None:
    """Return the training signatures of the rows of all cards, in both forms, with variants.

    Earlier trainings are among them. Return None where a card is at fault.
    """
    forms: tuple[Form, ...] = ("paper", "smoke")
    signatures: set[str] = set()
    try:
        for key in table_cards.table_keys():
            table = table_cards.read_table(key)
            paper = table_cards.read_paper_of(table)
            rows = table_cards.runnable_rows(table)
            for variant in paper.variants:
                table, more = paper_cards.add_variant(table, paper, variant, rows)
                rows = [*rows, *more]
            for row in rows:
                for form in forms:
                    signatures |= set(_run_signatures(table_cards.resolve_row(table, row, form)))
    except BenchError as error:
        notes.append(f"orphaned, changed and trials cannot be told: {error}")
        return None
    return signatures


def _run_signatures(run: Run) -> Iterator[str]:
    for admitted in run.admitted:
        yield admitted.training_signature
        if admitted.earlier:
            yield admitted.earlier.training_signature


def _list_trainings(work: Path, runs: Mapping[str, Sequence[FolderRun]]) -> Iterator[_Training]:
    top = work / "runs"
    for training in _list_folders(top):
        for folder in _list_folders(training):
            if folder.name.startswith("seed-"):
                mine = runs.get(folder.relative_to(work).as_posix(), ())
                yield _Training(folder, training.name.partition("-")[0], mine)


def _training_items(
    training: _Training, signatures: set[str] | None, store_is_known: bool
) -> Iterator[PrunableFiles]:
    """Return what of a training can go."""
    folder, name = training.folder, training.runs[0].name if training.runs else ""

    def items(kind: str, files: Iterable[Path]) -> Iterator[PrunableFiles]:
        paths = tuple(files)
        if paths:
            yield _make_item(kind, folder, paths, name)

    yield from items("leftovers", folder.rglob(f"*{damage.ENDING}"))
    if not all(
        (folder / name).is_file() for name in (file_names.SELECTION, file_names.BEST_CHECKPOINT)
    ):
        yield from items("unfinished", checkpoints.unfinished_files(folder) or folder.glob("*.pt"))
        return
    kind = None
    if signatures is not None and store_is_known and training.signature not in signatures:
        kind = _needed_by_no_card(training.runs)
    if kind is None:
        yield from items("last", checkpoints.unfinished_files(folder))
        return
    yield from items(kind, [*folder.glob("*.pt"), *folder.glob("scores")])


def _needed_by_no_card(runs: Sequence[FolderRun]) -> str:
    if any(run.kind == "trial" for run in runs):
        return "trials"
    return "changed" if any(run.changed for run in runs) else "orphaned"


def _in_progress(training: _Training) -> bool:
    if any(run.in_progress for run in training.runs):
        return True
    with hold_folder(training.folder) as mine:
        return not mine


# --- other folders --------------------------------------------------------------------------------


def _folder_items(work: Path, name: str, kind: str) -> Iterator[PrunableFiles]:
    for path in _list_folders(work / name):
        yield _make_item(kind, path, (path,))


def _half_written_items(work: Path) -> Iterator[PrunableFiles]:
    for folder, below, names in os.walk(work):
        for name in [*below, *names]:
            if atomic_files.is_part(name):
                path = Path(folder, name)
                yield _make_item("leftovers", path, (path,))
        below[:] = [name for name in below if not atomic_files.is_part(name)]


def _list_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, links left out."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink()]


def _make_item(kind: str, folder: Path, files: tuple[Path, ...], name: str = "") -> PrunableFiles:
    files = tuple(path for path in files if not path.is_symlink())
    changed = max((_last_changed(path) for path in files), default=0.0)
    return PrunableFiles(kind, folder, files, disk.taken_bytes(*files), changed, name)


def _last_changed(path: Path) -> float:
    """Return when a file, or the last one in a folder, was changed."""
    times = [path.lstat().st_mtime]
    for folder, _, names in os.walk(path):
        times += [Path(folder, name).lstat().st_mtime for name in names]
    return max(times)
