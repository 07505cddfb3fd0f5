"""`bench list`: what there is."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Sequence
from typing import Any

import click

from bench._io.printable import format_count
from bench.cards import checked_cards, public_cards, sweep_cards, table_cards
from bench.cards import corpus_cards as corpora
from bench.cli import checked_tables, json_output
from bench.cli.sweep import describe_sweep
from bench.cli.text_width import wrap_prose
from bench.errors import BenchError
from bench.reports.text_columns import align_columns
from bench.specs.table import Table


@click.command("list")
@json_output.json_flag
def list_(as_json: bool) -> None:
    """List tables, systems and their parts, front-ends, corpora, public score files and sweeps."""
    content = list_everything()
    if as_json:
        named = {re.sub(r"\W", "_", kind): entry for kind, entry in content.items()}
        json_output.print_json("list", named)
        return
    for heading, entries in content.items():
        click.echo(f"\n{heading}")
        names = align_columns([(entry["name"], "|") for entry in entries])
        for name, entry in zip(names, entries, strict=True):
            before = f"  {name.removesuffix('|')}"
            click.echo(wrap_prose(before + " ".join(entry["about"].split("\n")), " " * len(before)))
        if not entries:
            click.echo("  none yet")


def list_everything() -> dict[str, list[dict[str, Any]]]:
    """Return everything there is, by kind of thing."""
    return {
        "tables": _list_entries(table_cards.table_keys(), _describe_table),
        "tables without training": _list_entries(
            checked_cards.checked_table_keys(), checked_tables.describe_checked_table
        ),
        "systems": [
            {"name": kind, "about": about} for kind, about in _list_kinds("systems", "System")
        ],
        "front-ends": [
            {"name": kind, "about": about} for kind, about in _list_kinds("frontends", "FrontEnd")
        ],
        "layers": [
            {"name": kind, "about": about} for kind, about in _list_kinds("layers", "Layers")
        ],
        "heads": [{"name": kind, "about": about} for kind, about in _list_kinds("heads", "Head")],
        "corpora": _list_entries(corpora.list_corpora(), _describe_corpus),
        "public scores": _list_entries(public_cards.public_keys(), _describe_public),
        "sweeps": _list_entries(sweep_cards.sweep_names(), describe_sweep),
    }


def _list_entries(
    keys: Sequence[str], describe: Callable[[str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the entry of each key; for a card that cannot be read, what is wrong with it."""
    entries: list[dict[str, Any]] = []
    for key in keys:
        try:
            entries.append(describe(key))
        except BenchError as error:
            entries.append({"name": key, "about": f"faulty: {error}"})
    return entries


def _describe_table(key: str) -> dict[str, Any]:
    table = table_cards.read_table(key)
    return {
        "name": table.key,
        "rows": table_cards.runnable_rows(table),
        "published_only": [name for name, row in table.rows.items() if row.published_only],
        "about": f"{table.caption or table.title} {_count_rows(table)}",
    }


def _describe_corpus(key: str) -> dict[str, Any]:
    card = corpora.read_corpus_card(key)
    return {"name": card.key, "short": card.short, "about": f"{card.short}: {card.name}"}


def _describe_public(key: str) -> dict[str, Any]:
    card = public_cards.read_public_card(key)
    count = format_count(len(card.files), "file")
    return {"name": card.key, "files": [*card.files], "about": f"{card.title} [{count}]"}


def _count_rows(table: Table) -> str:
    runnable = len(table_cards.runnable_rows(table))
    published = len(table.rows) - runnable
    published_rows = f", {published} published only" if published else ""
    return f"[{format_count(runnable, 'row')} to run{published_rows}]"


def _list_kinds(module: str, union: str) -> list[tuple[str, str]]:
    """Return the kinds of a union of specifications with the first sentence of each docstring."""
    from importlib import import_module

    specs = getattr(import_module(f"bench.specs.{module}"), union)
    return [
        (
            typing.get_args(member.model_fields["kind"].annotation)[0],
            _first_sentence(member.__doc__),
        )
        for member in specs.list_members()
    ]


def _first_sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").split("\n\n")[0].split())
