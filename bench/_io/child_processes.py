"""Processes that this one starts end with it, however it ends, and are left alone until then.

A process that is killed tells its children nothing. A child that waits for work would wait for
ever: it holds both ends of the pipe by which the work comes, as its brothers do.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeVar

from bench._io.interrupts import STOP_SIGNALS

P = ParamSpec("P")
T = TypeVar("T")

_FOLLOW_VARIABLE = "BENCH_FOLLOWS"
"""Set for a command whose standard input is a pipe from the process that it should end with."""
_POLL_S = 0.5
"""How often a child looks for its parent."""
_PATIENCE_S = 30.0
"""So long a command may take to end after it was interrupted."""
_NICENESS = 10
"""By how much a process that computes beside others yields to them."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ChildPool(ProcessPoolExecutor):
    """Fresh processes that end with this one (`follow_parent`).

    They are not forked: this process may have threads and a GPU, and a fork would hold its locks.
    """

    def __init__(self, processes: int) -> None:
        super().__init__(processes, multiprocessing.get_context("spawn"), follow_parent)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call; the first one starts the processes."""
        with _block_sigterm():
            return super().submit(fn, *args, **kwargs)


class ChildFailed(Exception):
    """A child gave no answer, and why."""


class ProcessBeside:
    """A process that carries out calls, one after the other, yields to all others and ends with us.

    It has one thread for NumPy and the like, and sees no GPU. The first call starts it, fresh; so
    does the next one after it died. Functions and their arguments are pickled.
    """

    def __init__(self) -> None:
        self._started: tuple[BaseProcess, Connection] | None = None

    def begin_call(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin a call; the answer of the one before has to be taken."""
        # Unpickled only after the process is set up: that imports what the function needs.
        call = pickle.dumps((function, args, kwargs))
        if self._started is not None and not self._started[0].is_alive():
            self.end_process()
        if self._started is None:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_answer_calls, args=(theirs,))
            with theirs, _block_sigterm():
                process.start()
            self._started = process, ours
        with suppress(OSError):  # it died meanwhile: the answer says so
            self._started[1].send_bytes(call)

    def is_over(self, wait_s: float = 0.0) -> bool:
        """Return whether the call is over, after at most so many seconds."""
        assert self._started is not None
        return self._started[1].poll(wait_s)

    def take_answer(self) -> Any:
        """Return what the function returned; raise ChildFailed where it, or the process, failed."""
        assert self._started is not None
        process, link = self._started
        try:
            answer, failure = link.recv()
        except (EOFError, OSError):
            end = _describe_end(process)
            self.end_process()
            raise ChildFailed(end) from None
        if failure:
            raise ChildFailed(failure)
        return answer

    def end_process(self) -> None:
        """End the process, if there is one, whatever it does."""
        if self._started is not None:
            process, link = self._started
            process.kill()
            process.join()
            link.close()
            self._started = None


def _answer_calls(link: Connection) -> None:
    """In a child: carry calls out and send what they returned, until the link ends."""
    follow_parent()
    if hasattr(os, "nice"):  # Windows has none
        os.nice(_NICENESS)
    os.environ.update(_ONE_THREAD, CUDA_VISIBLE_DEVICES="")
    with suppress(EOFError):
        while True:
            call = link.recv_bytes()
            try:
                function, args, kwargs = pickle.loads(call)
                answer, failure = function(*args, **kwargs), ""
            except Exception as error:
                answer, failure = None, f"{type(error).__name__}: {error}"
            link.send((answer, failure))


def _describe_end(process: BaseProcess) -> str:
    """Return how a process ended."""
    process.join()
    code = process.exitcode or 0
    if code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"its process was ended by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"


@contextmanager
def _block_sigterm() -> Generator[None]:
    """While the block runs, new processes begin with SIGTERM blocked, in each of their threads."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_parent(_number: int = 0) -> None:
    """In a process that computes for its parent: leave it to that one when to stop.

    A cluster sends its signals to all processes of a job, and a terminal Ctrl-C. Of them only a
    SIGTERM that the parent itself sends ends this process, and that the parent is gone.
    """
    for number in (signal.SIGINT, *STOP_SIGNALS):
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # macOS and Windows cannot say who sent a signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_wait_for_sigterm, daemon=True).start()
    end_with_parent()


def _wait_for_sigterm() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(0)


def end_with_parent() -> None:
    """In a child: end at once when the process that started this one is gone."""
    threading.Thread(target=_watch_parent, args=[os.getppid()], daemon=True).start()


def _watch_parent(starter: int) -> None:
    """Wait until the parent is gone; `starter` is the process that was above this one.

    The end of its pipe alone would not do: processes that were forked from it hold that as well.
    """
    parent = multiprocessing.parent_process()
    while os.getppid() == starter:
        if parent is None:
            time.sleep(_POLL_S)
        elif connection.wait([parent.sentinel], _POLL_S):
            break
    os._exit(1)


def start_command(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, **given: Any
) -> subprocess.Popen[str]:
    """Start a command of this package that ends with this process.

    It is interrupted, as by Ctrl-C, when its standard input ends: that is a pipe from here. What is
    between, such as srun, passes that on. `given` is for `subprocess.Popen`.
    """
    variables = {**(os.environ if environment is None else environment), _FOLLOW_VARIABLE: "1"}
    return subprocess.Popen(
        arguments,
        env=variables,
        stdin=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        **given,
    )


def follow_starter(end: Callable[[], None] | None = None) -> None:
    """In a command: end with the process that started it, where that was by `start_command`.

    `end` is called then; without it this process is interrupted, and killed where it does not end.
    """
    if os.environ.pop(_FOLLOW_VARIABLE, ""):
        threading.Thread(target=_watch_input, args=[end or _interrupt_process], daemon=True).start()


def _watch_input(end: Callable[[], None]) -> None:
    while os.read(0, 1):
        pass
    end()


def _interrupt_process() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_PATIENCE_S)
    print("ended: the process that started this one is gone", file=sys.stderr, flush=True)
    os._exit(1)
