"""Which rows and seeds are not finished, without a look at audio and without PyTorch."""

from __future__ import annotations

from bench.config import Config
from bench.runner.current_inputs import InputReader
from bench.runner.request import RunRequest
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store


def list_unfinished(
    order: RunRequest, config: Config, store: Store, anew: bool = False
) -> list[tuple[str, int]]:
    """Return the rows and seeds that `bench run` would train or score, all of them `anew`."""
    reader, runs = InputReader(config), order.resolve_runs()
    jobs = [(row, seed) for row in order.rows for seed in order.row_seeds(row)]
    if anew:
        return jobs
    inputs = {row: reader.read_run(run) for row, run in runs.items()}
    return [
        (row, seed)
        for row, seed in jobs
        if not store.find_finished(
            RunRecord(
                table=order.table.key,
                paper=order.table.key.partition("/")[0],
                row=row,
                seed=seed,
                run=runs[row],
                fingerprints=inputs[row].fingerprints,
                made_from=inputs[row].made_from,
            )
        )
    ]
