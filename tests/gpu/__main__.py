"""Measure one GPU in at most eight minutes: `make gpu`, or `python3 -m tests.gpu` without make.

Training and scoring of SAL S7 at XLS-R 300M's size in every precision and setting, on our encoder
and on those of transformers and torchaudio; rows of batch 10; loader, RawBoost, checkpoints; a
short row on CPU and GPU. Weights are random, audio is made. The machine needs neither network nor
MLflow, Optuna, s3prl; `--wheels` prints how to bring what else it lacks. Written to $OUT (or
--output-dir): gpu.md, gpu.json, log.txt. Exit code 1 where a part failed; the others are kept.
`--test` tries every part on the CPU at a tiny size.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.gpu import needs

LIMIT_S = 470.0
"""Seconds of all parts together: less than eight minutes with what is before and after."""
TRIAL_LIMIT_S = 1800.0
"""On the CPU of a machine that others use as well."""


def main() -> int:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(
        prog="tests.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--test", action="store_true", help="try every part, on the CPU")
    parser.add_argument("--only", default="", help="parts that have this in their name")
    parser.add_argument("--output-dir", type=Path, help="folder of what is written")
    parser.add_argument(
        "--wheels",
        nargs="?",
        const="3.12",
        metavar="PYTHON",
        help="print how to bring missing packages, for that version of Python (default: 3.12)",
    )
    given = parser.parse_args()
    if given.wheels:
        print(needs.describe_commands(given.wheels))
        return 0
    if missing := needs.find_missing(needs.EVERYWHERE):
        print(needs.explain_missing("tests.gpu cannot start", missing), file=sys.stderr)
        print(needs.describe_commands(), file=sys.stderr)
        return 2
    output = given.output_dir or Path(os.environ.get("OUT") or "work/gpu")
    output.mkdir(parents=True, exist_ok=True)
    if given.test:
        os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
        os.environ["KINETO_LOG_LEVEL"] = "99"  # torch's profiler reports that it finds no GPU
    return _measure(output, given.only, is_trial=given.test)


def _measure(output: Path, only: str, *, is_trial: bool) -> int:
    from bench.provenance import read_commit
    from tests.gpu import catalogue, table
    from tests.gpu.parts import Row, run_parts
    from tests.gpu.scene import TRIAL, WHOLE, Scene

    began = time.monotonic()
    rows: list[Row] = []
    log = output / "log.txt"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as folder:
        device = "cpu" if is_trial else "cuda"
        scene = Scene(Path(folder), device, TRIAL if is_trial else WHOLE, is_trial)
        limit_s = TRIAL_LIMIT_S if is_trial else LIMIT_S
        for row in run_parts(catalogue.choose_parts(only, is_trial), scene, log, limit_s):
            rows.append(row)
            print(
                f"{time.monotonic() - began:6.1f} s  {row.part}: {row.variant} {row.note}",
                flush=True,
            )
        for trace in Path(folder).glob("trace.json.gz"):
            shutil.move(trace, output / trace.name)
    content = table.collect_content(
        rows, read_commit(), time.monotonic() - began, is_trial=is_trial
    )
    text = table.describe_run(content, rows)
    (output / "gpu.md").write_text(text, encoding="utf-8")
    (output / "gpu.json").write_text(table.format_json(content), encoding="utf-8")
    faults = [row for row in rows if row.is_fault]
    print(f"\n{text}\nwritten: {output / 'gpu.md'}, {output / 'gpu.json'}; faults: {len(faults)}")
    return 1 if faults or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
