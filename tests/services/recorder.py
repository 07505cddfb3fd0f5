"""A process that records runs of one table in a store, as one machine of several does.

`python -m tests.services.recorder ADDRESS WORK ROW SEED...` says "ready", waits for a line, and
records one run for each seed. Its curve, figure and file follow from row and seed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cards import table_cards
from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store

TABLE = "sal/table4"
EPOCHS = (1, 2, 3)


def build_entry(row: str, seed: int) -> RunRecord:
    """Return the record of a smoke run of a row."""
    table = table_cards.read_table(TABLE)
    return RunRecord(
        table=TABLE,
        paper="sal",
        row=row,
        seed=seed,
        run=table_cards.resolve_row(table, row, "smoke"),
        fingerprints={"partialspoof/train": "0123456789abcdef"},
        made_from={},
        commit="18096a9",
        device="cpu",
    )


def loss(row: str, seed: int, epoch: int) -> float:
    """Return a point of a run's curve."""
    return int(row[1:]) + seed / 1000 + 1 / epoch


def figures(row: str, seed: int) -> dict[str, MetricResult]:
    """Return the results of a run."""
    eer = int(row[1:]) / 100 + seed / 1e5
    return {"partialspoof.eer": MetricResult(eer, eer - 0.001, eer + 0.001)}


def record_run(store: Store, row: str, seed: int, folder: Path) -> None:
    """Record a whole run."""
    file = folder / f"{row}-{seed}.txt"
    file.write_text(f"{row} {seed}")
    with store.begin_run(build_entry(row, seed)) as tracked:
        for epoch in EPOCHS:
            tracked.log_epoch({"train.loss": loss(row, seed, epoch)}, epoch)
        tracked.add_artifact(file, "folder")
        tracked.finish_run(figures(row, seed))
    store.present_table(table_cards.read_table(TABLE))


def main(address: str, work: str, row: str, *seeds: str) -> None:
    """Record runs when told to."""
    import mlflow  # noqa: F401  so that all begin at once

    print("ready", flush=True)
    sys.stdin.readline()
    folder = Path(work)
    store = Store(Config(work=folder, tracking=address))
    for seed in seeds:
        record_run(store, row, int(seed), folder)
    assert store.waiting_names() == []


if __name__ == "__main__":
    main(*sys.argv[1:])
