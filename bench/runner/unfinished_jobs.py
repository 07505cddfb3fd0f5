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
    jobs = [(row, seed) for row in order.rows for seed in order.row_seeds(row)]
    if anew:
        return jobs
    reader, runs = InputReader(config), order.resolve_runs()
    inputs = {row: reader.read_run(run) for row, run in runs.items()}

    def is_finished(row: str, seed: int) -> bool:
        made = inputs[row].fingerprints, inputs[row].made_from
        entry = RunRecord.from_digests(order.table.key, row, seed, runs[row], *made)
        return store.find_finished(entry) is not None

    return [job for job in jobs if not is_finished(*job)]
