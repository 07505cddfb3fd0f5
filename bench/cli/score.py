"""`bench score`: judge anyone's score file by the official protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench import config
from bench._io.digests import short_digest
from bench.cards import corpus_cards
from bench.cli import completion, configuration, json_output, options, score_folder
from bench.cli import expected as expecting
from bench.cli.expected import Expected, ExpectedParam
from bench.cli.given import Given, ScoreFileParam
from bench.cli.judging import judging, read_keys
from bench.cli.tracked import Tracked, keep_verdict
from bench.cli.written import made, place_of, safe_name, stated_place, write
from bench.config import Config
from bench.errors import BenchError

if TYPE_CHECKING:  # pandas and pyarrow take a second: only where scores are judged
    from bench.evaluation.judge import Judge
    from bench.evaluation.judged import Judged
    from bench.evaluation.verdict import Verdict
    from bench.runner.request import Order


@click.command()
@click.argument("scores", type=ScoreFileParam(folders=True), required=False)
@click.option(
    "--run",
    "row",
    metavar="ROW",
    shell_complete=completion.row_name,
    help="Instead of a file: score the split with a trained row's kept weights.",
)
@click.option(
    "--table",
    default="table4",
    show_default=True,
    shell_complete=completion.table_names,
    help="The row's table.",
)
@click.option("--run-seed", type=int, help="Seed of the row's run (default: its first).")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Overrides that the row was trained with.",
)
@judging
@click.option("--formulas", is_flag=True, help="The EER by every formula in use, too.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Output folder for verdict, pictures and, with --run, scores (default: "
    "<work>/scored/<name>).",
)
@click.option(
    "--track",
    is_flag=False,
    flag_value="",
    metavar="[TABLE]",
    shell_complete=completion.table_names,
    help="Add the result to the tracking store, as another system of a table that evaluates this "
    "split.",
)
@click.option(
    "--list",
    "listed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every missing, unknown, repeated and contradicted id to FILE as CSV, also where "
    "no metric is computed.",
)
@click.option("--name", help="Name of the system (default: the file's name).")
@click.option(
    "--expect",
    type=ExpectedParam(),
    multiple=True,
    metavar="METRIC=NUMBER,...",
    help="Exit with 1 unless each result rounds to the number at its digits, e.g. "
    "eer=0.83,min_tdcf=0.0275 (rates in per cent); may be repeated.",
)
def score(
    scores: Given | None,
    row: str | None,
    table: str,
    run_seed: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
    smoke: bool,
    folder: Path | None,
    track: str | None,
    listed: Path | None,
    name: str | None,
    expect: tuple[tuple[Expected, ...], ...],
    **asked: Any,
) -> None:
    """Judge a score file: is the number right?

    Any form will do: id and score in text, CSV, JSON, Parquet, NumPy's or MATLAB's files, or scores
    of frames; `-` is standard input. It is checked against the corpus's keys first, and metrics are
    computed only if it fits. Options of reading may follow its name, as in `bench compare`:
    A.txt,column=3,higher-is-spoof.

    Without --corpus it is found by the ids, among the corpora whose keys are on this machine. Of a
    folder each file is judged, e.g. one system's on eight corpora: scores/ --track cross --name
    MyDet.

    With --run the scores are those of a trained row: its weights are taken from the work folder or
    from the tracking store's artifacts, the scores are written beside the verdict.
    """
    from bench.cli.counting import counting
    from bench.evaluation.naming import longer_names
    from bench.evaluation.standing import standing

    if (scores is None) == (row is None):
        raise click.UsageError("either a file of scores, or a trained row: --run ROW")
    here = configuration.to_write(*filter(None, (folder,)))
    if scores is not None and (scores.path.is_dir() or not asked["corpus"]):
        splits = () if asked["corpus"] else score_folder.known_splits(asked, smoke, here)
        again = partial(_again, click.get_current_context(), splits, asked)
        if not scores.path.is_dir():
            again(scores)
        elif as_json or folder is not None or listed is not None:
            raise click.UsageError("--json, --folder and --list are of one file, not of a folder")
        else:
            score_folder.score_each(scores, again)
        return
    if not asked["corpus"]:
        raise click.UsageError("which corpus a row is to score is missing: --corpus NAME")
    card = corpus_cards.card(asked["corpus"])
    form, split = options.form(smoke), asked["split"] or card.evaluation_split
    trained = None if row is None else _order(table, row, form, overrides)
    work, ending = here.work / "scored", f"-{card.key}-{split}"
    if scores is None:
        more = [f"seed-{run_seed}"] if run_seed is not None else []
        more += [short_digest({"set": " ".join(overrides)})] if overrides else []
        name = name or "-".join((table, str(row), *more))
        folder = folder or work / f"{safe_name(name)}{ending}"
        path = folder / "scores.parquet"
        scores = Given(path, name, {}, path)
    judge = read_keys(card, here, smoke, scores.shown, asked)
    stands = None if track is None else standing(card.key, split, track, form)
    of_row = dict[str, Any](table=None, row=None, seed=None, set=[])
    if trained is not None:
        path = made(scores.path.parent) / scores.path.name
        seed = _score(trained, run_seed, card.key, split, path, here)
        of_row = dict(table=trained.table.key, row=trained.rows[0], seed=seed, set=[*overrides])
    judged = _read(judge, scores, listed)
    name = name or scores.name
    names = [name] if name else [*longer_names(scores.path)]
    place = place_of(work, names, ending, judged)
    if folder is not None:
        place = stated_place(folder, names[0], judged)
    if place.said:
        where = f"goes to {place.folder}" if folder is None else "is written over it"
        click.echo(f"{place.said}: this one {where}", err=True)
    made(place.folder)
    with counting("breakdown") as progress:
        verdict = replace(judge.verdict(judged, progress), scores=scores.shown)
    expected = [of for given in expect for of in given if verdict.figures]
    expecting.check_names(expected, verdict.figures)
    if name or place.said:
        verdict = replace(verdict, name=place.system)
    written = write(verdict, judged, place)
    tracked = None
    if stands is not None:
        tracked = keep_verdict(verdict, judge, judged, stands, place.system, scores, written, here)
    _say(verdict, as_json, written, of_row, tracked, expected)
    if not verdict.figures:
        options.end_without_figures(verdict.notes)
    expecting.end_where_different(expected, verdict.figures)


def _again(
    context: click.Context, splits: score_folder.Splits, asked: Mapping[str, Any], scores: Given
) -> None:
    """Score one file as the command was asked to, on the corpus that its ids are of where none is
    named.
    """
    corpus, split = asked["corpus"], asked["split"]
    if not corpus:
        corpus, split = score_folder.find_corpus(scores, asked, splits)
    context.invoke(score, **{**context.params, "scores": scores, "corpus": corpus, "split": split})


def _read(judge: Judge, scores: Given, listed: Path | None) -> Judged:
    """Read and check a score file; write what was found to the file `listed`, whatever it is."""
    from bench.evaluation.findings import Refused, write_list

    if listed is None:
        return scores.judged(judge)
    try:
        judged = scores.judged(judge)
    except Refused as refused:
        write_list(listed, refused.findings)
        raise
    write_list(listed, judged.checked.findings)
    return judged


def _order(table: str, row: str, form: config.Form, overrides: Sequence[str]) -> Order:
    """Return the order of one row; BenchError where there is no such row or setting."""
    from bench.cards import table_cards as tables
    from bench.runner.request import Order

    card = tables.table(table)
    chosen = tables.select(card, row)
    if len(chosen) != 1:
        raise BenchError(f"--run {row}: should be one row of {card.key}")
    order = Order(card, chosen, None, form, overrides)
    order.runs()
    return order


def _score(
    order: Order, seed: int | None, corpus: str, split: str, path: Path, here: Config
) -> int:
    """Have a trained row score a split; say whose weights these are and how clips are cut. Return
    the row's seed.
    """
    # These import torch and MLflow, which takes seconds: only now.
    from bench.runner import trained_models
    from bench.tracking.store import Store

    def say(text: str) -> None:
        click.echo(text, err=True)

    model = trained_models.find(order, seed, here, Store(here))
    like, data = trained_models.evaluation(model.run, corpus, split)
    length = "whole" if data.clip_s is None else f"the first {data.clip_s:g} s of"
    frames = "whole" if data.resolution_s is None else f"frames of {1000 * data.resolution_s:g} ms"
    say(f"{order.table.key}, row {order.rows[0]}, seed {model.seed}: weights of {model.place}")
    say(f"{corpus} {split}: {length} utterances, {frames} scored, as in the evaluation {like}")
    trained_models.score_split(model, data, path, here, say)
    return model.seed


def _say(
    verdict: Verdict,
    as_json: bool,
    written: list[Path],
    of_row: Mapping[str, Any],
    tracked: Tracked | None,
    expected: Sequence[Expected],
) -> None:
    from bench.evaluation import render

    if as_json:
        content = {
            **of_row,
            **render.as_dict(verdict),
            "files": written,
            "tracked": tracked and tracked._asdict(),
            "expected": expecting.as_dicts(expected, verdict.figures),
        }
        json_output.print_json("score", content)
        return
    click.echo(render.markdown(verdict))
    click.echo(f"written: {written[0].parent}: {', '.join(path.name for path in written)}")
    if tracked is not None:
        click.echo(tracked.said)
