"""`bench compare`: two score files on the same trials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bench.cli import configuration, options
from bench.cli.given import SAID, Given, ScoreFileParam
from bench.cli.judging import judging, read_keys
from bench.corpora import cards
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.scoring.judge import Judge
    from bench.scoring.judged import Judged


@click.command()
@click.argument("a", type=ScoreFileParam())
@click.argument("b", type=ScoreFileParam())
@judging
def compare(a: Given, b: Given, as_json: bool, smoke: bool, **asked: Any) -> None:
    """Compare two score files on the same trials: difference, interval, p-value.

    Options apply to both files. Options of one file follow its name: A.txt,column=3 or
    B.txt,higher-is-spoof,name=AASIST (column, id-column, label-column, no-labels, resolution,
    higher-is-spoof, order, name).
    """
    from bench.scoring import render
    from bench.scoring.comparison import compare as compared
    from bench.scoring.naming import distinct_names

    judge = read_keys(cards.card(asked["corpus"]), configuration.load(), smoke, a.shown, asked)
    names = [
        given.name or name
        for given, name in zip((a, b), distinct_names([a.shown, b.shown]), strict=True)
    ]
    found = compared(judge, _read(judge, a), _read(judge, b), (names[0], names[1]))
    found = replace(found, a=a.shown, b=b.shown)
    if as_json:
        options.print_json("compare", render.comparison_as_dict(found))
    else:
        click.echo(render.comparison(found))
    if not found.found:
        options.end_without_figures(found.notes)


def _read(judge: Judge, given: Given) -> Judged:
    try:
        return given.judged(judge)
    except BenchError as error:
        raise BenchError(f"{error}\n({SAID})") from error
