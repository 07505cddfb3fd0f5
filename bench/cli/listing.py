"""`bench list` and `bench show`: what there is, and what a row is exactly."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from bench import cards, checked_cards, sweep_cards
from bench.cli import checked, configuration, options
from bench.cli.sweep import entry as sweep_entry
from bench.cli.sweep import show as show_sweep
from bench.config import Config, Form
from bench.corpora import cards as corpora
from bench.errors import BenchError
from bench.paper_cards import ordered, touches
from bench.specs.table import Difference, Paper, Table
from bench.sweep_cards import PREFIX


@click.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List tables, systems, front-ends, corpora and sweeps."""
    content = catalogue()
    if as_json:
        options.print_json("list", content)
        return
    for heading, entries in content.items():
        click.echo(f"\n{heading}")
        lines = options.columns([(of["name"], " ".join(of["about"].split("\n"))) for of in entries])
        click.echo("\n".join(f"  {line}" for line in lines or ["none yet"]))


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Return everything there is, by kind of thing."""
    return {
        "tables": _entries(cards.table_keys(), _of_table),
        "tables without training": _entries(checked_cards.names(), checked.entry),
        "systems": [{"name": kind, "about": about} for kind, about in _kinds("systems", "System")],
        "front-ends": [
            {"name": kind, "about": about} for kind, about in _kinds("frontends", "FrontEnd")
        ],
        "corpora": _entries(corpora.names(), _of_corpus),
        "sweeps": _entries(sweep_cards.names(), sweep_entry),
    }


def _entries(keys: Sequence[str], entry: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entry of each key; of a card that cannot be read its faults."""
    found: list[dict[str, Any]] = []
    for key in keys:
        try:
            found.append(entry(key))
        except BenchError as error:
            found.append({"name": key, "about": f"faulty: {error}"})
    return found


def _of_table(key: str) -> dict[str, Any]:
    table = cards.table(key)
    return {
        "name": table.key,
        "rows": cards.runnable(table),
        "published_only": [name for name, row in table.rows.items() if row.published_only],
        "about": f"{table.caption} {_counts(table)}",
    }


def _of_corpus(key: str) -> dict[str, Any]:
    card = corpora.card(key)
    return {"name": card.key, "short": card.short, "about": f"{card.short}: {card.name}"}


def _counts(table: Table) -> str:
    runnable = len(cards.runnable(table))
    published = len(table.rows) - runnable
    rows = "row" if runnable == 1 else "rows"
    return f"[{runnable} {rows} to run" + (f", {published} published only]" if published else "]")


def _kinds(module: str, union: str) -> list[tuple[str, str]]:
    """Return the kinds of a union of specifications with the first sentence of each docstring."""
    from importlib import import_module

    specs = getattr(import_module(f"bench.specs.{module}"), union)
    # A union is written Annotated[A | B, ...]; a single specification stands alone.
    members = typing.get_args(typing.get_args(specs)[0]) if typing.get_args(specs) else (specs,)
    return [
        (typing.get_args(member.model_fields["kind"].annotation)[0], _first(member.__doc__))
        for member in members
    ]


def _first(docstring: str | None) -> str:
    return " ".join((docstring or "").split("\n\n")[0].split())


@click.command()
@click.argument("table")
@options.rows
@click.option("--diff", is_flag=True, help="Only what each row says against its parent.")
@options.variant
@options.smoke
@options.as_json
def show(
    table: str, rows: str | None, diff: bool, variant: str | None, smoke: bool, as_json: bool
) -> None:
    """Show a table's rows: settings, signature, state, the paper's figures, what is lacking
    here; and where paper, released code and this suite differ about them. Of a sweep (`sweep/NAME`)
    its card."""
    if table.startswith(PREFIX):
        show_sweep(table, options.form(smoke), as_json)
        return
    if checked.known(table):
        checked.run(table, as_json=as_json)
        return
    card, form = cards.table(table), options.form(smoke)
    paper = cards.paper(card.key.partition("/")[0])
    card, chosen = options.varied(card, cards.select(card, rows), variant)
    described = describe(card, chosen, form, configuration.load())
    differences = _differences(paper, card, chosen)
    if as_json:
        options.print_json(
            "table",
            {
                "table": card.key,
                "title": card.title,
                "form": form,
                "rows": described,
                "differences": [
                    item.model_dump(mode="json", by_alias=True) for item in differences
                ],
            },
        )
        return
    click.echo(f"{card.title}: {card.caption}\n{paper.authors}, {paper.title}, {paper.venue}")
    if smoke:
        click.echo("SMOKE form: tiny, on the miniature corpora; never a result")
    if variant is not None:
        click.echo(f"variant {variant}: {paper.variants[variant].says}")
    for row in described:
        _print_row(row, diff)
    published = [row for row in card.rows.values() if row.published_only]
    for row in published if rows is None and variant is None else []:
        figures = _figures(row.paper, row.digest)
        click.echo(f"\n{' '.join(row.cells)} (published only): {figures}\n  source: {row.source}")
    if not diff and variant is None:
        _print_differences(differences)


def _differences(paper: Paper, card: Table, rows: list[str]) -> list[Difference]:
    """Return the points of the paper's list that concern any of the rows, by effect."""
    touched = touches(paper, card.key, {row: cards.resolve(card, row) for row in rows})
    return ordered([of for of in paper.differences if of.item in touched])


def describe(card: Table, rows: list[str], form: Form, here: Config) -> list[dict[str, Any]]:
    """Return what `bench show` says of each row."""
    from bench.launchers.needs import lacking
    from bench.tracking.opened import state_of_unseen
    from bench.tracking.states import states

    state, unseen = states(here, card.key, form), state_of_unseen(here)
    found: list[dict[str, Any]] = []
    for name in rows:
        row, run = card.rows[name], cards.resolve(card, name, form)
        found.append(
            {
                "row": name,
                "cells": list(row.cells),
                "from": row.parent,
                "says": cards.difference(card, name),
                "signature": run.signature,
                "training_signature": run.training_signature,
                "seeds": list(row.seeds or card.seeds),
                "state": state.get(run.signature, unseen),
                "paper": row.paper,
                "digest": row.digest,
                "lacking": lacking(run, here),
                "settings": run.flat(),
            }
        )
    return found


def _figures(paper: Mapping[str, float], digest: Mapping[str, float]) -> str:
    """Return a row's published figures, those that only a digest of the paper has so marked."""
    shown = [f"{name} {value:g}" for name, value in paper.items()]
    return ", ".join([*shown, *(f"{name} {value:g} (digest)" for name, value in digest.items())])


def _print_row(row: dict[str, Any], diff: bool) -> None:
    seeds = ", ".join(str(seed) for seed in row["seeds"])
    click.echo(f"\n{' · '.join(row['cells'])}")
    click.echo(
        f"  signature {row['signature']} (training {row['training_signature']}), seeds {seeds}"
    )
    click.echo(f"  state: {row['state']}")
    click.echo(f"  paper: {_figures(row['paper'], row['digest']) or 'no figure is known'}")
    click.echo(f"  against {row['from'] or 'base'}: {options.settings(row['says']) or 'nothing'}")
    if not diff:
        for key, value in row["settings"].items():
            click.echo(f"    {key} = {value}")
    for text in row["lacking"]:
        click.echo(f"  lacking: {text}")


def _print_differences(found: Sequence[Difference]) -> None:
    click.echo("\nPaper, released code, this suite")
    for item in found:
        click.echo(f"  {item.item} (effect: {item.effect})")
        click.echo(f"    paper:    {item.paper}")
        click.echo(f"    released: {item.released}")
        click.echo(f"    ours:     {item.ours}")
        if item.setting:
            click.echo(f"    as released by {options.set_options(item.setting)}")
        if item.others:
            others = "; ".join(options.set_options(other) for other in item.others)
            click.echo(f"    other settings: {others}")
        if item.consequence:
            click.echo(f"    so: {item.consequence}")
