"""What other work folders keep in a store is found there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.tracking.run_record import RunRecord
from bench.tracking.shared_runs import TRAINED_IN
from bench.tracking.store import Store
from tests.errors import raises_code


@pytest.mark.rows
def test_finished_runs_of_any_table_are_found_by_the_folder_of_their_training(
    store: Store, entry: RunRecord
):
    places = {"sal/table4": "runs/a/seed-1", "sal/table1": "runs/a/seed-1", "tca/table2": "runs/b"}
    for table, place in places.items():
        with store.begin_run(replace(entry, table=table)) as tracked:
            tracked.set_tag(TRAINED_IN, place)
            tracked.finish_run({})
    with store.begin_run(replace(entry, table="sal/table3")) as tracked:
        tracked.set_tag(TRAINED_IN, "runs/a/seed-1")
        found = {run.data.tags["table"] for run in store.runs_trained_in("runs/a/seed-1")}
        tracked.finish_run({})
    assert found == {"sal/table4", "sal/table1"}
    with raises_code("tracking.artifact-missing") as raised:
        store.fetch_artifact(tracked.run_id, "training/rest.pt", Path("."))
    assert "training/rest.pt" in str(raised.value)
