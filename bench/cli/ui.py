"""`bench ui`: the tracking store in MLflow's own pages."""

from __future__ import annotations

import click

from bench.cards import table_cards
from bench.cli import completion, configuration
from bench.errors import BenchError


@click.command()
@click.argument("table", required=False, shell_complete=completion.table_names)
@click.option("--port", default="5000", show_default=True, help="Port on 127.0.0.1.")
@click.pass_context
def ui(context: click.Context, table: str | None, port: str) -> None:
    """Serve the tracking store as MLflow's own web pages, on 127.0.0.1 only, until Ctrl-C.

    Prints the address of the page of each table (or of TABLE), laid out as in the paper. If the
    store is on a server, the command only prints its addresses.
    """
    key = None if table is None else table_cards.table_key(table)
    from bench.tracking import address, ui_server
    from bench.tracking.store import Store

    here = configuration.load_configuration()
    at = address.configured_address(here)
    if at.file is not None:
        ui_server.require_port(_parse_port(port))
    store = Store(here)
    if at.file is not None:
        ui_server.present_tables(store)
    pages = {name: page for name, page in store.page_addresses().items() if key in (None, name)}
    if key is not None and not pages:
        raise BenchError(
            "run.none",
            f"{key}: there is no run of this table in {store.uri}: `bench run {table}` makes one",
        )
    served = at.shown if at.file is None else f"http://{ui_server.HOST}:{port}"

    def say() -> None:
        for name, page in pages.items():
            click.echo(f"{name}: {served}{page}")
        if not pages:
            click.echo(f"{served}  (no table was run yet)")

    if at.file is None:
        say()
        click.echo(f"served already: {served}")
        return
    click.echo(f"starting MLflow's pages of {at.shown}; Ctrl-C ends them", err=True)
    if code := ui_server.serve_ui(here, int(port), say):
        click.echo(f"error: MLflow's server ended with exit code {code}", err=True)
        context.exit(1)


def _parse_port(port: str) -> int:
    if not (port.isascii() and port.removeprefix("-").isdigit()):
        raise BenchError("option.invalid", f"--port {port!r}: should be a number from 1 to 65535")
    return int(port)
