"""Where a command is killed: in the midst of a phase, at a moment that is drawn."""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

PHASES = {
    "start": "bench.runner.local:plan_jobs",
    "training": "bench.training.epoch:EpochTraining.train_epoch",
    "checkpoint": "bench.training.checkpoints:save_checkpoint",
    "scoring": "bench.training.row:score_utterances",
    "keeping": "bench.runner.results:keep_row",
    "computing": "bench.runner.figure_queue:compute_figures",
    "logging": "bench.runner.results:log_figures",
    "drawing": "bench.reports.plot_style:render_figure",
    "reporting": "bench._io.atomic_files:write_all",
    "syncing": "bench.tracking.sync:_copy_run",
}
"""The function that does each phase, where its caller looks it up."""


class Moment(NamedTuple):
    """When a command is killed."""

    phase: str
    call: int
    """The number of the call of the phase's function, from 0."""
    after_s: float
    """So long after the call began."""


def wrap_phase(phase: str, around: Callable[[int, Callable[[], Any]], Any]) -> None:
    """Have each call of a phase's function go through `around`, with its number, from 0."""
    module_name, path = PHASES[phase].split(":")
    *owners, name = path.split(".")
    owner = reduce(getattr, owners, importlib.import_module(module_name))
    function, calls = getattr(owner, name), [0]

    def wrapped(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        return around(calls[0] - 1, lambda: function(*given, **named))

    setattr(owner, name, wrapped)


def record_calls(file: Path) -> None:
    """Append to `file` how long each call of each phase takes, a JSON list to a line."""
    for phase in PHASES:

        def timed(_: int, call: Callable[[], Any], phase: str = phase) -> Any:
            began = time.monotonic()
            try:
                return call()
            finally:
                with file.open("a") as lines:
                    lines.write(json.dumps([phase, time.monotonic() - began]) + "\n")

        wrap_phase(phase, timed)


def read_calls(file: Path) -> dict[str, list[float]]:
    """Return the seconds of each call by phase, from what `record_calls` wrote."""
    seconds: dict[str, list[float]] = {}
    for line in file.read_text().splitlines():
        phase, took = json.loads(line)
        seconds.setdefault(phase, []).append(took)
    return seconds


def draw_moments(calls: dict[str, list[float]], count: int, seed: int) -> list[Moment]:
    """Return `count` moments, spread over the phases that were recorded."""
    draw = random.Random(seed)
    phases = [phase for phase in PHASES if phase in calls]
    moments: list[Moment] = []
    for number in range(count):
        phase = phases[number % len(phases)]
        call = draw.randrange(len(calls[phase]))
        moments.append(Moment(phase, call, draw.random() * calls[phase][call]))
    return moments


def kill_at(moment: Moment, number: int = signal.SIGKILL) -> None:
    """Have this process killed at a moment."""

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(os.getpid(), number)

    def armed(call_number: int, call: Callable[[], Any]) -> Any:
        if call_number == moment.call:
            timer = threading.Timer(moment.after_s, kill)
            timer.daemon = True
            timer.start()
        return call()

    wrap_phase(moment.phase, armed)
