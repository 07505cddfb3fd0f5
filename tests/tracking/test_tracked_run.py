"""Tracked runs that are interrupted within a transaction, or whose input changed."""

from __future__ import annotations

import os
import signal

import pytest

from bench._io import atomic_files
from bench.errors import InputChanged
from bench.tracking.address import local_folder
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code


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


def test_a_run_whose_input_changed_is_begun_anew(store: Store, entry: RunRecord):
    with raises_code("row.input-changed"), store.begin_run(entry) as spoilt:
        spoilt.log_epoch({"train.loss": 1.0}, 1)
        raise InputChanged("row.input-changed", "a.wav changed")
    assert store.client.get_run(spoilt.run_id).info.lifecycle_stage == "deleted"
    with store.begin_run(entry) as tracked:
        tracked.log_epoch({"train.loss": 2.0}, 1)
    assert tracked.run_id != spoilt.run_id
    assert store.client.get_run(tracked.run_id).data.metrics["train.loss"] == 2.0


def test_a_final_file_is_stored_once_where_the_store_is_local(store, entry, tmp_path, monkeypatch):
    scores = tmp_path / "scores.parquet"
    scores.write_bytes(b"scores" * 1000)
    with store.begin_run(entry) as tracked:
        tracked.add_artifact(scores, "scores/la", is_final=True)
        tracked.add_artifact(scores, "scores/la", is_final=True)
        tracked.add_artifact(scores, "copied")
        folder = local_folder(store.client.get_run(tracked.run_id).info.artifact_uri)
        linked, copied = folder / "scores" / "la" / scores.name, folder / "copied" / scores.name
        assert linked.samefile(scores)
        assert not copied.samefile(scores)
        atomic_files.write_bytes(scores, b"later")
        assert linked.read_bytes() == copied.read_bytes() == b"scores" * 1000

        def refuse(*_paths):
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", refuse)
        tracked.add_artifact(scores, "scores/la", is_final=True)
        assert linked.read_bytes() == b"later"
        assert not linked.samefile(scores)
        assert sorted(path.name for path in linked.parent.iterdir()) == [scores.name]
        tracked.finish_run({})
