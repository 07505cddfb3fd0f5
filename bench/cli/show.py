"""`bench show`: a table's results beside the paper's, and what a row is exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from bench.cards import table_cards
from bench.cards.paper_cards import rows_by_difference, sort_differences
from bench.cards.sweep_cards import PREFIX
from bench.cli import (
    checked_tables,
    completion,
    configuration,
    json_output,
    options,
    public_scores,
)
from bench.cli.sweep import show_sweep
from bench.cli.text_width import wrap_prose
from bench.config import Config, Form
from bench.smoke import SMOKE_FORM
from bench.specs.table import Difference, Paper, Table


@click.command()
@click.argument("table", shell_complete=completion.table_or_sweep_names)
@options.rows
@click.option("--settings", "all_settings", is_flag=True, help="Print every setting of each row.")
@click.option(
    "--changed-settings",
    is_flag=True,
    help="Print only the settings in which each row differs from the row it is derived from.",
)
@click.option(
    "--paper-differences",
    is_flag=True,
    help="Print where the paper, its released code and this suite differ.",
)
@click.option(
    "--other-settings",
    is_flag=True,
    help="Also print runs with changed settings (--set), and which settings were changed.",
)
@options.variant
@options.smoke
@json_output.json_flag
def show(
    table: str,
    rows: str | None,
    all_settings: bool,
    changed_settings: bool,
    paper_differences: bool,
    other_settings: bool,
    variant: str | None,
    smoke: bool,
    as_json: bool,
) -> None:
    """Show a table: its rows, the paper's results and ours, and how far each row is.

    The command also says what this machine lacks. For a sweep (`sweep/NAME`) and for
    public score files (`public/NAME`), it shows the card.
    """
    if table.startswith(PREFIX):
        show_sweep(table, options.choose_form(smoke), as_json=as_json)
        return
    if public_scores.is_public_card(table):
        given = {"--settings": all_settings, "--changed-settings": changed_settings}
        given |= {"--paper-differences": paper_differences, "--other-settings": other_settings}
        given |= {"--variant": variant, "--smoke": smoke}
        public_scores.require_no_options(table, given)
        public_scores.show_public_scores(table, rows)
        return
    if checked_tables.is_checked_table(table):
        checked_tables.print_checked_table(table)
        return
    card, form = table_cards.read_table(table), options.choose_form(smoke)
    paper = table_cards.read_paper_of(card)
    card, chosen = options.apply_variant(card, table_cards.select_rows(card, rows), variant)
    here = configuration.load_configuration()
    configuration.announce_waiting(here)
    concerning = _list_differences(paper, card, chosen)
    if as_json:
        _print_json(card, chosen, form, here, concerning, others=other_settings)
        return
    click.echo(wrap_prose(": ".join(filter(None, (card.title, card.caption)))))
    click.echo(wrap_prose(", ".join(filter(None, (paper.authors, paper.title, paper.venue)))))
    if smoke:
        click.echo(SMOKE_FORM)
    if variant is not None:
        click.echo(f"variant {variant}: {paper.variants[variant].says}")
    if all_settings or changed_settings:
        for row in describe_rows(card, chosen, form, here):
            _print_row(row, with_settings=all_settings)
    if paper_differences:
        _print_differences(concerning)
    if all_settings or changed_settings or paper_differences:
        return
    only = None if rows is None and variant is None else chosen
    print_results(card, form, here, only, others=other_settings)
    _print_hints(card, chosen, form, here, len(concerning))


def print_results(
    card: Table, form: Form, here: Config, rows: Sequence[str] | None, *, others: bool
) -> None:
    """Print the table, or some of its rows, beside the paper's, and say which runs are not shown.

    With `others`, also print runs with other settings.
    """
    from bench.cli.results import Results
    from bench.tracking import open_store

    if unknown := open_store.explain_unread(here):
        click.echo(f"what was run is not known: {unknown}", err=True)
    results = Results(card, form, here)
    lines = results.build_lines(rows, others=others)
    click.echo(f"\n{results.format_table(lines)}")
    if left_out := "" if others else results.not_shown(rows):
        click.echo(wrap_prose(f"not shown: {left_out} (bench show {card.key} --other-settings)"))


def _print_hints(card: Table, rows: Sequence[str], form: Form, here: Config, points: int) -> None:
    from bench.runner.requirements import missing_requirements

    runs = (table_cards.resolve_row(card, row, form) for row in rows)
    missing = dict.fromkeys(text for run in runs for text in missing_requirements(run, here))
    if missing:
        short = dict.fromkeys(
            re.sub(" (is|are) not configured$", "", text.partition(":")[0]) for text in missing
        )
        text = f"missing here: {'; '.join(short)} (bench doctor {card.key} says what to do)"
        click.echo(wrap_prose(text))
    differ = f", --paper-differences (paper, released code, this suite: {points})" if points else ""
    click.echo(wrap_prose(f"more: --settings, --changed-settings (against the parent row){differ}"))


def _print_json(
    card: Table,
    rows: Sequence[str],
    form: Form,
    here: Config,
    concerning: Sequence[Difference],
    *,
    others: bool,
) -> None:
    from bench.cli.results import Results

    content: dict[str, Any] = {
        "table": card.key,
        "title": card.title,
        "form": form,
        "rows": describe_rows(card, rows, form, here),
        "differences": [point.model_dump(mode="json", by_alias=True) for point in concerning],
    }
    if others:
        content["other_runs"] = Results(card, form, here).build_other_records(rows)
    json_output.print_json("show", content)


def _list_differences(paper: Paper, card: Table, rows: Sequence[str]) -> list[Difference]:
    """Return the points of the paper's list that concern any of the rows, by effect."""
    touched = rows_by_difference(
        paper, card.key, {row: table_cards.resolve_row(card, row) for row in rows}
    )
    return sort_differences([point for point in paper.differences if point.item in touched])


def describe_rows(
    card: Table, rows: Iterable[str], form: Form, here: Config
) -> list[dict[str, Any]]:
    """Return what `bench show --json` says of each row."""
    from bench.cli.results import Results
    from bench.runner.requirements import missing_requirements

    results = Results(card, form, here)
    described: list[dict[str, Any]] = []
    for name in rows:
        row, run = card.rows[name], table_cards.resolve_row(card, name, form)
        described.append(
            {
                "table": card.key,
                "row": name,
                "cells": list(row.cells),
                "from": row.parent,
                "says": table_cards.row_changes(card, name),
                "signature": run.signature,
                "training_signature": run.training_signature,
                "seeds": list(row.seeds or card.seeds),
                "state": results.describe_state(name),
                "paper": row.paper,
                "digest": row.digest,
                "results": results.build_records(name),
                "missing": missing_requirements(run, here),
                "settings": run.flat_settings(),
            }
        )
    return described


def _format_results(paper: Mapping[str, float], digest: Mapping[str, float]) -> str:
    """Return a row's published results, those that only a digest of the paper has so marked."""
    shown = [f"{name} {value:g}" for name, value in paper.items()]
    return ", ".join(
        [*shown, *(f"{name} {value:g} (second-hand)" for name, value in digest.items())]
    )


def _print_row(row: dict[str, Any], *, with_settings: bool) -> None:
    seeds = ", ".join(str(seed) for seed in row["seeds"])
    named = [cell for cell in row["cells"] if cell != row["row"]]
    click.echo(f"\n{row['row']}: {' · '.join(named)}" if named else f"\n{row['row']}")
    click.echo(
        f"  signature {row['signature']} (training {row['training_signature']}), seeds {seeds}"
    )
    click.echo(f"  state: {row['state']}")
    click.echo(f"  paper: {_format_results(row['paper'], row['digest']) or 'no result is known'}")
    changes = options.format_settings(row["says"]) or "–"
    click.echo(f"  differs from {row['from'] or 'base'}: {changes}")
    for key, value in row["settings"].items() if with_settings else ():
        click.echo(f"    {key} = {value}")
    for text in row["missing"]:
        click.echo(f"  missing: {text}")


def _print_differences(points: Sequence[Difference]) -> None:
    click.echo("\nPaper, released code, this suite")
    for item in points:
        click.echo(f"  {item.item} (effect: {item.effect})")
        click.echo(f"    paper:    {item.paper}")
        click.echo(f"    released: {item.released}")
        click.echo(f"    ours:     {item.ours}")
        if item.setting:
            click.echo(f"    as released by {options.format_set_options(item.setting)}")
        if item.others:
            others = "; ".join(options.format_set_options(other) for other in item.others)
            click.echo(f"    other settings: {others}")
        if item.consequence:
            click.echo(f"    so: {item.consequence}")
