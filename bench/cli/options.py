"""Options and output that several verbs share."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from bench._io.trees import format_toml_value, iterate_leaves
from bench.cards import paper_cards, table_cards
from bench.cli import completion
from bench.config import Form
from bench.errors import BenchError
from bench.reports.text_columns import align_columns
from bench.specs.precision import PRECISIONS
from bench.specs.table import Table

smoke = click.option(
    "--smoke",
    is_flag=True,
    help="Use the smoke form: tiny models on the miniature corpora; never a result.",
)
rows = click.option(
    "--rows",
    metavar="S0,S5-S8",
    shell_complete=completion.row_names,
    help="Only these rows; a dash is a range.",
)

trained_with = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Setting that the row was trained with, as in `bench run`.",
)

model = click.option(
    "--model",
    metavar="FILE",
    shell_complete=completion.model_files,
    help="A detector of your own: mine.py:load, where load(device) returns a function that takes "
    "waveforms (batch samples, 16 kHz, float32) and returns scores (batch, or batch frames with "
    "--resolution; higher is more bona fide); or a file of TorchScript (.pt) or ONNX (.onnx).",
)
clip = click.option(
    "--clip",
    "clip_s",
    type=float,
    metavar="SECONDS",
    help="Give --model the first seconds of each file, e.g. 4.0375, shorter files repeated "
    "(default: whole files).",
)

log = click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also append a line to FILE for each epoch, evaluation and row.",
)

variant = click.option(
    "--variant",
    metavar="NAME",
    shell_complete=completion.variant_names,
    help="Use a variant of the rows that the paper's card defines, e.g. released.",
)

precision = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="Train and score in this precision, of those that the rows admit (default: `precision` "
    "in bench.toml; else bf16-mixed on a GPU that has bfloat16, fp32 elsewhere).",
)


def choose_form(smoke: bool) -> Form:
    """Return the form that `--smoke` asks for."""
    return "smoke" if smoke else "paper"


def apply_variant(card: Table, rows: list[str], variant: str | None) -> tuple[Table, list[str]]:
    """Return the table and the rows in the variant that is asked for, if any.

    Rows that the variant does not change are named and left out; BenchError if no row is left.
    """
    if variant is None:
        return card, rows
    paper = table_cards.read_paper_of(card)
    card, variants = paper_cards.add_variant(card, paper, variant, rows)
    changed = [card.rows[row].parent for row in variants]
    same = ", ".join(row for row in rows if row not in changed)
    if not variants:
        reason = f"{card.key}: variant {variant!r} changes nothing of {same}"
        raise BenchError("option.no-effect", reason)
    if same:
        click.echo(f"variant {variant} changes nothing of {same}: left out", err=True)
    return card, [*variants]


def name_given_options(options: Mapping[str, object]) -> str:
    """Return the names of the options that were given a value, with commas between."""
    return ", ".join(name for name, value in options.items() if value)


def end_without_figures(notes: Sequence[str]) -> NoReturn:
    """Print on standard error why there is no metric, and exit with 1."""
    why = [note for note in notes if note.startswith("no metric")]
    click.echo(f"error: {'; '.join(why) or 'no metric'}", err=True)
    raise click.exceptions.Exit(1)


def print_table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    """Print columns below their header, each as wide as its widest cell."""
    columns = zip(header, *lines, strict=True)
    rule = ["-" * max(len(str(cell)) for cell in column) for column in columns]
    click.echo("\n".join(align_columns([header, rule, *lines])))


def format_settings(tree: Mapping[str, Any]) -> str:
    """Return `key = value, ...`."""
    return ", ".join(f"{key} = {value}" for key, value in tree.items())


def format_set_options(tree: Mapping[str, Any]) -> str:
    """Return settings as a command line has them.

    >>> format_set_options({"mix": {"partner": "self", "rounds": 2}})
    '--set mix.partner=self --set mix.rounds=2'
    """
    return " ".join(
        f"--set {shlex.quote('.'.join(key) + '=' + _format_value(value))}"
        for key, value in iterate_leaves(tree)
    )


def _format_value(value: Any) -> str:
    """Return a value as `--set` takes it: a word as it is, anything else as TOML."""
    bare = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w.-]*", value)
    return value if bare else format_toml_value(value)
