"""Print how long the report of nine rows with three seeds takes: `bench_reporting.py [UTTERANCES]`.

Two evaluations, 20 frames an utterance; 2,000 utterances unless told (PartialSpoof's evaluation set
has 71,237). First from score files alone, then with the replicates that the first time left.
"""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from bench.cards import table_cards
from bench.config import Config
from bench.tracking.store import Store
from tests.reports.stored import KEY, fill


def cpu_s() -> float:
    """Return the seconds that finished children have worked: a busy machine lets them wait."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Fill a store, then time the command as a person runs it."""
    utterances = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    logging.disable()
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        rows = table_cards.runnable_rows(table_cards.read_table(KEY))
        fill(Store(Config(work=work)), work, rows, (666, 667, 668), utterances=utterances)
        print(f"{len(rows)} rows, 3 seeds, 2 evaluations of {20 * utterances:,} frames")
        for what in ("score files read", "replicates kept"):
            began, worked = perf_counter(), cpu_s()
            command = [
                sys.executable,
                "-m",
                "bench",
                "report",
                KEY,
                "--output-dir",
                str(work / "out"),
            ]
            environment = {**os.environ, "BENCH_WORK": str(work), "BENCH_DEVICE": "cpu"}
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            wall = perf_counter() - began
            print(f"  {what}: {wall:.1f} s, {cpu_s() - worked:.1f} s of them at work")


if __name__ == "__main__":
    main()
