"""`bench ui`: the tracking store in MLflow's own pages."""

from __future__ import annotations

import click

from bench import config


@click.command()
@click.option("--port", default=5000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Open the tracking store in MLflow's own pages, on 127.0.0.1 only.

    Says where each table is shown as in the paper; of a store on a server, says no more.
    """
    from bench.tracking import server
    from bench.tracking.client import is_local
    from bench.tracking.store import Store

    here = config.load()
    uri = here.tracking_uri
    address = f"http://{server.HOST}:{port}" if is_local(uri) else uri.rstrip("/")
    for table, page in Store(here).pages().items():
        click.echo(f"{table}: {address}{page}")
    if not is_local(uri):
        click.echo(f"served already: {address}")
        return
    click.echo(f"{address}  ({uri}); Ctrl-C ends it")
    server.ui(here, port)
