"""Print how fast score files are read and checked: `bench_scoring.py [N]`.

A file of N lines (680,774 by default, as many as ASVspoof 5's eval has) in each form, against a
bare loop over its lines and `numpy.genfromtxt`; then the checks.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
import pandas as pd

from bench.evaluation.checks import check_utterances
from bench.evaluation.forms import ScoreFile, read_score_file

Result = TypeVar("Result")
EVAL_UTTERANCES = 680_774
BIG = 2_000_000
"""From so many lines on, one form only, and no loop."""


def loop(path: Path, separator: str | None) -> dict[str, float]:
    """Read as most scripts do."""
    with path.open() as file:
        rows = (line.rstrip("\n").split(separator) for line in file)
        return {row[0]: float(row[-1]) for row in rows if row[-1] != "cm-score"}


def timed(action: Callable[[], Result]) -> tuple[float, Result]:
    """Return the seconds that `action` takes, and its result."""
    start = perf_counter()
    result = action()
    return perf_counter() - start, result


def show(what: str, seconds: float, count: int, beside: str = "") -> None:
    """Print a line."""
    rate = count / seconds / 1e6
    print(f"{what:28} {seconds:7.3f} s {rate:7.2f} M a second {beside}")


def forms(folder: Path, count: int) -> ScoreFile:
    """Write, read and time each form; return the last one read."""
    score = np.random.default_rng(0).normal(size=count) + 2 * (np.arange(count) % 5 == 0)
    rows = list(zip((f"E_{i:010d}" for i in range(count)), score.tolist(), strict=True))
    tabs = "filename\tcm-score\n" + "".join(f"{u}\t{s}\n" for u, s in rows)
    written: dict[str, tuple[bytes, str | None]] = {"tabs, header": (tabs.encode(), "\t")}
    if count < BIG:
        blanks = "".join(f"{u} A07 spoof {s}\n" for u, s in rows)
        written |= {
            "tabs, header, gz": (gzip.compress(tabs.encode(), 6), None),
            "AASIST's four columns": (blanks.encode(), " "),
            "several blanks, CRLF": (
                blanks.replace(" ", "   ").replace("\n", "\r\n").encode(),
                None,
            ),
        }
    del rows, tabs
    path = folder / "scores"
    for what, (content, separator) in written.items():
        path.write_bytes(content)
        seconds, found = timed(lambda: read_score_file(path))
        beside = ""
        if separator and count < BIG:
            looped, _ = timed(lambda separator=separator: loop(path, separator))
            parsed, _ = timed(lambda: np.genfromtxt(path, dtype=str))  # as AASIST's evaluation
            beside = (
                f"(a bare loop {looped / seconds:.1f}, genfromtxt {parsed / seconds:.1f} times)"
            )
        show(what, seconds, count, beside)
    return found


def main(count: int = EVAL_UTTERANCES) -> None:
    """Time reading and checking."""
    with tempfile.TemporaryDirectory() as folder:
        found = forms(Path(folder), count)
    keys = pd.DataFrame(
        {
            "utterance": [f"E_{i:010d}" for i in range(count)],
            "label": np.where(np.arange(count) % 5 == 0, "bonafide", "spoof"),
        }
    )
    bare = ScoreFile(found.path, found.names, found.row, found.score, found.taken)
    seconds, checked = timed(lambda: check_utterances(bare, keys))
    show("all checks", seconds, count)
    assert checked.present.all()
    assert not checked.findings, checked.findings


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
