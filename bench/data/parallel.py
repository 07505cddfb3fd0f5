"""Apply one function to many files at once.

Threads serve where files are waited for, processes where samples are computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from bench._io.child_processes import ChildPool
from bench._io.cores import count_cores

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Is told how many are done, and of how many."""

CHUNK = 256
"""Items that a thread or process takes at once; fewer are not worth a process's start."""
_THREADS = 8


def count_processes(workers: int | None) -> int:
    """Return how many processes `Config.workers` asks for: one a core where it is left out."""
    return count_cores() if workers is None else workers


def on_threads(do: Callable[[T], R], items: Sequence[T], progress: Progress) -> Iterator[R]:
    """Yield what `do` returns of each item, in order, computed on eight threads.

    After an error or Ctrl-C what is begun is waited for and nothing else.
    """
    return _run_chunks(ThreadPoolExecutor(_THREADS), do, items, progress)


def on_processes(
    do: Callable[[T], R], items: Sequence[T], processes: int, progress: Progress
) -> Iterator[R]:
    """Yield what `do` returns for each item, in order, computed on so many processes.

    It is computed in this process where `processes` is 0 or there are few items. `do` and the items
    must be picklable.
    """
    chunks = -(-len(items) // CHUNK)
    if processes == 0 or chunks < 2:
        return _run_here(do, items, progress)
    return _run_chunks(ChildPool(min(processes, chunks)), do, items, progress)


def _run_here(do: Callable[[T], R], items: Sequence[T], progress: Progress) -> Iterator[R]:
    for done, item in enumerate(items, 1):
        yield do(item)
        if done % CHUNK == 0 or done == len(items):
            progress(done, len(items))


def _run_chunks(
    pool: Executor, do: Callable[[T], R], items: Sequence[T], progress: Progress
) -> Iterator[R]:
    chunks = [items[first : first + CHUNK] for first in range(0, len(items), CHUNK)]
    done = 0
    try:
        for results in pool.map(partial(_run_chunk, do), chunks):
            yield from results
            done += len(results)
            progress(done, len(items))
    finally:
        pool.shutdown(cancel_futures=True)


def _run_chunk(do: Callable[[T], R], chunk: Sequence[T]) -> list[R]:
    return [do(item) for item in chunk]
