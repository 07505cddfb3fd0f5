"""Warnings of Python and of libraries, each as one line and once."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class WarningLines:
    """Says each warning once, however often it comes; what was said before is kept."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._process = os.getpid()
        self._seen: set[str] = set()
        self._filters: dict[logging.Handler, logging.Filter] = {}

    def say_once(self, text: str) -> None:
        """Say a warning as one line, unless it was said."""
        line = " ".join(text.split())
        if line not in self._seen:
            self._seen.add(line)
            self._say(f"warning: {line}")

    def take_over_loggers(self) -> None:
        """Take over what libraries that are imported by now log to standard error."""
        every = (logging.root, *logging.root.manager.loggerDict.values())
        loggers = [logger for logger in every if isinstance(logger, logging.Logger)]
        for handler in (handler for logger in loggers for handler in logger.handlers):
            if _writes_to_terminal(handler) and handler not in self._filters:
                self._filters[handler] = taken = _LogFilter(self, self._process)
                handler.addFilter(taken)

    def release_loggers(self) -> None:
        """Leave to the libraries what they log."""
        for handler, taken in self._filters.items():
            handler.removeFilter(taken)
        self._filters.clear()


class _LogFilter(logging.Filter):
    """Prints a record instead of its handler; in processes of a data loader the handler does it."""

    def __init__(self, lines: WarningLines, process: int) -> None:
        super().__init__()
        self._lines, self._process = lines, process

    def filter(self, record: logging.LogRecord) -> bool:
        if os.getpid() != self._process or record.levelno < logging.WARNING:
            return True
        self._lines.say_once(f"{record.name}: {record.getMessage()}")
        return False


def _writes_to_terminal(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and not isinstance(
        handler, logging.FileHandler
    )


@contextmanager
def warning_lines(say: Callable[[str], None]) -> Generator[WarningLines]:
    """Have `say` told every warning once, as a line, while the block runs."""
    lines, process = WarningLines(say), os.getpid()
    with warnings.catch_warnings():
        before = warnings.showwarning

        def show_warning(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: Any = None,
            line: str | None = None,
        ) -> None:
            if os.getpid() != process or file is not None:
                before(message, category, filename, lineno, file, line)
                return
            name = "" if category is UserWarning else f"{category.__name__}: "
            lines.say_once(f"{name}{message} ({Path(filename).name}, line {lineno})")

        warnings.showwarning = show_warning
        lines.take_over_loggers()
        try:
            yield lines
        finally:
            lines.release_loggers()
