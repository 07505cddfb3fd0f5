"""`bench ui`: the tracking store in MLflow's own pages."""

from __future__ import annotations

import click

from bench.cli import configuration


@click.command()
@click.option("--port", default=5000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Open the tracking store in MLflow's own pages, on 127.0.0.1 only.

    Says where each table is shown as in the paper; of a store on a server, says no more.
    """
    from bench.tracking import address, server
    from bench.tracking.store import Store

    here = configuration.load()
    at = address.configured(here)
    served = f"http://{server.HOST}:{port}" if at.file else at.shown
    for table, page in Store(here).pages().items():
        click.echo(f"{table}: {served}{page}")
    if at.file is None:
        click.echo(f"served already: {served}")
        return
    click.echo(f"{served}  ({at.shown}); Ctrl-C ends it")
    server.ui(here, port)
