"""Break things on purpose and see whether anything is lost: `make faults`.

Prints each fault as it is tried, and at the end the table of docs/reliability.md, which `--write`
renews. Exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

from tests.faults.catalogue import (
    FAULTS,
    KILL_RUN,
    KILL_SWEEP,
    Fault,
    kill_faults,
    kill_sweep_faults,
)
from tests.faults.lab import Lab

PAGE = Path(__file__).parents[2] / "docs" / "reliability-faults.md"
QUICK = ("SQLite", "256 kB", "is cut", "later version", "weights", "NaN")
"""Words of the faults that `--quick` tries, beside some kills."""


class Trial(NamedTuple):
    """A fault that was tried."""

    fault: Fault
    lost: str
    """What was lost, "" for nothing."""
    skipped: str = ""


def try_faults(lab: Lab, faults: list[Fault]) -> Iterable[Trial]:
    """Try each fault; yield what came of it."""
    for fault in faults:
        if why := fault.explain_skip():
            yield Trial(fault, "", why)
            continue
        try:
            fault.happen(lab)
        except Exception as error:  # of one fault: the others are tried all the same
            yield Trial(fault, f"{type(error).__name__}: {error}")
        else:
            yield Trial(fault, "")


def format_table(trials: list[Trial]) -> str:
    """Return the Markdown table of what was tried, a line for each group."""
    lines = ["| what is broken | faults tried | survived | data lost |", "|---|---|---|---|"]
    for group in dict.fromkeys(trial.fault.group for trial in trials):
        tried = [trial for trial in trials if trial.fault.group == group and not trial.skipped]
        lost = [trial.fault.what for trial in tried if trial.lost]
        whats = dict.fromkeys(trial.fault.what for trial in tried)
        kinds = "" if group.startswith("kill") else f": {'; '.join(whats)}"
        lines.append(
            f"| {group}{kinds} | {len(tried)} | {len(tried) - len(lost)} | "
            f"{'; '.join(lost) or 'none'} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try the faults that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="moments at which runs are killed")
    parser.add_argument("--sweep-kills", type=int, default=50, help="the same for sweeps")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--quick", action="store_true", help="4 kills and some other faults")
    parser.add_argument("--only", default="", help="faults that have this in group or name")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        others = [one for one in FAULTS if not chosen.quick or any(w in one.what for w in QUICK)]
        count, sweeps = (4, 0) if chosen.quick else (chosen.kills, chosen.sweep_kills)
        faults = list[Fault]()
        if count and chosen.only in KILL_RUN:
            faults += kill_faults(lab, count, chosen.seed)
        if sweeps and chosen.only in KILL_SWEEP:
            faults += kill_sweep_faults(lab, sweeps, chosen.seed)
        faults += others
        faults = [one for one in faults if chosen.only in f"{one.group} {one.what}"]
        trials = list[Trial]()
        began = time.monotonic()
        for number, trial in enumerate(try_faults(lab, faults), 1):
            trials.append(trial)
            state = "skipped" if trial.skipped else "LOST" if trial.lost else "nothing lost"
            took, began = time.monotonic() - began, time.monotonic()
            more = trial.lost or trial.skipped
            print(
                f"{number}/{len(faults)} {state} ({took:.0f} s): {trial.fault.group}: "
                f"{trial.fault.what}{more and f': {more}'}",
                flush=True,
            )
    table = format_table(trials)
    print(f"\n{table}")
    if chosen.write:
        PAGE.write_text(table, encoding="utf-8")
    return int(any(trial.lost for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
