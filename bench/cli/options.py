"""Options and output that several verbs share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from bench.config import Form

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
smoke = click.option(
    "--smoke", is_flag=True, help="The smoke form: tiny, on the miniature corpora; never a result."
)
rows = click.option("--rows", metavar="S0,S5-S8", help="Some rows only; a dash is a range.")


def form(smoke: bool) -> Form:
    """Return the form that `--smoke` asks for."""
    return "smoke" if smoke else "paper"


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Print columns, each as wide as its widest cell."""
    cells = [[str(cell) for cell in line] for line in (header, *lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    for number, line in enumerate(cells):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(text.rstrip())
        if number == 0:
            click.echo("  ".join("-" * width for width in widths))


def settings(tree: Mapping[str, Any]) -> str:
    """Return `key = value, ...`."""
    return ", ".join(f"{key} = {value}" for key, value in tree.items())
