"""Ctrl-C waits for the end of a transaction, and ends a row as an interrupt, not as a failure."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from bench._io import interrupts
from bench._io.interrupts import InterruptGuard, defer_sigint
from bench.errors import RowFailed
from bench.training import checkpoints
from tests.errors import raises_code


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Have signals do after a test what they did before."""
    before = {number: signal.getsignal(number) for number in interrupts.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_comes_when_the_block_is_over():
    done: list[str] = []

    def interrupted():
        with defer_sigint():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_not_lost_where_the_block_fails():
    def failing():
        with defer_sigint():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError

    with pytest.raises(KeyboardInterrupt):
        failing()


def test_other_threads_are_left_alone():
    def work():
        with defer_sigint():
            done.append("here")

    done: list[str] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["here"]


class PressesCtrlC(io.BytesIO):
    """A file during whose third write somebody presses Ctrl-C."""

    writes = 0

    def write(self, data: Any) -> int:
        self.writes += 1
        if self.writes == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(data)


def interrupted_save(state: Any, file: Any) -> None:
    torch_save(state, PressesCtrlC())


torch_save = torch.save


def test_ctrl_c_within_a_save_is_an_interrupt_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch, "save", interrupted_save)
    state = {"weights": torch.zeros(100_000)}
    # This is what needs translating: torch answers an interrupt in its writer with RuntimeError.
    with pytest.raises(RowFailed, match="could not be written"):
        checkpoints.save_checkpoint(state, tmp_path / "last.pt")
    with pytest.raises(KeyboardInterrupt), InterruptGuard():
        checkpoints.save_checkpoint(state, tmp_path / "last.pt")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_lost_interrupt_is_found_at_the_next_step():
    # As Python does where an object is being collected.
    with InterruptGuard() as interrupt, suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupt.raise_if_asked()


def test_what_dies_of_a_signal_that_asks_for_a_stop_is_no_failure():
    with interrupts.note_stop_signals(), raises_code("run.stopped"), InterruptGuard():
        interrupts.ask_stop()
        raise RuntimeError("a process of ours ended")
    with interrupts.note_stop_signals(), raises_code("machine.disk-full"), InterruptGuard():
        interrupts.ask_stop()
        raise RowFailed("machine.disk-full", "no space")


def test_a_failure_without_ctrl_c_stays_a_failure():
    with raises_code("machine.disk-full"), InterruptGuard():
        raise RowFailed("machine.disk-full", "no space")
