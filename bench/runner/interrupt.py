"""Ctrl-C while a row runs."""

from __future__ import annotations

import signal


class Interrupt:
    """Ctrl-C while a row runs: it ends in KeyboardInterrupt, whatever a library makes of it.

    torch's file writer, for one, raises RuntimeError in its clean-up when a save is interrupted,
    and the row would then stand as failed where it was stopped; and Python drops an interrupt that
    comes while an object is collected, which `check` finds.
    """

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise KeyboardInterrupt where one was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        if self.asked and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _ask(self, *_: object) -> None:
        self.asked = True
        self.check()
