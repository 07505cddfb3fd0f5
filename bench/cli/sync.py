"""`bench sync`: send on what was recorded while the tracking server was away."""

from __future__ import annotations

import click

from bench import config


@click.command()
def sync() -> None:
    """Send runs that were recorded while the tracking server was away.

    Sending twice changes nothing, and one that is stopped in the middle goes on. A run that a
    living process still records stays until it is over.
    """
    from bench.tracking.store import Store

    store = Store(config.load())
    sent = store.synchronise()
    for run, state in sent:
        click.echo(f"{run}: {state}")
    if not sent:
        click.echo(f"nothing waits to be sent to {store.uri}")
