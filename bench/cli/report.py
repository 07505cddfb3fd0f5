"""`bench report` writes a table from the tracking store alone; `bench ui` opens the store."""

from __future__ import annotations

from pathlib import Path

import click

from bench import cards, config
from bench.cli import options
from bench.cli.sweep import report as sweep_report
from bench.sweep_cards import PREFIX


@click.command()
@click.argument("table")
@options.smoke
@click.option("--check", is_flag=True, help="Write nothing; fail when the report is stale.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to write; reports/published by default.",
)
@options.as_json
@click.pass_context
def report(
    context: click.Context, table: str, smoke: bool, check: bool, folder: Path | None, as_json: bool
) -> None:
    """Write a table's report: the paper's figures, ours, the difference, what was run and what
    not. Of a sweep (`sweep/NAME`) its best trial, all trials and figures."""
    place = folder or Path("reports", "smoke" if smoke else "published")
    if table.startswith(PREFIX):
        sweep_report(context, table, options.form(smoke), check, place, as_json)
        return
    from bench import reporting
    from bench.tracking.store import Store

    card, form = cards.table(table), options.form(smoke)
    paper = cards.paper(card.key.partition("/")[0])
    runs = {row: cards.resolve(card, row, form) for row in cards.runnable(card)}
    store = Store(config.load())
    frame, scored = store.frame(card.key, form), store.scored(card.key, form)
    keys = [key for key in cards.table_keys() if key.startswith(f"{paper.key}/")]
    others = [cards.table(key) for key in keys if key != card.key]
    made = reporting.report(card, paper, runs, frame, scored, form, others)
    if as_json:
        options.print_json(made.records)
        return
    if check:
        stale = reporting.stale(made, place)
        for path in stale:
            click.echo(f"stale: {path} (write it with `bench report {table}`)", err=True)
        if stale:
            context.exit(1)
        click.echo(f"up to date: {place}")
        return
    click.echo(f"report: {reporting.write(made, place)}")


@click.command()
@click.option("--port", default=5000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Open the tracking store in MLflow's own pages, on 127.0.0.1 only."""
    from bench.tracking import server

    here = config.load()
    click.echo(f"http://127.0.0.1:{port}  ({here.tracking_uri}); Ctrl-C ends it")
    server.ui(here, port)
