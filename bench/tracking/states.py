"""How far the runs of a table are, in a few words; without opening a store that is not there."""

from __future__ import annotations

from bench import packages
from bench.config import Config, Form


def states(config: Config, table: str, form: Form) -> dict[str, str]:
    """Return for each signature its runs, e.g. `FINISHED: seed 666; FAILED: seed 667`; none where
    MLflow is not installed (`bench.tracking.opened.state_of_unseen` says so).
    """
    if not packages.installed("mlflow"):
        return {}
    from bench.tracking import address
    from bench.tracking.frame import tidy
    from bench.tracking.store import Store

    file = address.configured(config).file
    if file is not None and not file.is_file():
        return {}
    # Where a server is away, what the outbox has.
    frame = tidy(Store(config).search(table, {"form": form, "kind": "row"}))
    found: dict[str, str] = {}
    for signature, runs in frame.groupby("signature", sort=False):
        # The last run of a seed says how that seed stands.
        last = runs.drop_duplicates("seed", keep="last")
        parts = [
            f"{status}: seed {', '.join(str(seed) for seed in sorted(group['seed']))}"
            for status, group in last.groupby("status", sort=True)
        ]
        found[str(signature)] = "; ".join(parts).lower()
    return found
