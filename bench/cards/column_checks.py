"""Checks that the evaluations of a table's rows can fill its columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from bench._io import text_files
from bench.errors import BenchError, near_name
from bench.metrics.measure import Trials
from bench.metrics.registry import LOGIT, clean_level, describe_metrics
from bench.specs.corpus import CorpusCard
from bench.specs.run import HeldOutData, Run
from bench.specs.table import Column
from bench.units import RESOLUTIONS_S, to_samples


def check_columns(
    columns: Sequence[Column], run: Run, row: str, folders: Sequence[Path]
) -> Iterator[str]:
    """Yield why the evaluations of `run`, that of `row`, can never fill a column.

    `folders` hold corpus cards. For a corpus without a readable card, only what holds for every
    corpus is checked; the card itself is reported elsewhere.
    """
    for metric in (column.metric for column in columns if column.combine == "none"):
        name, *levels, figure = metric.split(".")
        where = f"columns: {metric!r}"
        if name not in run.evaluate:
            yield f"{where}: rows.{row} evaluates {', '.join(run.evaluate)}"
            continue
        data = run.evaluate[name]
        corpus = _find_corpus(data.corpus, folders)
        loggable = _logged_metrics(data, corpus, bool(levels))
        if figure not in loggable:
            missing = f"of {data.corpus} {data.split} there is no {figure} {_describe_trials(data)}"
            level = " of a level" if levels else ""
            yield f"{where}: {missing}{level}{near_name(figure, loggable)}"
        if levels:
            yield from (f"{where}: {reason}" for reason in _check_levels(levels, data, corpus))


def _describe_trials(data: HeldOutData) -> str:
    return "of whole utterances" if data.resolution_s is None else "of frames"


def _logged_metrics(
    data: HeldOutData, corpus: CorpusCard | None, is_level: bool
) -> tuple[str, ...]:
    """Return the metrics that a run logs of an evaluation, or of a level of its breakdowns."""
    if data.resolution_s is not None:
        return (*list_logged("frames"), *name_coarser(data.resolution_s))
    asked = ("dcf", "min_tdcf") if corpus is None else corpus.official
    tandem = corpus is None or data.split in corpus.tdcf
    official = {*asked, *("min_tdcf" for name in asked if "tdcf" in name and tandem)}
    logged, metrics = list_logged("utterances", official), describe_metrics()
    if not is_level:
        return logged
    return tuple(name for name in logged if name in metrics and metrics[name].broken_down)


def list_logged(trials: Trials, official: Collection[str] = ()) -> tuple[str, ...]:
    """Return the metrics that a run logs of whole utterances or of frames.

    `official` is that of the corpus's card, in which `min_tdcf` stands for either form.

    >>> list_logged("frames")
    ('eer', 'eer_bonafide_logit', 'f1', 'f1_spoof', 'range_eer', 'utterance_eer', 'event_f1')
    """
    names: list[str] = []
    for name, metric in describe_metrics().items():
        given = trials in metric.trials and trials not in metric.on_request
        if metric.logged and given and metric.official in ("", *official):
            names += [name, *([f"{name}{LOGIT}"] if metric.by_logit else [])]
    return tuple(names)


def name_coarser(resolution_s: float) -> tuple[str, ...]:
    """Return the metrics that a run logs of frames longer than its own, of `resolution_s`.

    >>> name_coarser(0.16)
    ('eer_320ms', 'eer_640ms')
    """
    frame = to_samples(resolution_s)
    samples = {each: to_samples(each) for each in RESOLUTIONS_S}
    coarser = [each for each, n in samples.items() if n > frame and not n % frame]
    return tuple(
        f"{name}_{round(1000 * each)}ms"
        for name, metric in describe_metrics().items()
        if metric.logged and metric.needs == "scores" and "frames" in metric.trials
        for each in coarser
    )


def _check_levels(
    levels: Sequence[str], data: HeldOutData, corpus: CorpusCard | None
) -> Iterator[str]:
    """Yield why no breakdown of `data.by` has such levels."""
    evaluated = f"evaluates {data.corpus}"
    if data.resolution_s is not None:
        yield f"{evaluated} by frames, of which there is no breakdown"
        return
    breakdowns = [fields.split(",") for fields in data.by]
    fitting = [fields for fields in breakdowns if len(fields) == len(levels)]
    if not fitting:
        by = ", ".join(map(repr, data.by)) or "nothing"
        yield f"{evaluated} by {by}, so there is no {'.'.join(levels)}"
        return
    if corpus is None:
        return
    attacks = {clean_level(name) for name in corpus.attack_types if "*" not in name}
    for position, level in enumerate(levels):
        fields = {breakdown[position] for breakdown in fitting}
        # A level of another field may have any name, but none that looks like an attack's.
        like = {_level_shape(name) for name in attacks}
        alone = fields == {"attack"} or _level_shape(level) in like
        if "attack" in fields and attacks and alone and level not in attacks:
            yield f"{corpus.short} has no attack {level!r}{near_name(level, attacks)}"


def _level_shape(level: str) -> str:
    return re.sub(r"\d", "#", level)


def _find_corpus(name: str, folders: Sequence[Path]) -> CorpusCard | None:
    """Return the card of a corpus, the suite's or the user's; None where it cannot be read."""
    return next(filter(None, (_read_corpus(folder / f"{name}.toml") for folder in folders)), None)


@lru_cache
def _read_corpus(path: Path) -> CorpusCard | None:
    try:
        content = text_files.read_toml(path)
        return CorpusCard.model_validate({"key": path.stem, **content})
    except (BenchError, ValueError):  # ValueError is pydantic's
        return None
