"""`bench run`: train, evaluate and track the rows of a table."""

from __future__ import annotations

import click

from bench import cards, packages
from bench.cli import checked, configuration, options
from bench.config import Config
from bench.launchers.order import Order


@click.command()
@click.argument("table")
@options.rows
@click.option("--seeds", type=click.IntRange(min=1), help="How many seeds; the card's by default.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, e.g. training.epochs=3; such a run never stands in the paper's row.",
)
@options.variant
@options.smoke
@click.option(
    "--again",
    is_flag=True,
    help="Run finished rows anew; their earlier runs are kept, and so is the training that they "
    "start from.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be run and what is lacking.")
@click.pass_context
def run(
    context: click.Context,
    table: str,
    rows: str | None,
    seeds: int | None,
    overrides: tuple[str, ...],
    variant: str | None,
    smoke: bool,
    again: bool,
    dry_run: bool,
) -> None:
    """Train and evaluate a table's rows; finished ones are kept, a begun one goes on.

    A failed row does not stop the others; the command then exits with 1 and names it.
    """
    if checked.known(table):
        given = {"--rows": rows, "--seeds": seeds, "--set": overrides, "--variant": variant}
        checked.run(table, refused=options.given({**given, "--smoke": smoke, "--again": again}))
        return
    card, here, form = cards.table(table), configuration.to_write(), options.form(smoke)
    card, chosen = options.varied(card, cards.select(card, rows), variant)
    order = Order(card, chosen, seeds, form, overrides)
    order.runs()  # every mistake in what was asked for, before anything is begun
    if dry_run:
        _dry_run(order, here)
        return
    packages.require("torch", "lightning", "mlflow")
    order.require(here)
    # These import torch and MLflow, which takes seconds: only now.
    from bench.cli.display import Display
    from bench.launchers import local
    from bench.tracking.store import Store

    failed: list[str] = []
    with Display(f"{card.key}{' SMOKE' if smoke else ''}", order.count()) as display:
        store = Store(here, display.say)
        for outcome in local.run(order, here, store, display, again):
            display.end(outcome.job, outcome.state, outcome.message)
            if outcome.state == "failed":
                failed.append(outcome.job)
    if waiting := store.waiting():
        click.echo(f"{len(waiting)} runs wait to be sent to {store.uri}: bench sync")
    command = f"bench report {table}" + (" --smoke" if smoke else "")
    click.echo(
        f"{len(failed)} failed; `{command}` writes the table" if failed else f"next: {command}"
    )
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        context.exit(1)


def _dry_run(order: Order, here: Config) -> None:
    from bench.launchers.needs import lacking, lacking_device
    from bench.tracking.states import states

    state = states(here, order.table.key, order.form)
    lines: list[tuple[str, str, str, str]] = []
    missing = dict.fromkeys(lacking_device(here))
    for row, resolved in order.runs().items():
        text = ", ".join(str(seed) for seed in order.row_seeds(row))
        lines.append((row, resolved.signature, text, state.get(resolved.signature, "not run")))
        missing |= dict.fromkeys(lacking(resolved, here))
    options.print_table(("row", "signature", "seeds", "state"), lines)
    for text in missing:
        click.echo(f"lacking: {text}")
