"""What a benchmark measured, as a line for people and as a record for docs/performance.md.

A benchmark is run by `python -m tests.benchmarks.bench_NAME`. Where the variable `RECORDS` names a
file, each record is also added to it as a line of JSON (`tests.benchmarks.__main__` reads it).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RECORDS = "BENCHMARK_RECORDS"


@dataclass(frozen=True)
class Record:
    """One measured result."""

    what: str
    ours: float
    unit: str
    """Of `ours` and `reference`. Of units that end in `/s` more is better, of others less."""
    reference: float | None = None
    against: str = ""
    """What the reference is."""
    goal: str = ""
    """A number and a unit: `12 s` is the most (the least of a rate), `3 x` the least ratio."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the reference; below 1 ours is worse.

        None without a reference, and of shares in per cent: neither is faster.
        """
        if self.reference is None or self.unit == "%":
            return None
        over, under = self.reference, self.ours
        return under / over if self.unit.endswith("/s") else over / under

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached; ValueError where there is none, or of another unit."""
        number, unit = self.goal.replace(",", "").split(maxsplit=1)
        if unit == "x" and self.ratio is not None:
            return self.ratio >= float(number)
        if unit != self.unit:
            raise ValueError(f"{self.what}: a goal of {self.goal} for a result in {self.unit}")
        least = unit.endswith("/s")
        return self.ours >= float(number) if least else self.ours <= float(number)


def format_number(value: float, unit: str = "") -> str:
    """Return a value with three significant digits, and its unit.

    >>> format_number(12.3456, "ms"), format_number(680774.0, "clips/s"), format_number(0.01234)
    ('12.3 ms', '680,774 clips/s', '0.0123')
    """
    size = abs(value)
    decimals = 0 if size >= 100 or value == 0 else 1 if size >= 10 else 2
    text = f"{value:,.{decimals}f}" if size >= 1 or value == 0 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def show(
    what: str,
    ours: float,
    unit: str,
    reference: float | None = None,
    against: str = "",
    *,
    goal: str = "",
    note: str = "",
) -> None:
    """Print a result, and add it to the file of records where one is asked for."""
    record = Record(what, float(ours), unit, None if reference is None else float(reference))
    record = Record(**{**asdict(record), "against": against, "goal": goal, "note": note})
    line = f"{what:<58} {format_number(record.ours, unit):>16}"
    if record.reference is not None:
        ratio = "" if record.ratio is None else f"{record.ratio:.2f} x"
        line += f" {format_number(record.reference, unit):>16} {ratio:>10}  {against}"
    if goal:
        line += f"  (goal {goal}: {'reached' if record.is_reached else 'missed'})"
    print(f"{line}  {note}".rstrip(), flush=True)
    if path := os.environ.get(RECORDS):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")


def read_sizes(
    doc: str | None, arguments: Sequence[str] | None = None, **sizes: tuple[int, int]
) -> argparse.Namespace:
    """Return the sizes of a benchmark from its command line, as whole numbers.

    Of each of `sizes` the first number is for the page, the second for `--quick`; `--NAME` sets
    another. `--long` asks for what takes more than a minute, where a benchmark has that.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works")
    parser.add_argument("--long", action="store_true", help="sizes that take over a minute, too")
    for name, (full, quick) in sizes.items():
        parser.add_argument(f"--{name}", type=int, help=f"{full:,}; with --quick {quick:,}")
    chosen = parser.parse_args(arguments)
    for name, of_page in sizes.items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, of_page[chosen.quick])
    return chosen
