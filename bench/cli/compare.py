"""`bench compare`: two score files, or two rows, on the same trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cards import corpus_cards
from bench.cli import completion, configuration, json_output, options
from bench.cli.given import SAID, Given
from bench.cli.judging import judging, read_keys
from bench.cli.named_row import NamedRow, SystemParam, score_file
from bench.cli.written import comparison_folder, write_comparison
from bench.config import Config
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.judge import Judge
    from bench.evaluation.judged import Judged


def _seeds(_: click.Context, __: click.Parameter, value: str) -> str:
    if value in ("", "all") or value.isdigit():
        return value
    raise click.BadParameter(f"{value!r}: should be a seed, as 666, or all")


@click.command()
@click.argument("a", type=SystemParam(), shell_complete=completion.system_names)
@click.argument("b", type=SystemParam(), shell_complete=completion.system_names)
@click.option(
    "--seeds",
    default="",
    callback=_seeds,
    metavar="N|all",
    help="Which runs of rows are compared; each row's first seed by default.",
)
@judging
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where comparison.md and comparison.json go; <work>/scored/<A>-against-<B> by default.",
)
def compare(
    a: Given | NamedRow,
    b: Given | NamedRow,
    seeds: str,
    as_json: bool,
    smoke: bool,
    folder: Path | None,
    **asked: Any,
) -> None:
    """Compare two systems on the same trials: difference, interval, p-value.

    A and B are score files, or rows by name: table4:S5, table4:S7@released, table4:MyDet for a
    system that was kept with `bench score --track`. Of two rows every evaluation that both have is
    compared, or that of --corpus; the tracking store has their scores, and no keys are needed.

    Options apply to both files. Options of one file follow its name: A.txt,column=3 or
    B.txt,higher-is-spoof,name=AASIST (column, id-column, label-column, no-labels, resolution,
    higher-is-spoof, order, name).
    """
    here = configuration.to_write(*filter(None, (folder,)))
    if isinstance(a, NamedRow) and isinstance(b, NamedRow):
        text, content, notes = _rows(a, b, seeds, smoke, here, asked)
    else:
        text, content, notes = _files(a, b, seeds, smoke, here, asked)
    place = folder or comparison_folder(here.work / "scored", content)
    files = write_comparison(place, text, content)
    if as_json:
        json_output.print_json("compare", {**content, "files": files})
    else:
        click.echo(text)
        click.echo(f"written: {place}: {', '.join(path.name for path in files)}")
    if not content["compared"]:
        options.end_without_figures(notes)


def _rows(
    a: NamedRow, b: NamedRow, seeds: str, smoke: bool, here: Config, asked: Mapping[str, Any]
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Compare two rows; return the text, what JSON can hold, and what is said of it."""
    from bench.reports import row_pair
    from bench.reports.kept import KeptInStore
    from bench.tracking import open_store

    form, store = options.form(smoke), open_store.to_read(here)
    corpus = asked["corpus"] and corpus_cards.card(asked["corpus"]).key
    one, other = (row_pair.find_row(row.text, form, store, seeds) for row in (a, b))
    kept = KeptInStore(store, here.work)
    found = row_pair.compare_rows(one, other, form, kept, corpus or "", asked["split"] or "")
    notes = (f"no metric: {note}" for note in found.notes)
    rows = {"a": one.as_dict(), "b": other.as_dict()}
    return row_pair.markdown(found), {**row_pair.as_dict(found), "rows": rows}, tuple(notes)


def _files(
    a: Given | NamedRow,
    b: Given | NamedRow,
    seeds: str,
    smoke: bool,
    here: Config,
    asked: dict[str, Any],
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Compare two files, or a file and a row, by the keys; return as `_rows` does."""
    from bench.evaluation import render
    from bench.evaluation.comparison import compare as compared
    from bench.evaluation.naming import distinct_names

    if not asked["corpus"]:
        raise click.UsageError("files are compared on one corpus: --corpus NAME")
    if seeds and not any(isinstance(of, NamedRow) for of in (a, b)):
        raise click.UsageError("--seeds is of rows, and these are files")
    card, form = corpus_cards.card(asked["corpus"]), options.form(smoke)
    beside = next(of for of in (a, b) if isinstance(of, Given))
    split = asked["split"] or card.evaluation_split
    judge = read_keys(card, here, smoke, beside.shown, asked)
    (one, row), (other, other_row) = (
        score_file(of, card.key, split, seeds, form, here)
        if isinstance(of, NamedRow)
        else (of, None)
        for of in (a, b)
    )
    names = [
        given.name or name
        for given, name in zip((one, other), distinct_names([one.shown, other.shown]), strict=True)
    ]
    found = compared(judge, _read(judge, one), _read(judge, other), (names[0], names[1]))
    found = replace(found, a=one.shown, b=other.shown)
    content = {**render.comparison_as_dict(found), "rows": {"a": row, "b": other_row}}
    return render.comparison(found), content, found.notes


def _read(judge: Judge, given: Given) -> Judged:
    try:
        return given.judged(judge)
    except BenchError as error:
        raise BenchError(f"{error}\n({SAID})") from error
