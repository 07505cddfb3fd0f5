"""Corpora are copied to the disk of the machine that trains, once, before rows run (`stage`).

One process of a machine copies under a lease; the others wait for it. A copy that was interrupted
goes on: a file counts as copied if its size and time are the source's. Where the corpus is packed
(`PartialSpoof.tar` or shards `PartialSpoof-000.tar` beside a folder that is not there), it is
unpacked instead. The copy's place is no part of a signature.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench._io import atomic_files, disk, machine
from bench._io.digests import short_digest
from bench.config import Config
from bench.downloads import archives
from bench.errors import BenchError
from bench.jobs import leases
from bench.specs.run import Run

_THREADS = 8
"""A network drive answers several requests at once."""
_PACKED = (".tar", ".tar.gz", ".tgz")

Say = Callable[[str], None]


class _FileState(NamedTuple):
    size: int
    changed_s: int
    """Whole seconds: not every disk keeps more."""


def stage_corpora(runs: Iterable[Run], config: Config, say: Say) -> Config:
    """Return the configuration with the corpora that `stage` names at their copies.

    Only those that the runs need are copied; miniatures stay where they are, and so does all that
    several nodes read together: a path names one file on all of them. Raise BenchError where
    the disk is too small or a copy is not whole, OSError as the disks give it.
    """
    needed = {
        data.corpus
        for run in runs
        for part in (run, run.earlier)
        if part is not None and part.form == "paper"
        for data in part.data.values()
    }
    if needed & {*config.stage} and int(os.environ.get("SLURM_STEP_NUM_NODES", "1")) > 1:
        say("stage: several nodes train a row together; its corpora stay where they are")
        return config
    staged = {
        key: _stage_corpus(key, config, say)
        for key in config.stage
        if key in needed and key in config.corpora
    }
    return replace(config, corpora={**config.corpora, **staged}) if staged else config


def find_scratch(config: Config) -> Path:
    """Return the folder of this machine's own disk that corpora are copied to.

    That is `scratch` of bench.toml, else what Slurm made for the job, else a folder of temporary
    files.
    """
    if config.scratch is not None:
        return config.scratch
    if folder := os.environ.get("SLURM_TMPDIR"):
        return Path(folder)
    folder = Path(tempfile.gettempdir())
    # Not this process's own folder, which ends with it.
    return folder.parent if atomic_files.is_part(folder.name) else folder


def _stage_corpus(key: str, config: Config, say: Say) -> Path:
    """Return the copy of a corpus, made or completed."""
    source = config.corpora[key].absolute()
    name = f"{key}-{short_digest({'source': str(source)})}"
    copy = find_scratch(config).absolute() / "speech-deepfake-bench" / name
    with machine.name_path(copy.parent):
        copy.parent.mkdir(parents=True, exist_ok=True)

    def wait_for(holder: str) -> None:
        say(f"{key}: is being copied to {copy} by {holder}, waiting for it")

    with leases.hold_lease(copy.with_name(f"{name}.lease"), wait_for):
        if not source.is_dir() and _list_packed(source):
            _unpack_corpus(key, source, copy, say)
        else:
            _copy_corpus(key, config.corpus_root(key, "paper").absolute(), copy, say)
    return copy


def _copy_corpus(key: str, source: Path, copy: Path, say: Say) -> None:
    """Copy what is missing or differs, remove what the source has not, and compare."""
    wanted, present = _list_files(source), _list_files(copy)
    missing = {name: state for name, state in wanted.items() if present.get(name) != state}
    for name in present.keys() - wanted.keys():
        (copy / name).unlink(missing_ok=True)
    if missing:
        size = sum(state.size for state in missing.values())
        _require_room(key, copy, size)
        what = f"{len(missing):,} files ({disk.human_bytes(size)})"
        say(f"{key}: copying {what} from {source} to {copy}")
        _copy_files(source, copy, missing)
        present = _list_files(copy)
    lacking = [name for name, state in wanted.items() if present.get(name) != state]
    if lacking:
        raise _incomplete_error(key, copy, lacking, len(wanted))


def _copy_files(source: Path, copy: Path, names: Iterable[str]) -> None:
    for folder in {(copy / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for _ in pool.map(lambda name: _copy_file(source / name, copy / name), names):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file with its time; half a file never has the name of a whole one."""
    part = target.with_name(f".{target.name}.copying")
    with machine.name_path(target, part):
        shutil.copyfile(source, part)
        shutil.copystat(source, part)
        os.replace(part, target)


def _unpack_corpus(key: str, source: Path, copy: Path, say: Say) -> None:
    """Unpack the archives beside a corpus's folder, each once."""
    packed = _list_packed(source)
    for archive in packed:
        state = archive.stat()
        done = copy.with_name(f"{copy.name}.{archive.name}-{state.st_size}-{int(state.st_mtime)}")
        if done.exists():
            continue
        _require_room(key, copy, state.st_size)
        say(f"{key}: unpacking {archive} to {copy}")
        archives.unpack_archive(archive, copy, _report_nothing, threading.Event())
        done.touch()
    _enter_folder(copy, source.name)
    if not copy.is_dir():
        raise _incomplete_error(key, copy, [path.name for path in packed], len(packed))


def _enter_folder(copy: Path, name: str) -> None:
    """Move what an archive has below the corpus's own folder one level up."""
    inner = copy / name
    if inner.is_dir():
        archives.merge_folders(inner, copy)
        shutil.rmtree(inner)


def _list_packed(source: Path) -> list[Path]:
    """Return the archives beside a folder that is not there: `<name>.tar`, `<name>-000.tar`."""
    if not source.parent.is_dir():
        return []
    return sorted(
        path
        for path in source.parent.iterdir()
        if path.name.endswith(_PACKED)
        and path.name.removeprefix(source.name)[:1] in (".", "-", "_")
        and path.name.startswith(source.name)
    )


def _report_nothing(*_: object) -> None:
    """Unpacking says nothing on its way."""


def _require_room(key: str, copy: Path, needed: int) -> None:
    free = disk.free_bytes(copy)
    if needed > free:
        raise BenchError(
            "stage.no-room",
            f"{copy}: the copy of {key} needs {disk.human_bytes(needed)} more, and "
            f"{disk.human_bytes(free)} are free: set `scratch` in bench.toml to a larger disk, or "
            f"leave {key} out of `stage`",
        )


def _incomplete_error(key: str, copy: Path, lacking: list[str], count: int) -> BenchError:
    return BenchError(
        "stage.incomplete",
        f"{copy}: {len(lacking):,} of the {count:,} files of {key} are not there as the corpus has "
        f"them, e.g. {lacking[0]}: give the same command again",
    )


def _list_files(root: Path) -> Mapping[str, _FileState]:
    """Return the files below a folder, links followed, by their path below it."""
    return dict(_walk_files(root, root, frozenset()))


def _walk_files(
    folder: Path, root: Path, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[str, _FileState]]:
    """Yield the files of a folder; a link to a folder above it is not followed."""
    if not folder.is_dir():
        return
    state = folder.stat()
    identity = (state.st_dev, state.st_ino)
    if identity in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir():
                yield from _walk_files(path, root, above | {identity})
            elif entry.is_file():
                file = entry.stat()
                name = path.relative_to(root).as_posix()
                yield name, _FileState(file.st_size, int(file.st_mtime))
