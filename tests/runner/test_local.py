"""Ctrl-C while a row runs: it ends as an interrupt, whatever a library makes of it on the way."""

from __future__ import annotations

import io
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import RowFailed
from bench.runner.interrupt import Interrupt
from bench.training import checkpoints


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
        checkpoints.save(state, tmp_path / "last.pt")
    with pytest.raises(KeyboardInterrupt), Interrupt():
        checkpoints.save(state, tmp_path / "last.pt")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_lost_interrupt_is_found_at_the_next_step():
    # As Python does where an object is being collected.
    with Interrupt() as interrupt, suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupt.check()


def test_a_failure_without_ctrl_c_stays_a_failure():
    with pytest.raises(RowFailed, match="no space"), Interrupt():
        raise RowFailed("no space")
