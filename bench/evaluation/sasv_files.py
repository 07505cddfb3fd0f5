"""Files of trials of speaker verification: scores, keys, or both in one.

These forms are read, told apart by their first line:

- with a header and tabs, as ASVspoof 5's track 2 has it: `spk filename cm-score asv-score
  sasv-score`, keys `spk filename cm-label asv-label`;
- without a header, separated by blanks: speaker, utterance, and of the rest one number as the
  score, `target`, `nontarget` or `spoof` as the kind, and before the kind perhaps the attack or
  `bonafide`. So are the trial lists of 2019 LA (`LA_0015 LA_E_1103494 bonafide target`) and
  ASVspoof 5 (`E_0101 E_0000000001 F A17 spoof`), score files of the SASV Challenge 2022 and a-DCF
  (`LA_0015 LA_E_1103494 6.96 target`) and of t-EER (`LA_0015 LA_E_1103494 bonafide target 1.0`);
- scores of a countermeasure alone may be `utterance score`, one for all trials of an utterance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench._io import text_files
from bench._io.delimited_text import name_line, number_lines, parse_finite
from bench._io.printable import format_count
from bench.errors import BenchError, near_name
from bench.metrics.sasv import KINDS
from bench.metrics.tally import Floats

Trial = tuple[str, str]
"""Claimed speaker and utterance; the speaker is "" where the file names none."""

_HEADER = {
    **dict.fromkeys(("spk", "speaker", "tar_spk_anon"), "speaker"),
    **dict.fromkeys(("filename", "utterance", "trial_anon"), "utterance"),
    **dict.fromkeys(("asv-label", "asv_label", "kind"), "kind"),
    **dict.fromkeys(("attack_anon", "attack"), "attack"),
    **dict.fromkeys(("cm-score", "cm_score"), "cm"),
    **dict.fromkeys(("asv-score", "asv_score"), "asv"),
    **dict.fromkeys(("sasv-score", "sasv_score", "score"), "score"),
}
"""What the columns of a header hold; others are left out."""
_SCORES = ("score", "asv", "cm")
_FORM = (
    "should be `SPEAKER UTTERANCE SCORE [KIND]`, `SPEAKER UTTERANCE [ATTACK] KIND`, or have a "
    "header as `spk filename cm-score asv-score sasv-score`"
)


@dataclass
class TrialFile:
    """What a file says of each trial, in its order; columns that it lacks are empty."""

    path: Path
    trials: list[Trial] = field(default_factory=list[Trial])
    kind: list[str] = field(default_factory=list[str])
    attack: list[str] = field(default_factory=list[str])
    """"" where there is none."""
    scores: dict[str, list[float]] = field(default_factory=dict[str, "list[float]"])
    """By `score` (of the whole system), `asv` and `cm`."""


class _Layout(NamedTuple):
    """Where each column stands, and what separates them: None for blanks."""

    columns: dict[str, int]
    separator: str | None = None
    has_header: bool = False


def read_trial_file(path: Path) -> TrialFile:
    """Return the trials of a file; BenchError, with the line, for one that is none."""
    file, layout = TrialFile(path), None
    for number, line in number_lines(text_files.read_bytes(path)):
        where = name_line(path, number, line)
        if layout is None:
            layout = _read_layout(line, where)
            if layout.has_header:
                continue
        _add_line(file, layout.columns, line.rstrip("\r").split(layout.separator), where)
    if not file.trials:
        raise BenchError("sasv.malformed", f"{path}: holds no trial; a line {_FORM}")
    _check_repeats(file)
    return file


def _read_layout(line: str, where: str) -> _Layout:
    """Return the layout that the first line shows."""
    separator = "\t" if "\t" in line else None
    cells = [cell.strip() for cell in line.split(separator)]
    named = {_HEADER[cell]: at for at, cell in enumerate(cells) if cell in _HEADER}
    if "utterance" in named:
        layout = _Layout(named, separator, has_header=True)
    else:
        layout = _Layout(_find_columns(line.split()))
    if not layout.columns.keys() & {"kind", *_SCORES}:
        raise BenchError("sasv.malformed", f"{where}: {_FORM}")
    return layout


def _find_columns(cells: Sequence[str]) -> dict[str, int]:
    """Return what the cells of a line without a header hold."""
    if len(cells) == 2 and parse_finite(cells[1]) is not None:
        return {"utterance": 0, "score": 1}
    columns = {"speaker": 0, "utterance": 1}
    for at, cell in enumerate(cells[2:], 2):
        if parse_finite(cell) is not None:
            columns["score"] = at
        elif cell in KINDS and (at + 1 == len(cells) or parse_finite(cells[at + 1]) is not None):
            columns["kind"] = at
            if at > 2 and parse_finite(cells[at - 1]) is None:
                columns["attack"] = at - 1
    return columns


def _add_line(file: TrialFile, columns: dict[str, int], cells: Sequence[str], where: str) -> None:
    if len(cells) <= max(columns.values()):
        raise BenchError(
            "sasv.malformed", f"{where}: has {format_count(len(cells), 'column')}; it {_FORM}"
        )
    values = {name: cells[at].strip() for name, at in columns.items()}
    file.trials.append((values.get("speaker", ""), values["utterance"]))
    if "kind" in values:
        kind = values["kind"]
        if kind not in KINDS:
            raise BenchError(
                "sasv.malformed", f"{where}: {kind!r} is no kind of trial{near_name(kind, KINDS)}"
            )
        file.kind.append(kind)
    if "attack" in values:
        file.attack.append("" if values["attack"] in ("bonafide", "-") else values["attack"])
    for name in _SCORES:
        if name in values:
            score = parse_finite(values[name])
            if score is None:
                raise BenchError("sasv.malformed", f"{where}: {values[name]!r} is no finite number")
            file.scores.setdefault(name, []).append(score)


def _check_repeats(file: TrialFile) -> None:
    if len({*file.trials}) == len(file.trials):
        return
    seen: set[Trial] = set()
    twice = [trial for trial in file.trials if trial in seen or seen.add(trial)]
    raise BenchError(
        "sasv.trials-repeated",
        f"{file.path}: {format_count(len(twice), 'trial')} there twice, e.g. {' '.join(twice[0])}",
    )


def match_scores(keys: TrialFile, file: TrialFile, name: str) -> Floats:
    """Return the scores `name` of a file in the order of the keys' trials.

    A file that names no speakers has one score of each utterance. Raise BenchError where trials of
    the keys have no score, and where there are scores of other trials.
    """
    by_utterance = not any(speaker for speaker, _ in file.trials)
    score = dict(zip(file.trials, file.scores[name], strict=True))
    wanted: list[Trial] = [
        ("", utterance) if by_utterance else (speaker, utterance)
        for speaker, utterance in keys.trials
    ]
    for trials, others, what in (
        (wanted, score, f"trials of {keys.path} have no score in {file.path}"),
        ([*score], {*wanted}, f"trials of {file.path} are not in {keys.path}"),
    ):
        alone = [trial for trial in trials if trial not in others]
        if alone:
            raise BenchError(
                "sasv.trials-differ",
                f"{len(alone):,} of {len(trials):,} {what}, e.g. {' '.join(alone[0]).strip()}",
            )
    return np.array([score[trial] for trial in wanted])
