"""Break things on purpose and see whether anything is lost: `make faults`.

Prints each fault as it is tried, and at the end the table of docs/reliability.md. `--write` renews
the groups of that table of which every fault was tried, and leaves the others with their own dates.
Exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

from bench._io import markdown
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
DATA = PAGE.with_suffix(".json")
"""What PAGE is made from."""
KILLS = (KILL_RUN, KILL_SWEEP)
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


class Group(NamedTuple):
    """What came of the faults of one group, the last time that all of them were tried."""

    tried: int
    survived: int
    lost: list[str]
    """The faults by which anything was lost."""
    what: list[str]
    """All that was tried, but for kills, which are moments."""
    date: str

    def list_cells(self, name: str) -> list[str]:
        """Return the cells of its line in the table."""
        what = f"{name}: {'; '.join(self.what)}" if self.what else name
        lost = "; ".join(self.lost) or "none"
        return [markdown.format_prose(what), str(self.tried), str(self.survived), lost, self.date]


def group_trials(trials: list[Trial]) -> dict[str, Group]:
    """Return what came of each group, in the order in which the groups were tried."""
    groups = dict[str, Group]()
    today = datetime.now(UTC).date().isoformat()
    for name in dict.fromkeys(trial.fault.group for trial in trials):
        tried = [trial for trial in trials if trial.fault.group == name and not trial.skipped]
        lost = [trial.fault.what for trial in tried if trial.lost]
        what = [] if name in KILLS else list(dict.fromkeys(trial.fault.what for trial in tried))
        groups[name] = Group(len(tried), len(tried) - len(lost), lost, what, today)
    return groups


def read_groups() -> dict[str, Group]:
    """Return the groups that DATA holds."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    return {name: Group(**group) for name, group in data.items()}


def format_table(groups: dict[str, Group]) -> str:
    """Return the Markdown table of what was tried, a line for each group."""
    headings = ["what is broken", "faults tried", "survived", "data lost", "tried on"]
    rows = [group.list_cells(name) for name, group in groups.items()]
    return "\n".join(markdown.format_table(headings, rows, padded=False)) + "\n"


def write_groups(groups: dict[str, Group]) -> None:
    """Renew these groups in DATA and on PAGE."""
    groups = read_groups() | groups
    data = {name: group._asdict() for name, group in groups.items()}
    DATA.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(format_table(groups), encoding="utf-8")


def main() -> int:
    """Try the faults that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="moments at which runs are killed")
    parser.add_argument("--sweep-kills", type=int, default=50, help="the same for sweeps")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    modes = parser.add_mutually_exclusive_group()  # a part of a group is not written
    modes.add_argument("--quick", action="store_true", help="4 kills and some other faults")
    parser.add_argument("--only", default="", help="faults that have this in group or name")
    modes.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
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
        left_out = [one for one in faults if chosen.only not in f"{one.group} {one.what}"]
        faults = [one for one in faults if one not in left_out]
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
    groups = group_trials(trials)
    print(f"\n{format_table(groups)}")
    if chosen.write:
        partly = {fault.group for fault in left_out}
        partly |= {trial.fault.group for trial in trials if trial.skipped}
        write_groups({name: group for name, group in groups.items() if name not in partly})
        for name in partly & groups.keys():
            print(f"not written, for not all of its faults were tried: {name}")
    return int(any(trial.lost for trial in trials))


if __name__ == "__main__":
    sys.exit(main())
