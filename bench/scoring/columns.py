"""Which column of a score file is what: by its header's names, or by what the columns hold.

A column is taken only where nothing else could be meant; otherwise the answer is a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bench.errors import BenchError, near, quoted
from bench.scoring.reading import Reading
from bench.units import BONAFIDE, SPOOF

LABELS = {
    BONAFIDE: True,
    "bona-fide": True,
    "bona_fide": True,
    "bona fide": True,
    "genuine": True,
    "real": True,
    "human": True,
    SPOOF: False,
    "spoofed": False,
    "fake": False,
    "deepfake": False,
}
"""Words of a label column, in any case: is it bona fide? Digits are no labels: 1 is bona fide in
some corpora and spoof in others."""

NUMBER = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII
)

_UTTERANCE = (
    *("utterance", "utterance_id", "utt", "utt_id", "uttid", "filename", "file_name", "file"),
    *("file_id", "fileid", "audio", "audio_file", "wav", "path", "file_path", "filepath"),
    *("audio_path", "id", "name", "trial", "trial_id"),
)
_SCORE = ("score", "cm_score", "scores", "cm_scores", "cmscore", "llr", "cm_llr")
_BONAFIDE = (
    *("bonafide", "bona_fide", "logit_bonafide", "bonafide_logit", "score_bonafide"),
    *("bonafide_score", "log_prob_bonafide", "p_bonafide", "prob_bonafide", "genuine", "real"),
)
_SPOOF = (
    *("spoof", "logit_spoof", "spoof_logit", "score_spoof", "spoof_score", "log_prob_spoof"),
    *("p_spoof", "prob_spoof", "fake", "deepfake"),
)
_LABEL = ("label", "key", "cm_label", "class", "target", "y", "ground_truth", "gt")
_START = ("start", "start_s", "start_time", "begin", "onset", "frame", "frame_index", "time")
_END = ("end", "end_s", "end_time", "stop")
_OTHER = ("", "index", "unnamed:_0", "duration", "duration_s", "length", "speaker", "attack")


class Roles(NamedTuple):
    """Columns by their number from 0."""

    utterance: int
    score: tuple[int, ...]
    """One, or two of which the second is subtracted from the first."""
    label: int | None
    start: int | None
    end: int | None
    why: str
    """What was taken for what, for the user to read."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Columns whose every cell is a number."""
        return (*self.score, *(i for i in (self.start, self.end) if i is not None))


class _Columns:
    """A sample of the rows, and the header's names."""

    def __init__(self, names: Sequence[str] | None, rows: Sequence[Sequence[str]]):
        self.names = names
        self.plain = [_plain(name) for name in names or ()]
        self.cells = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
        self.count = len(self.cells)

    def called(self, known: Sequence[str]) -> list[int]:
        return [i for name in known for i, own in enumerate(self.plain) if own == name]

    def distinct(self, i: int) -> int:
        return len(set(self.cells[i]))

    def numeric(self, i: int) -> bool:
        return mostly(NUMBER, self.cells[i])

    def labels(self, i: int) -> bool:
        return all(cell.lower() in LABELS for cell in self.cells[i])

    def say(self, i: int) -> str:
        return f"{self.names[i]!r}" if self.names else f"column {i + 1}"


def choose(names: Sequence[str] | None, rows: Sequence[Sequence[str]], asked: Reading) -> Roles:
    """Return the roles of columns; `names` is the header, `rows` the first rows, equally long.

    BenchError where a column asked for is not there, or where more than one could be the score.
    """
    columns = _Columns(names, rows)
    utterance = _utterance(columns, asked)
    label = _label(columns, utterance)
    score, how = _asked(columns, asked.column, "column") if asked.column else ((), "")
    start, end = _times(columns, utterance, score)
    if not score:
        score, how = _score(columns, {utterance, label, start, end} - {None})
    wrong = [i for i in score if not columns.numeric(i)]
    if wrong or utterance in score:
        at = wrong[0] if wrong else utterance
        raise BenchError(
            f"{columns.say(at)} holds no scores but e.g. {quoted(columns.cells[at][0], 40)}"
            f"{_numeric(columns)}"
        )
    taken = [f"ids from {columns.say(utterance)}", f"scores from {how}"]
    taken += [f"labels from {columns.say(label)}"] if label is not None else []
    taken += [f"starts of frames from {columns.say(start)}"] if start is not None else []
    taken += [f"their ends from {columns.say(end)}"] if end is not None else []
    return Roles(utterance, score, label, start, end, ", ".join(taken))


def mostly(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether more than half of the cells match."""
    return 2 * sum(pattern.fullmatch(cell) is not None for cell in cells) > len(cells)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _utterance(columns: _Columns, asked: Reading) -> int:
    if asked.id_column:
        (at, *more), _ = _asked(columns, asked.id_column, "id_column")
        if more:
            raise BenchError(f"id_column: {asked.id_column!r} is not one column")
        return at
    by_name = columns.called(_UTTERANCE)
    if by_name:
        return by_name[0]
    words = [i for i in range(columns.count) if not columns.numeric(i) and not columns.labels(i)]
    words = [i for i in words if not columns.names or columns.plain[i] not in _OTHER] or words
    if words:
        return max(words, key=lambda i: (columns.distinct(i), -i))
    whole = re.compile(r"\d+")
    if columns.count > 1 and mostly(whole, columns.cells[0]):
        return 0
    raise BenchError(
        f"there is no column of utterance ids: {columns.count} columns, all of numbers; a line "
        "should be `ID SCORE`"
    )


def _label(columns: _Columns, utterance: int) -> int | None:
    """Return the column of labels in words; one by name before one by content."""
    by_name = columns.called(_LABEL)
    order = [*by_name, *range(columns.count)]
    return next((i for i in order if i != utterance and columns.labels(i)), None)


def _times(columns: _Columns, utterance: int, score: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return the columns of frames' starts and ends, where rows are frames."""
    if columns.names:
        found = [columns.called(known) for known in (_START, _END)]
        start, end = (next((i for i in of if i not in score), None) for of in found)
        return start, end if start is not None else None
    free = [i for i in range(columns.count) if i != utterance and columns.numeric(i)]
    free = [i for i in free if i not in score]
    ids = columns.cells[utterance]
    follows = sum(a == b for a, b in pairwise(ids))
    wanted = 1 if score else 2
    if len(free) not in (wanted, wanted + 1) or 2 * follows < len(ids) - 1 or len(ids) < 2:
        return None, None
    if any(cell.startswith("-") or not NUMBER.fullmatch(cell) for cell in columns.cells[free[0]]):
        return None, None
    return free[0], free[1] if len(free) == wanted + 1 else None


def _score(columns: _Columns, used: set[int | None]) -> tuple[tuple[int, ...], str]:
    by_name = [i for i in columns.called(_SCORE) if i not in used]
    if len(by_name) == 1:
        return (by_name[0],), columns.say(by_name[0])
    pair = [[i for i in columns.called(known) if i not in used] for known in (_BONAFIDE, _SPOOF)]
    if not by_name and all(len(of) == 1 for of in pair):
        bonafide, spoof = pair[0][0], pair[1][0]
        how = f"the difference {columns.say(bonafide)} - {columns.say(spoof)}"
        return (bonafide, spoof), how
    free = by_name or [i for i in range(columns.count) if i not in used and columns.numeric(i)]
    if columns.names and not by_name:
        free = [i for i in free if columns.plain[i] not in (*_OTHER, *_LABEL)]
        if len(free) == 1 and free[0] in pair[1]:
            raise BenchError(
                f"{columns.say(free[0])} is by its name higher for spoof, but scores are needed "
                "that are higher for bona fide; name the column, and --negate if it is so"
            )
    if len(free) == 1:
        return (free[0],), columns.say(free[0])
    if not free:
        raise BenchError(
            f"there is no column of scores{_seen(columns)}; a line should be `ID SCORE`"
        )
    a, b = free[-2] + 1, free[-1] + 1
    raise BenchError(
        f"which column is the score? {', '.join(_example(columns, i) for i in free)} all hold "
        f"numbers; say --column {b}, or --column {a}-{b} for the difference of two logits or "
        "log-probabilities (bona fide first)"
    )


def _asked(columns: _Columns, text: str, what: str) -> tuple[tuple[int, ...], str]:
    """Return the column of that name or number, or the two of a difference `A-B`."""
    one = _find(columns, text)
    if one is not None:
        return (one,), columns.say(one)
    for at in (i for i, letter in enumerate(text) if letter == "-"):
        pair = _find(columns, text[:at]), _find(columns, text[at + 1 :])
        if pair[0] is not None and pair[1] is not None:
            how = f"the difference {columns.say(pair[0])} - {columns.say(pair[1])}"
            return (pair[0], pair[1]), how
    known = f"columns are numbered 1 to {columns.count}"
    hint = near(text, columns.names) if columns.names else f"; {known}, there is no header"
    raise BenchError(f"{what}: there is no column {text!r}{hint}")


def _find(columns: _Columns, text: str) -> int | None:
    names = list(columns.names or ())
    if names.count(text) == 1:
        return names.index(text)
    if columns.plain.count(_plain(text)) == 1:
        return columns.plain.index(_plain(text))
    if re.fullmatch(r"[1-9]\d{0,5}", text) and int(text) <= columns.count:
        return int(text) - 1
    return None


def _example(columns: _Columns, i: int) -> str:
    return f"{columns.say(i)} (e.g. {columns.cells[i][0][:30]})"


def _seen(columns: _Columns) -> str:
    names = columns.names or [column[0] for column in columns.cells]
    return f" among {', '.join(quoted(name, 30) for name in names[:10])}"


def _numeric(columns: _Columns) -> str:
    found = [columns.say(i) for i in range(columns.count) if columns.numeric(i)]
    return f"; numbers are in {', '.join(found)}" if found else ""
