"""JSON of verbs that do something: what they say meanwhile goes to standard error, so that
standard output holds one JSON object alone; and JSON of errors.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import click

from bench.cli import options

_KEY = __name__


def json_option(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds `--json` to a verb: with it, standard output holds what the verb
    gave to `add`, as JSON of that kind, whether the verb ends well or exits with another code.
    """

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def called(*args: Any, as_json: bool, **named: Any) -> None:
            if not as_json:
                verb(*args, **named)
                return
            content: dict[str, Any] = click.get_current_context().meta.setdefault(_KEY, {})
            try:
                with redirect_stdout(sys.stderr):
                    verb(*args, **named)
            except click.exceptions.Exit:
                if content:
                    options.print_json(kind, content)
                raise
            options.print_json(kind, content)

        return options.as_json(called)

    return decorate


def add(content: Mapping[str, Any]) -> None:
    """Keep what a verb found for its JSON; of a list under a key that is there, the items."""
    kept: dict[str, Any] = click.get_current_context().meta.setdefault(_KEY, {})
    for key, value in content.items():
        kept[key] = kept[key] + value if isinstance(kept.get(key), list) else value


def print_error(message: str, code: int) -> None:
    """Print an error as JSON on standard output, where the command was given `--json`."""
    if "--json" in sys.argv[1:]:
        options.print_json("error", {"error": {"message": message, "exit_code": code}})
