"""JSON output of every verb (`--json`).

Standard output then holds one JSON object only, and messages go to standard error.
bench/schema/output.schema.json describes each kind of object.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import click

from bench._io.json_objects import json_text
from bench.cli.console import prints_unicode

_KEY = __name__

Verb = Callable[..., None]


def json_flag(verb: Verb) -> Verb:
    """Add `--json` to a verb, which gets it as `as_json`.

    The verb gives its object to `print_json` or, part by part, to `add_content`. The object is
    printed when the verb has ended, also by an exit code; if the verb fails, `print_error` prints
    the error.
    """

    @functools.wraps(verb)
    def run_verb(*args: Any, as_json: bool, **named: Any) -> None:
        if not as_json:
            verb(*args, as_json=False, **named)
            return
        content: dict[str, Any] = {}
        click.get_current_context().meta[_KEY] = content
        try:
            with redirect_stdout(sys.stderr):
                verb(*args, as_json=True, **named)
        except click.exceptions.Exit:
            if content:
                _print_object(content)
            raise
        if content:
            _print_object(content)

    option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
    return option(run_verb)


def json_option(kind: str) -> Callable[[Verb], Verb]:
    """Return a decorator that adds `--json` to a verb that prints the same text with it as without.

    The text goes to standard error. The verb gives its results to `add_content`; its object is of
    this kind, unless it calls `print_json`, which names another.
    """

    def decorate_verb(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def run_verb(*args: Any, as_json: bool, **named: Any) -> None:
            if as_json:
                click.get_current_context().meta[_KEY]["kind"] = kind
            verb(*args, **named)

        return json_flag(run_verb)

    return decorate_verb


def is_wanted() -> bool:
    """Return whether the command was given `--json`."""
    return _KEY in click.get_current_context().meta


def print_json(kind: str, content: Mapping[str, Any]) -> None:
    """Have the verb print `content` as an object of a kind, e.g. `score`, when it has ended.

    Without `--json` this has no effect.
    """
    _current_content().update({"kind": kind, **content})


def add_content(content: Mapping[str, Any]) -> None:
    """Add results to the verb's JSON object, if any; a list is extended if its key exists."""
    current = _current_content()
    for key, value in content.items():
        current[key] = current[key] + value if isinstance(current.get(key), list) else value


def leave_to_another() -> None:
    """Have the verb print no object: another process of the same command prints it."""
    _current_content().clear()


def _current_content() -> dict[str, Any]:
    """Return what the command has of its object; without `--json` what nobody looks at."""
    context = click.get_current_context(silent=True)
    current: dict[str, Any] = context.meta.get(_KEY, {}) if context else {}
    return current


def print_error(code: str, message: str, exit_code: int) -> None:
    """Print an error as JSON on standard output if the command was given `--json`.

    `code` is one of `bench.error_codes`.
    """
    if "--json" in sys.argv[1:]:
        error = {"code": code, "message": message, "exit_code": exit_code}
        _print_object({"kind": "error", "error": error})


def _print_object(content: Mapping[str, Any]) -> None:
    click.echo(json_text(content, ascii_only=not prints_unicode()))
