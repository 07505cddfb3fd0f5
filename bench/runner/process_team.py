"""One training by the processes that srun or torchrun started, on one or more nodes.

Process 0 leads: it plans, tracks, holds the lease and shows the progress. The others wait for the
jobs that it announces, train and score with it, and end with it. Each holds one connection to
process 0, by which either side notices at once that the other has died, and by which a request to
stop reaches all. So none is left behind, and none waits for ever.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from multiprocessing.connection import (
    Client,
    Connection,
    answer_challenge,
    deliver_challenge,
    wait,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric

from bench._io import child_processes, interrupts
from bench._io.launchers import Launcher
from bench.config import Config
from bench.errors import BenchError, RowFailed, plain_message
from bench.training import engine
from bench.training.callbacks import SilentCallback, TrainingCallback
from bench.training.row import TrainedRow, train_and_score

if TYPE_CHECKING:
    from bench.runner.local import RowJob

_POLL_S = 0.2
_ANSWER_S = 20.0
"""So long process 0 waits for the others after a job, and a job that failed elsewhere goes on."""
_HANG_S = 60.0
"""So long after a process died, process 0 ends where a GPU's library lets nothing else through."""
_KEEP_ALIVE = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4))
"""Seconds, seconds and number: a node that lost its power or its network is noticed in a minute."""


class TeamLost(RowFailed):
    """A process of several devices died or failed alone: the command ends, and may be repeated."""


class Team:
    """The other processes, as process 0 knows them."""

    current: Team | None = None
    """The one of this process, if it leads one."""

    def __init__(self, fabric: Fabric, launcher: Launcher, config: Config) -> None:
        self._config = config
        self._links: dict[int, Connection] = {}
        self._names: dict[int, str] = {}
        self._answers: dict[int, str] = {}
        """What each process said at the end of the job: its failure, or ""."""
        self._lost: dict[int, float] = {}
        """The processes that ended, and when."""
        self._stop_is_sent = self._is_over = self._is_broken = False
        self._job = 0
        """The number of the job that is being done, counted from 1; 0 between jobs."""
        self._jobs = 0
        self._changed = threading.Condition()
        key = secrets.token_bytes(32)
        with socket.create_server(("", 0)) as server:
            server.settimeout(_HANG_S)
            fabric.broadcast((server.getsockname()[1], key))
            for _ in range(launcher.processes - 1):
                rank, name, link = _accept_link(server, key)
                self._links[rank], self._names[rank] = link, name
        self._thread = threading.Thread(target=self._watch_links, daemon=True)
        self._thread.start()

    def train_together(self, job: RowJob, folder: Path, observer: TrainingCallback) -> TrainedRow:
        """Train and score a job on all processes; raise TeamLost where one of them is lost."""
        with self._changed:
            self._answers.clear()
            self._jobs += 1
            self._job = self._jobs
        try:
            self._send_all("job")
            fabric = engine.make_fabric(self._config, job.run.training.precision)
            fabric.launch()
            torch.distributed.broadcast_object_list([(job, folder)], src=0)
            trained = train_and_score(
                fabric, job.run, job.seed, job.data, folder, self._config, observer
            )
        except Exception as error:
            self._end_job(error)
            raise
        except BaseException:  # Ctrl-C: the others are in the middle of the job
            self._is_broken = True
            raise
        self._end_job(None)
        return trained

    def _end_job(self, error: Exception | None) -> None:
        """Wait for the others to end the job as well; raise TeamLost unless all did."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._answers.keys() | self._lost.keys() == self._links.keys(), _ANSWER_S
            )
            self._job = 0
            self._is_broken = bool(self._lost) or self._answers.keys() != self._links.keys()
        if self._is_broken:
            raise self._describe_loss(error) from error

    def _describe_loss(self, error: Exception | None) -> TeamLost:
        reasons = [f"{self._names[rank]} ended" for rank in sorted(self._lost)]
        if not reasons:
            reasons = [
                f"{self._names[rank]}: {text}" for rank, text in self._answers.items() if text
            ]
        if not reasons:
            silent = sorted(self._links.keys() - self._answers.keys())
            reasons = [f"{self._names[rank]} does not answer" for rank in silent]
            reasons += [] if error is None else [plain_message(error)]
        return TeamLost(
            "row.process-lost",
            f"{'; '.join(reasons)}: all processes end; the same command goes on",
        )

    def end_team(self) -> None:
        """Have the other processes end, and wait until they did."""
        self._send_all("exit" if self._is_broken else "end")
        with self._changed:
            self._changed.wait_for(lambda: len(self._lost) == len(self._links), _ANSWER_S)
            self._is_over = True
        self._thread.join()
        for link in self._links.values():
            link.close()

    def _watch_links(self) -> None:
        """Hear what the other processes say, notice where one ends, and pass a stop on."""
        while True:
            with self._changed:
                if self._is_over:
                    return
                links = {rank: link for rank, link in self._links.items() if rank not in self._lost}
            ready = wait(links.values(), _POLL_S) if links else time.sleep(_POLL_S)
            for rank, link in links.items():
                if ready and link in ready:
                    self._hear_link(rank, link)
            if interrupts.is_stop_asked() and not self._stop_is_sent:
                self._stop_is_sent = True
                self._send_all("stop")
            self._end_hanging_job()

    def _hear_link(self, rank: int, link: Connection) -> None:
        try:
            word, text = link.recv()
        except (OSError, EOFError):
            with self._changed:
                self._lost[rank] = time.monotonic()
                self._changed.notify_all()
            return
        if word == "stop":
            interrupts.ask_stop()
            return
        with self._changed:
            self._answers[rank] = text
            if text and self._job:
                # Unless this process fails alike, it waits for that one, which has to end then.
                timer = threading.Timer(_ANSWER_S, self._end_process, [rank, self._job])
                timer.daemon = True
                timer.start()
            self._changed.notify_all()

    def _end_process(self, rank: int, job: int) -> None:
        with self._changed:
            if self._job == job:
                self._send(rank, "exit")

    def _end_hanging_job(self) -> None:
        """End this process where it still waits for one that ended a while ago (NCCL)."""
        with self._changed:
            first = min(self._lost.values(), default=None)
            if first is None or not self._job or time.monotonic() - first < _HANG_S:
                return
            print(f"error: {self._describe_loss(None)}", file=sys.stderr, flush=True)
        os._exit(1)

    def _send_all(self, word: str) -> None:
        for rank in self._links:
            self._send(rank, word)

    def _send(self, rank: int, word: str) -> None:
        with self._changed, suppress(OSError):  # it has ended, which is noticed elsewhere
            self._links[rank].send(word)


@contextmanager
def join_team(config: Config) -> Generator[bool]:
    """Be one of the processes that a launcher started; yield whether this one leads, or is alone.

    In another process than the first, that is after all work is done.
    """
    launcher = engine.check_launcher(config)
    if launcher is None:
        yield True
        return
    child_processes.end_with_parent()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a line for each process
    fabric = engine.make_fabric(config, "fp32")
    fabric.launch()
    if not fabric.is_global_zero:
        _follow_leader(fabric, launcher, config)
        yield False
        return
    Team.current = team = Team(fabric, launcher, config)
    try:
        yield True
    finally:
        Team.current = None
        team.end_team()


def _follow_leader(fabric: Fabric, launcher: Launcher, config: Config) -> None:
    """Train and score what process 0 announces, until it says that all is done, or ends."""
    warnings.simplefilter("ignore")  # process 0 shows its own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # process 0 is interrupted as well, and ends this
    port, key = fabric.broadcast((0, b""))
    link = Client((launcher.address, port), authkey=key)
    _keep_alive(link)
    name = f"process {launcher.rank} of {launcher.processes} (pid {os.getpid()} on "
    link.send((launcher.rank, f"{name}{socket.gethostname()})"))
    words: queue.SimpleQueue[str] = queue.SimpleQueue()
    sending = threading.Lock()

    def send(word: str, text: str = "") -> None:
        with sending:
            link.send((word, text))

    threading.Thread(target=_hear_leader, args=(link, words, send), daemon=True).start()
    while words.get() == "job":
        given: list[Any] = [None]
        torch.distributed.broadcast_object_list(given, src=0)
        job, folder = given[0]
        try:
            own = engine.make_fabric(config, job.run.training.precision)
            own.launch()
            train_and_score(own, job.run, job.seed, job.data, folder, config, SilentCallback())
        except Exception as error:
            text = plain_message(error)
            send(
                "done", text if isinstance(error, BenchError) else f"{type(error).__name__}: {text}"
            )
        else:
            send("done")


def _hear_leader(
    link: Connection, words: queue.SimpleQueue[str], send: Callable[[str], None]
) -> None:
    """Pass on what process 0 says; end this process with it, whatever it is at."""
    is_told = False
    while True:
        try:
            while not link.poll(_POLL_S):
                if interrupts.is_stop_asked() and not is_told:
                    is_told = True
                    send("stop")
            word = link.recv()
        except (OSError, EOFError):
            word = "exit"
        if word == "exit":
            os._exit(1)
        if word == "stop":
            is_told = True
            interrupts.ask_stop()
            continue
        words.put(word)
        if word == "end":
            time.sleep(_ANSWER_S / 2)  # this thread ends with the process, unless that hangs
            os._exit(1)


def _accept_link(server: socket.socket, key: bytes) -> tuple[int, str, Connection]:
    """Return a further process's number and name, and the connection to it."""
    try:
        plain, _ = server.accept()
    except TimeoutError as error:
        raise TeamLost(
            "row.process-lost", f"a process did not connect to process 0 in {_HANG_S:.0f} s"
        ) from error
    plain.setblocking(True)
    link = Connection(plain.detach())
    deliver_challenge(link, key)
    answer_challenge(link, key)
    _keep_alive(link)
    rank, name = link.recv()
    return rank, name, link


def _keep_alive(link: Connection) -> None:
    """Have the system notice where the other side's node is gone without a word."""
    with socket.socket(fileno=os.dup(link.fileno())) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            if hasattr(socket, name):
                plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
