"""Give a reader changed files, and keep those on which it fails."""

from __future__ import annotations

import hashlib
import random
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from bench.errors import BenchError
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, Target

FOUND = Path(__file__).parent / "found"
LONGEST_S = 20
"""So long a reader may take for a file of a few kilobytes."""


class TooSlow(Exception):
    """A reader took too long."""


def explain_failure(target: Target, content: bytes) -> str:
    """Return how a reader fails on a file, "" where it reads it or refuses it with a BenchError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "below" / target.name
        path.parent.mkdir()
        path.write_bytes(content)
        before = signal.signal(signal.SIGALRM, _raise_too_slow)
        signal.alarm(LONGEST_S)
        try:
            with warnings.catch_warnings(record=True):
                target.read(path)
        except BenchError as error:
            return "" if str(error).strip() else "a BenchError that says nothing"
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            return f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    return ""


def find_failures(name: str, seconds: float, count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Yield files on which a reader fails and how, one for each place and kind of error."""
    target, draw = TARGETS[name], random.Random(f"{name} {seed}")
    deadline, places = time.monotonic() + seconds, set[str]()
    pool = [*target.seeds, *(path.read_bytes() for path in found_files(name))]
    for _ in range(count):
        if time.monotonic() > deadline:
            return
        content = mutate(draw.choice(pool), pool, draw)
        failure = explain_failure(target, content)
        place = f"{failure.partition(':')[0]} {failure.rpartition('(')[2]}"
        if failure and place not in places:
            places.add(place)
            yield content, failure


def found_files(name: str) -> list[Path]:
    """Return the kept files of a reader."""
    return sorted((FOUND / name).glob("*"))


def keep_file(name: str, content: bytes) -> Path:
    """Keep a file on which a reader fails, for all later runs."""
    path = FOUND / name / hashlib.sha256(content).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _raise_too_slow(_: int, __: FrameType | None) -> None:
    raise TooSlow(f"took longer than {LONGEST_S} s")
