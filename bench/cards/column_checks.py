"""Columns of a table that an evaluation cannot have: what a card promises beyond its corpora."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from bench._io import text_files
from bench.errors import BenchError, near
from bench.specs.corpus import CorpusCard
from bench.specs.run import HeldOutData, Run
from bench.specs.table import Column

FRAMES = ("eer", "eer_bonafide_logit", "f1", "f1_spoof", "utterance_eer")
"""Figures that a run logs of frames."""
UTTERANCES = ("eer", "eer_official", "eer_bonafide_logit", "auc")
"""Figures that a run logs of whole utterances of any corpus."""
_COSTS = ("min_dcf", "act_dcf", "cllr", "min_cllr")
"""Those of a corpus whose `official` has `dcf`."""
_BROKEN_DOWN = ("eer", "min_tdcf", "min_dcf")
"""Those of the levels of a breakdown."""


def mistakes(
    columns: Sequence[Column], run: Run, row: str, folders: Sequence[Path]
) -> Iterator[str]:
    """Say which columns the evaluations of `run`, that of `row`, can never fill, and why.

    `folders` hold corpus cards; of a corpus without a readable card, which
    others say, only what holds of every corpus is said.
    """
    for metric in (column.metric for column in columns if column.combine == "none"):
        name, *levels, figure = metric.split(".")
        where = f"columns: {metric!r}"
        if name not in run.evaluate:
            yield f"{where}: rows.{row} evaluates {', '.join(run.evaluate)}"
            continue
        data = run.evaluate[name]
        corpus = _corpus(data.corpus, folders)
        known = _figures(data, corpus, bool(levels))
        if figure not in known:
            of = f"of {data.corpus} {data.split} there is no {figure} {_unit(data)}"
            yield f"{where}: {of}{' of a level' if levels else ''}{near(figure, known)}"
        if levels:
            yield from (f"{where}: {said}" for said in _levels(levels, data, corpus))


def _unit(data: HeldOutData) -> str:
    return "of whole utterances" if data.resolution_s is None else "of frames"


def _figures(data: HeldOutData, corpus: CorpusCard | None, of_level: bool) -> tuple[str, ...]:
    if data.resolution_s is not None:
        return FRAMES
    asked = ("dcf", "min_tdcf") if corpus is None else corpus.official
    costs = _COSTS if "dcf" in asked else ()
    tandem = any("tdcf" in name for name in asked)
    if corpus is not None and data.split not in corpus.tdcf:
        tandem = False
    official = (*costs, *(("min_tdcf",) if tandem else ()))
    found = (*UTTERANCES, *official, *(f"{name}_bonafide_logit" for name in official))
    return tuple(name for name in found if name in _BROKEN_DOWN) if of_level else found


def _levels(levels: Sequence[str], data: HeldOutData, corpus: CorpusCard | None) -> Iterator[str]:
    """Say where no breakdown of `data.by` has such levels."""
    said = f"evaluates {data.corpus}"
    if data.resolution_s is not None:
        yield f"{said} by frames, of which there is no breakdown"
        return
    breakdowns = [fields.split(",") for fields in data.by]
    fitting = [fields for fields in breakdowns if len(fields) == len(levels)]
    if not fitting:
        by = ", ".join(map(repr, data.by)) or "nothing"
        yield f"{said} by {by}, so there is no {'.'.join(levels)}"
        return
    if corpus is None:
        return
    attacks = {_tracked(name) for name in corpus.attack_types if "*" not in name}
    for place, level in enumerate(levels):
        fields = {of[place] for of in fitting}
        # A level of another field may have any name, but none that looks like an attack's.
        like = {_shape(name) for name in attacks}
        alone = fields == {"attack"} or _shape(level) in like
        if "attack" in fields and attacks and alone and level not in attacks:
            yield f"{corpus.short} has no attack {level!r}{near(level, attacks)}"


def _shape(level: str) -> str:
    return re.sub(r"\d", "#", level)


def _tracked(level: str) -> str:
    """Return a level as the names of tracked figures have it (`bench.evaluation.draws.tracked`)."""
    return re.sub(r"[^\w-]", "-", level, flags=re.ASCII)


def _corpus(name: str, folders: Sequence[Path]) -> CorpusCard | None:
    """Return the card of a corpus, the suite's or the user's; None where it cannot be read."""
    return next(filter(None, (_read(folder / f"{name}.toml") for folder in folders)), None)


@lru_cache
def _read(path: Path) -> CorpusCard | None:
    try:
        content = text_files.read_toml(path)
        return CorpusCard.model_validate({"key": path.stem, **content})
    except (BenchError, ValueError):  # ValueError is pydantic's
        return None
