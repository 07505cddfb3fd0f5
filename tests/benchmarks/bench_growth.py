"""Growth.

`bench score` on score files of 1,000 trials and more with one replicate, the reading of a protocol
of 1,000 lines and more, and `bench report`, `show` and `run --dry-run` with 1 run in the store and
more: processor time and the memory of the largest process. The note has the exponent from the size
before: 1 is linear, 0 is start-up alone. `--long` goes up to 10 million scores and 500 runs.
"""

from __future__ import annotations

import logging
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.records import format_number, read_sizes, show
from tests.benchmarks.timing import Finished, run_bench, run_module

SCORES = (1_000, 10_000, 100_000, 1_000_000)
LINES = (1_000, 10_000, 100_000, 1_000_000)
RUNS = (1, 9, 45)
MANY_SCORES, MANY_RUNS = 10_000_000, 500
KEY = "sal/table4"
SEEDED = 9
"""Rows of the table; each further seed is as many runs."""


def show_growth(what: str, of: str, sizes: Sequence[int], run: Callable[[int], Finished]) -> None:
    """Run each size and show it."""
    before: tuple[int, float] | None = None
    for size in sizes:
        taken = run(size)
        note = f"{taken.peak_mb:,.0f} MB"
        if before is not None:
            exponent = math.log(taken.cpu_s / before[1]) / math.log(size / before[0])
            note += f", exponent {format_number(exponent)}"
        before = size, taken.cpu_s
        show(f"{what}, {size:,} {of}", taken.cpu_s, "s", note=note)


def score_trials(folder: Path, count: int) -> Finished:
    """Evaluate a score file of so many trials."""
    keys, scores = folder / "ASVspoof5.eval.track_1.tsv", folder / "scores.tsv"
    run_module("tests.benchmarks.bench_growth", "write", str(folder), str(count))
    arguments = ["--corpus", "asvspoof5", "--keys", str(keys), "--output-dir", str(folder / "out")]
    drawn = ["--replicates", "1", "--bootstrap-unit", "utterance"]
    return run_bench("score", str(scores), *arguments, *drawn, extra=_own_work(folder))


def read_lines(folder: Path, count: int) -> Finished:
    """Read a protocol of so many lines."""
    path = folder / "protocol.txt"
    run_module("tests.benchmarks.bench_growth", "protocol", str(path), str(count))
    return run_module("tests.benchmarks.bench_corpora", "ours", "asvspoof5", str(path))


def write_trials(folder: Path, count: int) -> None:
    """Write ASVspoof 5's protocol and a score file of so many trials."""
    import numpy as np

    from tests.benchmarks.made_corpora import write_asvspoof5

    labels = write_asvspoof5(folder / "ASVspoof5.eval.track_1.tsv", count)
    score = np.random.default_rng(0).normal(size=count) + 3 * (labels == "bonafide")
    with (folder / "scores.tsv").open("w", encoding="utf-8") as file:
        file.write("filename\tcm-score\n")
        file.writelines(f"E_{i:010d}\t{s:.6f}\n" for i, s in enumerate(score))


def fill_store(work: Path, before: int, runs: int) -> None:
    """Add finished runs to a store that has the first `before` of them."""
    from bench.cards import table_cards
    from bench.config import Config
    from bench.tracking.store import Store
    from tests.reports.stored import fill

    logging.disable()
    rows = table_cards.runnable_rows(table_cards.read_table(KEY))
    store = Store(Config(work=work))
    for number in range(before, runs):
        seed, row = divmod(number, SEEDED)
        fill(store, work, rows[row : row + 1], (666 + seed,), utterances=20)


def measure_store(work: Path, sizes: Sequence[int]) -> None:
    """Show each command at each size of the store, which grows."""
    extra = _own_work(work)
    commands = {
        "bench report": ["report", KEY, "--output-dir", str(work / "out")],
        "bench show": ["show", KEY],
        "bench run --dry-run": ["run", KEY, "--dry-run"],
    }
    found = dict[tuple[str, int], Finished]()
    before = 0
    for size in sizes:
        counts = [str(before), str(size)]
        run_module("tests.benchmarks.bench_growth", "fill", str(work), *counts)
        before = size
        found |= {(what, size): run_bench(*of, extra=extra) for what, of in commands.items()}
    for what in commands:
        show_growth(what, "runs", sizes, lambda size, what=what: found[what, size])


def _own_work(work: Path) -> dict[str, str]:
    return {"BENCH_WORK": str(work), "BENCH_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}


def main(quick: bool, long: bool) -> None:
    """Show how each grows."""
    scores = SCORES[:1] if quick else (*SCORES, *[MANY_SCORES] * long)
    runs = RUNS[:1] if quick else (*RUNS, *[MANY_RUNS] * long)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        of_scores = "bench score, 1 replicate"
        show_growth(of_scores, "scores", scores, lambda count: score_trials(folder, count))
        lines = LINES[: 2 if quick else None]
        show_growth("protocol", "lines", lines, lambda count: read_lines(folder, count))
    with tempfile.TemporaryDirectory() as place:
        measure_store(Path(place), runs)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder, count]:
            write_trials(Path(folder), int(count))
        case ["protocol", path, count]:
            from tests.benchmarks.made_corpora import write_list

            write_list("asvspoof5", Path(path), int(count))
        case ["fill", work, before, runs]:
            fill_store(Path(work), int(before), int(runs))
        case _:
            sizes = read_sizes(__doc__)
            main(sizes.quick, sizes.long)
