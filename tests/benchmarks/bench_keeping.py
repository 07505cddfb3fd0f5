"""Checkpoints, and what a finished row takes on the disk.

How long the training thread is kept from training by a checkpoint (weights and Adam's two moments)
that is written beside it, and by one that it writes itself; wall time, the median of several. Then
the bytes of a smoke row of SAL's Table 4 that is finished in a new store, each file counted once
however many names it has.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from bench.training.checkpoints import CheckpointWriter, save_checkpoint
from bench.training.file_names import BEST_CHECKPOINT
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import run_bench

ROW = "S7"


def measure_checkpoints(million: int, rounds: int) -> None:
    """Compare both ways to write a checkpoint."""
    parts = [torch.randn(1_000_000) for _ in range(3 * million)]
    state = {"system": parts[:million], "optimizer": parts[million:]}
    beside, alone = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder, CheckpointWriter() as writer:
        path = Path(folder, "last.pt")
        for _ in range(rounds):
            start = perf_counter()
            writer.write_files({path: state})
            beside.append(perf_counter() - start)
            writer.wait()
            start = perf_counter()
            save_checkpoint(state, path)
            alone.append(perf_counter() - start)
    show(
        f"checkpoint of {million} million weights, time of the training thread",
        median(beside),
        "s",
        median(alone),
        "written by the training thread, as torch.save",
    )


def measure_row(row: str) -> None:
    """Run a smoke row and count what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        extra = {"BENCH_WORK": str(work), "BENCH_DEVICE": "cpu"}
        run_bench("data", "mini", "--table", "table4", extra=extra)
        before = _list_files(work)
        run_bench("run", "table4", "--smoke", "--rows", row, "--seeds", "1", extra=extra)
        left = {node: found for node, found in _list_files(work).items() if node not in before}
        (checkpoint,) = work.glob(f"runs/*/*/{BEST_CHECKPOINT}")
        weights = checkpoint.stat().st_size
    of_weights = [(path, size) for path, size in left.values() if size > weights / 2]
    of_weights = [(path, size) for path, size in of_weights if path.suffix not in _OTHERS]
    names = ", ".join(sorted(path.name for path, _ in of_weights))
    copies = sum(size for _, size in of_weights) / weights
    total = sum(size for _, size in left.values())
    show(
        f"smoke row {row}, weights kept, times their size",
        copies,
        "copies",
        goal="1.1 copies",
        note=f"{names}; of SAL with XLS-R 300M each is 1.36 GB",
    )
    others = (total - copies * weights) / 1e6
    show(f"smoke row {row}, all other files", others, "MB", note=f"of {total / 1e6:.1f} MB in all")


_OTHERS = {".db", ".parquet", ".png", ".svg", ".pdf"}


def _list_files(folder: Path) -> dict[int, tuple[Path, int]]:
    """Return one path and the size of each file, by its inode."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.stat().st_ino: (path, path.stat().st_size) for path in paths}


if __name__ == "__main__":
    sizes = read_sizes(__doc__, million=(50, 1), rounds=(5, 1))
    measure_checkpoints(sizes.million, sizes.rounds)
    measure_row("S0" if sizes.quick else ROW)
