"""Score files, and whole evaluations.

A score file with as many lines as ASVspoof 5's evaluation set in each form, by our reader, by
pandas and by a bare loop over its lines; the checks; then the whole evaluation of such a file, from
the command to the report: `bench score` without intervals beside the algorithm of the organisers'
script (pandas reads scores and keys and joins them; EER, minDCF, actDCF and Cllr by NumPy); and
`bench score` with 1,000 replicates of six metrics, with a breakdown by attack and codec, and `bench
compare`. Processor time, but for the goals in wall time.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from bench.evaluation.checks import check_utterances
from bench.evaluation.forms import ScoreFile, read_score_file
from tests.benchmarks.made_corpora import write_asvspoof5
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import Finished, run_bench, run_module

EVAL_UTTERANCES = 680_774
MANY_CHECKS = (
    "ours also checks every id, label and word, finds the corpus's keys and published results, "
    "and writes the report"
)


def loop(path: Path, separator: str | None) -> dict[str, float]:
    """Read as most scripts do."""
    with path.open() as file:
        rows = (line.rstrip("\n").split(separator) for line in file)
        return {row[0]: float(row[-1]) for row in rows if row[-1] != "cm-score"}


def time_once(work: Callable[[], object]) -> float:
    """Return the processor time of a call, in seconds."""
    start = process_time()
    work()
    return process_time() - start


def measure_forms(folder: Path, count: int) -> ScoreFile:
    """Write and read each form; return the last one read."""
    score = np.random.default_rng(0).normal(size=count) + 2 * (np.arange(count) % 5 == 0)
    rows = list(zip((f"E_{i:010d}" for i in range(count)), score.tolist(), strict=True))
    tabs = "filename\tcm-score\n" + "".join(f"{u}\t{s}\n" for u, s in rows)
    blanks = "".join(f"{u} A07 spoof {s}\n" for u, s in rows)
    forms: dict[str, tuple[bytes, str | None]] = {
        "tabs, header": (tabs.encode(), "\t"),
        "tabs, header, gz": (gzip.compress(tabs.encode(), 6), None),
        "several blanks, CRLF": (blanks.replace(" ", "   ").replace("\n", "\r\n").encode(), None),
        "four columns": (blanks.encode(), " "),
    }
    path = folder / "scores"
    found = None
    for what, (content, separator) in forms.items():
        path.write_bytes(content)
        found = read_score_file(path)
        ours = time_once(lambda: read_score_file(path))
        name = f"score file of {count:,} lines: {what}"
        if separator is None:
            show(name, ours, "s")
            continue
        header = 0 if separator == "\t" else None
        parsed = time_once(
            lambda: pd.read_csv(path, sep=separator, header=header)  # noqa: B023
        )
        looped = time_once(lambda: loop(path, separator))  # noqa: B023
        show(name, ours, "s", parsed, "pandas.read_csv", note="ours finds the form and checks")
        show(name, ours, "s", looped, "loop over lines")
    assert found is not None
    return found


def measure_checks(found: ScoreFile, count: int) -> None:
    """Time all checks of a score file against keys."""
    keys = pd.DataFrame(
        {
            "utterance": [f"E_{i:010d}" for i in range(count)],
            "label": np.where(np.arange(count) % 5 == 0, "bonafide", "spoof"),
        }
    )
    bare = ScoreFile(found.path, found.names, found.row, found.score, found.taken)
    start = process_time()
    checked = check_utterances(bare, keys)
    show(f"all checks of {count:,} scores", process_time() - start, "s")
    assert checked.present.all()
    assert not checked.findings, checked.findings


def measure_commands(folder: Path, count: int, replicates: int) -> None:
    """Time whole evaluations as commands."""
    keys = folder / "ASVspoof5.eval.track_1.tsv"
    labels = write_asvspoof5(keys, count)
    paths = [folder / f"{name}.tsv" for name in ("one", "other")]
    rng = np.random.default_rng(1)
    score = rng.normal(size=count) + 3 * (labels == "bonafide")
    for path in paths:
        score = score + rng.normal(size=count)
        lines = (f"E_{i:010d}\t{s:.6f}\n" for i, s in enumerate(score.tolist()))
        path.write_text("filename\tcm-score\n" + "".join(lines))

    def run(verb: str, *arguments: str) -> Finished:
        shared = ["--corpus", "asvspoof5", "--keys", str(keys), "--output-dir", str(folder / "out")]
        return run_bench(verb, *arguments, *shared, extra={"BENCH_WORK": str(folder / "work")})

    one = str(paths[0])
    trials = f"{count:,} trials"
    alone = run("score", one, "--no-intervals")
    official = run_module("tests.benchmarks.official_metrics", one, str(keys))
    show(
        f"whole evaluation of {trials}, no intervals",
        alone.cpu_s,
        "s",
        official.cpu_s,
        "organisers' algorithm",
        note=MANY_CHECKS,
    )
    by_utterance = ["--bootstrap-unit", "utterance", "--replicates", f"{replicates}"]
    drawn = f"{trials} x {replicates:,} replicates"
    for what, goal, arguments in (
        ("six metrics", "12 s", ["score", one]),
        ("by attack and codec", "25 s", ["score", one, "--by", "attack,codec"]),
    ):
        taken = run(*arguments, *by_utterance)
        note = f"{taken.cpu_s:.1f} s of processor time, {taken.peak_mb:,.0f} MB"
        name = f"bench score, {what}, {drawn}, wall time"
        show(name, taken.wall_s, "s", goal=goal if count == EVAL_UTTERANCES else "", note=note)
    taken = run("compare", one, str(paths[1]), *by_utterance)
    show(f"bench compare, {drawn}", taken.cpu_s, "s", note=f"{taken.wall_s:.1f} s of wall time")


def main(count: int, replicates: int) -> None:
    """Time reading, checking and whole evaluations."""
    with tempfile.TemporaryDirectory() as folder:
        measure_checks(measure_forms(Path(folder), count), count)
        measure_commands(Path(folder), count, replicates)


if __name__ == "__main__":
    sizes = read_sizes(__doc__, count=(EVAL_UTTERANCES, 5000), replicates=(1000, 20))
    main(sizes.count, sizes.replicates)
