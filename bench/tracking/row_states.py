"""How far the runs of a table are, in a few words; without opening a store that is not there."""

from __future__ import annotations

from bench.config import Config, Form
from bench.tracking.run_frame import runs_frame
from bench.tracking.table_runs import table_runs


def row_states(config: Config, table: str, form: Form) -> dict[str, str]:
    """Return the states of each signature's runs, e.g. `finished: seed 666; failed: seed 667`.

    Return none where MLflow is not installed (`bench.tracking.open_store.unseen_state` says so).
    """
    frame = runs_frame(table_runs(config, table, form))
    by_signature: dict[str, str] = {}
    for signature, runs in frame.groupby("signature", sort=False):
        # The last run of a seed says how that seed stands.
        last = runs.drop_duplicates("seed", keep="last")
        parts = [
            f"{status}: seed {', '.join(str(seed) for seed in sorted(group['seed']))}"
            for status, group in last.groupby("status", sort=True)
        ]
        by_signature[str(signature)] = "; ".join(parts).lower()
    return by_signature
