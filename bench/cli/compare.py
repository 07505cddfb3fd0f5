"""`bench compare`: two score files on the same trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench import config
from bench.cli import options
from bench.cli.judging import judging, read_keys
from bench.corpora import cards

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@judging
def compare(a: Path, b: Path, as_json: bool, smoke: bool, **asked: Any) -> None:
    """Compare two score files on the same trials: difference, interval, p-value."""
    from bench.scoring import render
    from bench.scoring.comparison import compare as compared

    judge = read_keys(cards.card(asked["corpus"]), config.load(), smoke, a, asked)
    found = compared(judge, judge.read(a), judge.read(b))
    if as_json:
        options.print_json(render.comparison_as_dict(found))
    else:
        click.echo(render.comparison(found))
