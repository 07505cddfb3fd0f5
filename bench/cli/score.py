"""`bench score` and `bench compare`: judge anyone's score file by the official protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench import config
from bench.cli import configuration, options
from bench.config import Config
from bench.corpora import cards
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas and pyarrow take a second: only where scores are judged
    from bench.launchers.order import Order
    from bench.scoring.judge import Judge, Judged
    from bench.scoring.standing import Standing
    from bench.scoring.verdict import Verdict

_PACKED = re.compile(r"\.(gz|bz2|xz)$")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say by what scores are judged."""
    for option in reversed(
        (
            click.option("--corpus", required=True, help="Key or short name: asvspoof2019la, PS."),
            click.option("--split", help="The corpus's evaluation split by default."),
            click.option(
                "--keys",
                type=click.Path(path_type=Path, exists=True),
                help="Folder that holds the corpus's protocol and key files, or the protocol; "
                "by default the corpus's place in bench.toml, else the folder of the scores.",
            ),
            click.option(
                "--by",
                multiple=True,
                metavar="FIELD,...",
                help="Break down, e.g. attack,codec for the grid of both; may be repeated.",
            ),
            click.option(
                "--figures",
                metavar="NAME,...",
                help="Figures of a breakdown, e.g. eer,cllr,auc; those of the organisers' tables "
                "by default.",
            ),
            click.option("--allow-missing", is_flag=True, help="Judge the trials that are there."),
            click.option(
                "--negate", is_flag=True, help="Higher scores mean spoof (compare: in both)."
            ),
            click.option("--as-is", is_flag=True, help="Judge scores that look inverted as such."),
            click.option("--column", help="The score's name or number; A-B for a difference."),
            click.option("--id-column", help="The id's name or number."),
            click.option(
                "--resolution",
                "resolution_s",
                type=float,
                help="Seconds a frame, where the file does not say.",
            ),
            click.option(
                "--label-rule",
                "rule",
                type=click.Choice(["any-spoof", "floor"]),
                default="any-spoof",
                show_default=True,
                help="How labels in seconds become labels of frames.",
            ),
            click.option(
                "--threshold",
                type=float,
                default=0.0,
                show_default=True,
                help="Frames of a higher score are decided bona fide.",
            ),
            click.option(
                "--resample",
                type=click.Choice(["auto", "utterance", "speaker", "attack", "speaker+attack"]),
                default="auto",
                show_default=True,
                help="What intervals draw whole; auto: speakers and attacks where the corpus names "
                "them.",
            ),
            click.option(
                "--replicates", type=click.IntRange(min=1), default=1000, show_default=True
            ),
            click.option("--seed", default=0, show_default=True),
        )
    ):
        command = option(command)
    return options.smoke(options.as_json(command))


@click.command()
@click.argument("scores", type=_FILE, required=False)
@click.option(
    "--run",
    "row",
    metavar="ROW",
    help="Instead of a file: have a trained row's kept weights score the split, here.",
)
@click.option("--table", default="table4", show_default=True, help="The row's table.")
@click.option("--run-seed", type=int, help="The row's seed; its first by default.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As the row was run with."
)
@_judging
@click.option("--formulas", is_flag=True, help="The EER by every formula in use, too.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where verdict, figures and, with --run, scores go; <work>/scored/<name> by default.",
)
@click.option(
    "--track",
    is_flag=False,
    flag_value="",
    metavar="[TABLE]",
    help="Keep it in the tracking store beside a table that evaluates this split.",
)
@click.option("--name", help="What the system is called; the file's name by default.")
def score(
    scores: Path | None,
    row: str | None,
    table: str,
    run_seed: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
    smoke: bool,
    folder: Path | None,
    track: str | None,
    name: str | None,
    **asked: Any,
) -> None:
    """Judge a score file: is the number right?

    Any form will do: id and score in text, CSV or Parquet, or scores of frames. It is checked
    against the corpus's keys first, and figures are given only where it fits.

    With --run the scores are those of a trained row: its weights are taken from the work folder or
    from the tracking store's artifacts, the scores are written beside the verdict.
    """
    from bench.cli.counting import counting
    from bench.scoring.standing import standing

    if (scores is None) == (row is None):
        raise click.UsageError("either a file of scores, or a trained row: --run ROW")
    here, card = configuration.to_write(*filter(None, (folder,))), cards.card(asked["corpus"])
    form, split = options.form(smoke), asked["split"] or card.evaluation_split
    trained = None if row is None else _order(table, row, form, overrides)
    system = name or (_stem(scores) if scores else f"{table}-{row}")
    safe = re.sub(r"[^\w.+=-]+", "_", system)[:100].strip(".")
    target = folder or here.work / "scored" / f"{safe}-{card.key}-{split}"
    scores = scores or target / "scores.parquet"
    judge = _judge(card, here, smoke, scores, asked)
    place = None if track is None else standing(card.key, split, track, form)
    if trained is not None:
        _score(trained, run_seed, card.key, split, _made(target) / scores.name, here)
    judged = judge.read(scores)
    _made(target)
    with counting("breakdown") as progress:
        verdict = judge.verdict(judged, progress)
    written = _write(verdict, judged, target, system)
    run = "" if place is None else _track(verdict, here, form, place, system, written)
    _say(verdict, as_json, written, run)


@click.command()
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@_judging
def compare(a: Path, b: Path, as_json: bool, smoke: bool, **asked: Any) -> None:
    """Compare two score files on the same trials: difference, interval, p-value."""
    from bench.scoring import render
    from bench.scoring.comparison import compare as compared

    judge = _judge(cards.card(asked["corpus"]), configuration.load(), smoke, a, asked)
    found = compared(judge, judge.read(a), judge.read(b))
    if as_json:
        options.print_json(render.comparison_as_dict(found))
    else:
        click.echo(render.comparison(found))


def _stem(scores: Path) -> str:
    return _PACKED.sub("", scores.name).rpartition(".")[0] or scores.name


def _order(table: str, row: str, form: config.Form, overrides: Sequence[str]) -> Order:
    """Return the order of one row; BenchError where there is no such row or setting."""
    from bench import cards as tables
    from bench.launchers.order import Order

    card = tables.table(table)
    chosen = tables.select(card, row)
    if len(chosen) != 1:
        raise BenchError(f"--run {row}: should be one row of {card.key}")
    order = Order(card, chosen, None, form, overrides)
    order.runs()
    return order


def _score(
    order: Order, seed: int | None, corpus: str, split: str, path: Path, here: Config
) -> None:
    """Have a trained row score a split; say whose weights these are and how clips are cut."""
    # These import torch and MLflow, which takes seconds: only now.
    from bench.launchers import models
    from bench.tracking.store import Store

    def say(text: str) -> None:
        click.echo(text, err=True)

    model = models.find(order, seed, here, Store(here))
    like, data = models.evaluation(model.run, corpus, split)
    length = "whole" if data.clip_s is None else f"the first {data.clip_s:g} s of"
    frames = "whole" if data.resolution_s is None else f"frames of {1000 * data.resolution_s:g} ms"
    say(f"{order.table.key}, row {order.rows[0]}, seed {model.seed}: weights of {model.place}")
    say(f"{corpus} {split}: {length} utterances, {frames} scored, as in the evaluation {like}")
    models.score_split(model, data, path, here, say)


def _judge(
    card: CorpusCard, here: Config, smoke: bool, scores: Path, asked: dict[str, Any]
) -> Judge:
    """Read the keys by which `scores` are to be judged; takes what it needs out of `asked`."""
    from bench.corpora.places import beside
    from bench.scoring.judge import Judge, Request
    from bench.scoring.reading import Reading

    split = asked.pop("split") or card.evaluation_split
    cards.check_split(card, split)
    keys = asked.pop("keys")
    if keys is None and not smoke and card.key not in here.corpora:
        keys = beside(card, split, scores)
    if keys is None:
        try:
            keys = here.corpus_root(card.key, options.form(smoke))
        except BenchError as error:
            raise BenchError(f"{error}; or say where its protocol and keys are: --keys") from error
    # `attack,codec` is one breakdown by both.
    by = tuple(tuple(part.strip() for part in fields.split(",")) for fields in asked.pop("by"))
    figures = tuple(name.strip() for name in (asked.pop("figures") or "").split(",") if name)
    del asked["corpus"]
    reading = Reading(**{of.name: asked.pop(of.name) for of in fields(Reading) if of.name in asked})
    form = options.form(smoke)
    return Judge(Request(card, split, keys, by, figures, form=form, reading=reading, **asked))


def _made(place: Path) -> Path:
    """Make a folder for the verdict, before it is computed."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{place}: cannot be made a folder for the verdict: {error}") from error
    return place


def _write(verdict: Verdict, judged: Judged, place: Path, system: str) -> list[Path]:
    """Write the verdict as Markdown and JSON, and DET curve and histogram where there are both
    classes; return the files.
    """
    from bench.metrics.det import eer_of
    from bench.metrics.tally import tally
    from bench.reporting import figures
    from bench.scoring import render

    content = {
        "verdict.md": render.markdown(verdict).encode(),
        "verdict.json": json.dumps(render.as_dict(verdict), indent=2).encode(),
    }
    bonafide, spoof = judged.by_class()
    if len(bonafide) and len(spoof):
        title = f"{system}, {verdict.short} {verdict.split}"
        threshold = eer_of(tally(bonafide, spoof)).threshold
        content["det.png"] = figures.det(bonafide, spoof, f"{title}:")
        content["scores.png"] = figures.histogram(bonafide, spoof, threshold, f"{title}: scores")
    for name, data in content.items():
        try:
            (place / name).write_bytes(data)
        except OSError as error:
            raise BenchError(f"{place / name}: cannot be written: {error}") from error
    return [place / name for name in content]


def _say(verdict: Verdict, as_json: bool, written: list[Path], run: str) -> None:
    from bench.scoring import render

    if as_json:
        files = [str(path) for path in written]
        options.print_json({**render.as_dict(verdict), "files": files, "run": run or None})
        return
    click.echo(render.markdown(verdict))
    click.echo(f"written: {written[0].parent}: {', '.join(path.name for path in written)}")
    if run:
        click.echo(run)


def _track(
    verdict: Verdict,
    here: Config,
    form: config.Form,
    place: Standing,
    system: str,
    written: list[Path],
) -> str:
    """Keep the verdict in the tracking store; return where, in words."""
    from bench.provenance import commit
    from bench.tracking.entry import ScoredEntry
    from bench.tracking.store import Store

    entry = ScoredEntry(
        table=place.table,
        system=system,
        form=form,
        split=f"{verdict.corpus}/{verdict.split}",
        fingerprint=verdict.fingerprint,
        digest=verdict.digest,
        commit=commit(),
        settings={
            "columns": verdict.taken,
            "missing": str(verdict.missing),
            "negated": str(verdict.negated).lower(),
            "intervals": verdict.resampling,
            "warnings": ", ".join(
                finding.code for finding in verdict.findings if finding.severity == "warning"
            )
            or "none",
        },
        figures=place.named(verdict.figures),
    )
    run_id = Store(here).keep_scored(entry, written)
    return f"tracked: {place.table}, run {run_id[:8]}, as scored, not trained"
