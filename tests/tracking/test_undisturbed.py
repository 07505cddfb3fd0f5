"""Ctrl-C in the middle of a transaction waits for its end."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from bench.tracking.undisturbed import undisturbed


def test_an_interrupt_comes_when_the_block_is_over():
    done: list[str] = []

    def interrupted():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_not_lost_where_the_block_fails():
    def failing():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError

    with pytest.raises(KeyboardInterrupt):
        failing()


def test_other_threads_are_left_alone():
    def work():
        with undisturbed():
            done.append("here")

    done: list[str] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["here"]


def test_a_run_that_is_interrupted_in_a_transaction_is_closed_as_killed(store, entry, monkeypatch):
    tracked = store.begin(entry)
    real, calls = store.client.log_batch, iter([True])

    def log_batch(*given, **more):
        if next(calls, False):
            os.kill(os.getpid(), signal.SIGINT)
        real(*given, **more)

    monkeypatch.setattr(store.client, "log_batch", log_batch)
    with pytest.raises(KeyboardInterrupt), tracked:
        tracked.log({"train.loss": 1.0}, 1)
    run = store.client.get_run(tracked.run_id)
    assert run.info.status == "KILLED"
    assert run.data.metrics["train.loss"] == 1.0, "what was begun was done"
