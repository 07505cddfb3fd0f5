"""Fetches what is planned: several files at once, each checked, unpacked and noted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

from bench._io import atomic_files, file_locks
from bench.downloads import receipts
from bench.downloads.archives import is_archive, unpack_archive, unpack_remote
from bench.downloads.http_files import Report, download_file, find_difference
from bench.downloads.range_files import open_remote
from bench.downloads.targets import Target
from bench.errors import BenchError, Busy
from bench.specs.corpus import Download

_POLL_S = 0.2


class _Task(NamedTuple):
    target: Target
    item: Download


@dataclass
class Outcome:
    """How the files of a target fared."""

    fetched: list[str] = field(default_factory=list[str])
    """Names of the files that came."""
    failures: list[BenchError] = field(default_factory=list[BenchError])


def fetch_targets(
    targets: Sequence[Target], jobs: int, report: Report, *, keep_archives: bool
) -> Mapping[str, Outcome]:
    """Fetch the files of all targets, `jobs` at once; return by the target's key how they fared.

    A file that fails does not stop the others. Ctrl-C does; what is there by then is continued by
    the next call. OSError of the disk is raised, when the other files have stopped.
    """
    tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[_Task, BaseException | None]] = queue.SimpleQueue()
    stop = threading.Event()
    count = 0
    for target in targets:
        for item in target.files:
            tasks.put(_Task(target, item))
            count += 1

    def work() -> None:
        while not stop.is_set():
            try:
                task = tasks.get_nowait()
            except queue.Empty:
                return
            try:
                _fetch_file(task, report, stop, keep_archives=keep_archives)
                results.put((task, None))
            except BaseException as error:  # handed on to the thread that waits
                results.put((task, error))

    outcomes = {target.key: Outcome() for target in targets}
    # Threads that Ctrl-C need not wait for: one may hang in a connection for half a minute.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, count))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(count):
            task, error = _wait_for(results)
            outcome = outcomes[task.target.key]
            if error is None:
                outcome.fetched.append(task.item.file)
            elif isinstance(error, BenchError):
                outcome.failures.append(error)
            else:
                _stop_all(error, stop, threads)
    except BaseException:
        stop.set()
        raise
    return outcomes


def _wait_for(
    results: queue.SimpleQueue[tuple[_Task, BaseException | None]],
) -> tuple[_Task, BaseException | None]:
    """Return the next result; an interrupt is noticed meanwhile, on Windows too."""
    while True:
        try:
            return results.get(timeout=_POLL_S)
        except queue.Empty:
            continue


def _stop_all(
    error: BaseException, stop: threading.Event, threads: Sequence[threading.Thread]
) -> NoReturn:
    stop.set()
    for thread in threads:
        thread.join(timeout=_POLL_S)
    raise error


def _fetch_file(task: _Task, report: Report, stop: threading.Event, *, keep_archives: bool) -> None:
    """Bring a file, or its keys, into the target's folder."""
    target, item = task

    def report_file(what: str, done: int, total: int | None) -> None:
        report(f"{item.file} {what}", done, total)

    if target.keys_only and item.keys and not item.is_keys:
        _fetch_members(target, item, stop)
        receipts.write_receipt(target.folder, item, whole=False)
        return
    path = target.folder / item.file
    if not path.exists():
        download_file(item, path, report_file, stop)
    elif wrong := find_difference(item, path, report_file, stop):
        raise BenchError("download.checksum", f"{path}: {wrong}: remove it, or name another folder")
    if target.section == "public":
        receipts.write_arrival(target.folder, item)
    if target.section != "corpora":
        return
    if is_archive(item.file):
        try:
            unpack_archive(path, target.folder, report_file, stop, inner=item.inner)
        except BenchError as error:
            if error.code.startswith("archive."):
                path.unlink()  # it would fail again
            raise
        if not keep_archives:
            path.unlink()
    receipts.write_receipt(target.folder, item, whole=True)


def _fetch_members(target: Target, item: Download, stop: threading.Event) -> None:
    """Read the keys out of an archive where it lies, at the first address that can do it."""
    failures: list[BenchError] = []
    for url in (item.url, *item.mirrors):
        try:
            with open_remote(url) as remote:
                unpack_remote(remote, item.file, target.folder, item.keys, stop)
            return
        except BenchError as error:
            failures.append(error)
    raise BenchError(failures[0].code, "\n".join(map(str, failures)))


@contextmanager
def hold_targets(targets: Sequence[Target], base: Path) -> Generator[None]:
    """Hold what is fetched against other processes; Busy where one of them fetches the same."""
    if not targets:
        yield
        return
    first, *rest = targets
    base.mkdir(parents=True, exist_ok=True)

    def refuse(holder: str) -> None:
        raise Busy("download.busy", f"{first.name}: {holder} gets it already: wait for it")

    with file_locks.hold_file(base / f".{first.key}.lock", busy=refuse):
        atomic_files.remove_leftovers([first.folder])
        with hold_targets(rest, base):
            yield
