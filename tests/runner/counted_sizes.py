"""The sizes of all tables' networks; `python -m tests.runner.counted_sizes` writes them anew."""

from __future__ import annotations

import json

from bench._io import atomic_files
from bench.cards import table_cards
from bench.runner.network_sizes import COUNTED, count_weights, network_key
from bench.specs.run import Run


def list_networks() -> dict[str, Run]:
    """Return a run of each network, by its key: of every row in both forms, and of its stage."""
    runs = [
        run
        for table in table_cards.table_keys()
        for form in ("paper", "smoke")
        for run in table_cards.resolve_rows(table_cards.read_table(table), form).values()
    ]
    stages = [run.earlier for run in runs if run.earlier]
    return {network_key(run): run for run in (*runs, *stages)}


def read_counted() -> dict[str, list[int]]:
    """Return what the file holds."""
    return json.loads(COUNTED.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sizes = {key: count_weights(run) for key, run in sorted(list_networks().items())}
    lines = ",\n".join(f'  "{key}": {json.dumps(both)}' for key, both in sizes.items())
    atomic_files.write_text(COUNTED, f"{{\n{lines}\n}}\n")
