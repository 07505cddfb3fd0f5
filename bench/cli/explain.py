"""`bench explain`: figures of why a trained row decides as it does."""

from __future__ import annotations

from pathlib import Path

import click

from bench import cards, config
from bench.cli import options
from bench.launchers.order import Order


@click.group()
def explain() -> None:
    """Draw why a trained row decides as it does."""


@explain.command()
@click.option("--utterance", required=True, help="Its id in the evaluation split.")
@click.option("--table", default="tca/table2", show_default=True)
@click.option("--row", default="TCA", show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As it was run with.")
@options.smoke
@click.option("--folder", type=click.Path(path_type=Path), help="<work>/explained by default.")
def tca(
    utterance: str,
    table: str,
    row: str,
    overrides: tuple[str, ...],
    smoke: bool,
    folder: Path | None,
) -> None:
    """Draw the temporal class activation over the waveform, coloured by class (TCA's Figure 2)."""
    here, card = config.load(), cards.table(table)
    order = Order(card, cards.select(card, row), None, options.form(smoke), overrides)
    order.require(here)
    # These import torch and Matplotlib, which takes seconds: only now.
    from bench.launchers import explain as launched
    from bench.reporting import figures

    found = launched.tca(order, utterance, here)
    title = f"{'SMOKE: ' if smoke else ''}{row}, {found.utterance}: {found.label}"
    place = folder or here.work / "explained"
    place.mkdir(parents=True, exist_ok=True)
    for kind in ("png", "svg"):
        path = place / f"tca-{row}-{found.utterance}.{kind}"
        path.write_bytes(
            figures.activation(found.wave, found.activation, found.classes, title, kind)
        )
        click.echo(f"written: {path}")
    logits = zip(found.classes, found.logits, strict=True)
    click.echo("logits: " + ", ".join(f"{name} {value:.3f}" for name, value in logits))
