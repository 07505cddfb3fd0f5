"""Parts of the script: each in a process of its own, with its own budget of time.

A part that fails, hangs, or breaks the GPU's context leaves the rows that it has yielded, and one
more that says what happened. The processes are forked from one that has imported everything and has
not touched the GPU, so that none waits for imports.
"""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from bench._io.child_processes import end_with_parent
from tests.gpu import needs
from tests.gpu.scene import Scene

MACHINE = "machine"
"""Part of the row whose variant is the machine's description."""
_TRANSFORMERS = "transformers.models.wav2vec2.modeling_wav2vec2"
FEWEST_S = 5.0
"""A part is left out where less of the run's time is left."""


class Row(NamedTuple):
    """Figures of one variant of a part; a fault says in its note what went wrong."""

    part: str
    variant: str
    figures: Mapping[str, float]
    note: str = ""
    is_fault: bool = False


class Part(NamedTuple):
    """`measure` is a function `module:name` of this package, from a scene to rows."""

    name: str
    measure: str
    budget_s: float
    packages: tuple[str, ...] = ()
    """Which it needs beside `needs.EVERYWHERE`."""
    is_needed: bool = False
    """Whether no other part can be measured without it."""


def try_variant(part: str, variant: str, measure: Callable[[], Row]) -> Row:
    """Return the row of a variant, or what went wrong, so that the others are measured."""
    try:
        return measure()
    except Exception as error:  # of one variant: anything
        traceback.print_exc()
        return Row(part, variant, {}, _describe_error(error), is_fault=True)


def list_imports(parts: Sequence[Part]) -> list[str]:
    """Return the modules that are imported once for all parts; none of them touches the GPU."""
    return [*dict.fromkeys(part.measure.partition(":")[0] for part in parts), _TRANSFORMERS]


def run_parts(parts: Sequence[Part], scene: Scene, log: Path, limit_s: float) -> Iterator[Row]:
    """Yield the rows of each part as it ends; `limit_s` is the time of all together.

    After a fault of a part that is needed the others are left out.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list_imports(parts))
    ends = time.monotonic() + limit_s
    for number, part in enumerate(parts):
        left = ends - time.monotonic()
        if missing := needs.find_missing(part.packages):
            note = needs.explain_missing(part.name, missing)
        elif left < FEWEST_S:
            note = f"left out: the {limit_s:.0f} s of all parts were used up"
        else:
            path = scene.folder / f"rows-{number}.jsonl"
            limit = min(part.budget_s, left)
            process = context.Process(target=_measure_part, args=(part, scene, path, log))
            rows = [*_run_process(part, process, path, limit)]
            yield from rows
            if part.is_needed and any(row.is_fault for row in rows):
                return
            continue
        yield Row(part.name, "", {}, note, is_fault=True)


def _run_process(part: Part, process: BaseProcess, path: Path, limit_s: float) -> Iterator[Row]:
    began = time.monotonic()
    process.start()
    assert process.pid
    try:
        process.join(limit_s)
        is_late = process.is_alive()
    finally:
        with suppress(ProcessLookupError):  # itself, and what it started
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    rows = [Row(*json.loads(line)) for line in lines if line.endswith("\n")]
    yield from rows
    if is_late:
        seconds = time.monotonic() - began
        yield Row(part.name, "", {}, f"stopped after {seconds:.0f} s", is_fault=True)
    elif process.exitcode and not any(row.is_fault for row in rows):
        note = f"its process ended with exit code {process.exitcode}"
        yield Row(part.name, "", {}, note, is_fault=True)


def _measure_part(part: Part, scene: Scene, path: Path, log: Path) -> None:
    """In the part's process: write a line for each row, and all output to the log."""
    os.setpgid(0, 0)
    end_with_parent()
    gc.freeze()  # modules are looked through no more
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    print(f"== {part.name}", flush=True)
    with path.open("w", encoding="utf-8") as lines:

        def write(row: Row) -> None:
            lines.write(json.dumps(row) + "\n")
            lines.flush()

        module, _, name = part.measure.partition(":")
        try:
            for row in getattr(importlib.import_module(module), name)(scene):
                write(row)
        except Exception as error:  # of one part: anything
            traceback.print_exc()
            write(Row(part.name, "", {}, _describe_error(error), is_fault=True))
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        f"processor time: {sum(each.ru_utime + each.ru_stime for each in used):.1f} s", flush=True
    )


def _describe_error(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:300]
