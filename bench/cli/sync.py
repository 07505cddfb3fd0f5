"""`bench sync`: send on what was recorded while the tracking server was away."""

from __future__ import annotations

import click

from bench.cli import configuration, json_output
from bench.cli.console import announce_resumption


@click.command()
@click.option(
    "--from-other-stores",
    is_flag=True,
    help="Also send runs that were recorded for another store than the configured one.",
)
@json_output.json_option("sync")
@click.pass_context
def sync(context: click.Context, from_other_stores: bool) -> None:
    """Send runs that were recorded while the tracking server did not answer.

    Sending a run twice changes nothing. If the command is stopped, give it again to continue. A
    run in progress is sent when it has ended. A run counts as sent when all its files are at the
    server. If a run could not be sent, or was recorded for another server, the command says so and
    exits with 1.
    """
    from bench.tracking.store import Store

    store = Store(configuration.to_write())
    with announce_resumption("with the runs not yet sent"):
        sent = store.send_waiting(elsewhere=from_other_stores)
    json_output.add_content({"store": store.uri, "runs": [one._asdict() for one in sent]})
    for run, state, _ in sent:
        click.echo(f"{run}: {state}")
    if not sent:
        click.echo(f"nothing waits to be sent to {store.uri}")
    if not all(one.is_whole for one in sent):
        context.exit(1)
