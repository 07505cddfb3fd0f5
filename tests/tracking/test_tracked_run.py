"""A tracked run that is interrupted within a transaction."""

from __future__ import annotations

import os
import signal

import pytest

from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store


def test_a_run_that_is_interrupted_in_a_transaction_is_closed_as_killed(
    store: Store, entry: RunRecord, monkeypatch
):
    tracked = store.begin_run(entry)
    real, calls = store.client.log_batch, iter([True])

    def log_batch(*given, **more):
        if next(calls, False):
            os.kill(os.getpid(), signal.SIGINT)
        real(*given, **more)

    monkeypatch.setattr(store.client, "log_batch", log_batch)
    with pytest.raises(KeyboardInterrupt), tracked:
        tracked.log_epoch({"train.loss": 1.0}, 1)
    run = store.client.get_run(tracked.run_id)
    assert run.info.status == "KILLED"
    assert run.data.metrics["train.loss"] == 1.0, "what was begun was done"
