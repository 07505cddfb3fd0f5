"""How a row ended, and what is said of an error of a row."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from bench._io import atomic_files, machine
from bench.errors import BenchError, plain_message


class JobOutcome(NamedTuple):
    """How a job ended."""

    job: str
    state: Literal["finished", "already finished", "incomplete", "busy", "failed", "scored"]
    """Busy: another process runs it, and the message says which. Incomplete: it is finished, but
    not all of its figures could be computed or drawn. Scored: its figures are still computed, and
    its end comes later."""
    message: str = ""
    code: str = ""
    """Of what failed, or of who is busy, as in `bench.error_codes`; "" where it finished."""
    kept_dev: Mapping[str, float] = MappingProxyType({})
    """What the kept weights reach on dev, fractions; empty where it did not finish."""
    by_disk: bool = False
    """Whether it failed for the disk (full, read-only), so through no fault of its own."""


def explain_failure(error: Exception, folder: Path) -> tuple[str, str]:
    """Return the code and the message of an error of a row.

    The traceback of a fault of ours is kept in the row's `folder`.
    """
    if isinstance(error, BenchError):
        return error.code, plain_message(error)
    if (explanation := machine.explain_error(error)) is not None:
        return explanation.code, explanation.message
    log = folder / "error.txt"
    message = f"{type(error).__name__}: {plain_message(error)}"
    with suppress(OSError):  # the error is reported in any case
        atomic_files.write_text(log, "".join(traceback.format_exception(error)))
        message += f" (whole traceback: {log})"
    return "row.failed", message
