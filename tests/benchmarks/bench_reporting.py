"""Reports and start-up.

A store with nine rows and three seeds (two evaluations of 20 frames an utterance): the report of
its table from score files alone, the same again where nothing changed, and the commands that only
look: wall time, the least of several runs but for the first report.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from bench.cards import table_cards
from bench.config import Config
from bench.tracking.store import Store
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import run_bench
from tests.reports.stored import KEY, fill

SEEDS = (666, 667, 668)


def main(utterances: int, rounds: int) -> None:
    """Fill a store, then time commands as a person runs them."""
    logging.disable()
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        rows = table_cards.runnable_rows(table_cards.read_table(KEY))
        fill(Store(Config(work=work)), work, rows, SEEDS, utterances=utterances)
        report = ["report", KEY, "--output-dir", str(work / "out")]
        extra = {"BENCH_WORK": str(work), "BENCH_DEVICE": "cpu"}
        first = run_bench(*report, extra=extra)
        size = f"{len(rows)} rows, {len(SEEDS)} seeds, {utterances:,} utterances"
        show(f"report, {size}", first.wall_s, "s", note=f"{first.cpu_s:.1f} s of processor time")
        for what, goal, arguments in (
            (f"report again, {size}", "2 s", report),
            ("bench show table4", "1 s", ["show", KEY]),
            ("bench run table4 --dry-run", "1 s", ["run", KEY, "--dry-run"]),
            ("bench list", "", ["list"]),
            ("bench --help", "", ["--help"]),
        ):
            taken = [run_bench(*arguments, extra=extra) for _ in range(rounds)]
            cpu_s = min(one.cpu_s for one in taken)
            note = f"{cpu_s:.1f} s of processor time, {taken[0].peak_mb:,.0f} MB"
            show(what, min(one.wall_s for one in taken), "s", goal=goal, note=note)


if __name__ == "__main__":
    sizes = read_sizes(__doc__, utterances=(2000, 20), rounds=(3, 1))
    main(sizes.utterances, sizes.rounds)
