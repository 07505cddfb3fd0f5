"""What whole columns of a score file hold: labels, decisions, confidences.

A file's first rows tell which columns these may be (`bench.evaluation.columns`); only all rows tell
whether they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bench.errors import BenchError
from bench.evaluation.columns import Roles
from bench.evaluation.sample import FEWEST, LABELS, TRUE_FALSE
from bench.evaluation.text_tables import ScoreRows
from bench.metrics.tally import Bools, Floats, Integers

_LOOKED_AT = 1000
_ROUNDED = 1e-6
"""By how much a written confidence may lie outside 0.5 and 1."""


class Labels(NamedTuple):
    """The file's own labels."""

    bonafide: Bools | None = None
    binary: Integers | None = None
    why: str = ""
    """What was made of the column, for the user."""


class Scores(NamedTuple):
    """The scores of a file."""

    score: Floats
    """Shape (n,)."""
    why: str = ""
    """What was done to them, for the user."""
    predicted: Bools | None = None
    """Which rows are predicted bona fide, where the scores were confidences of predictions."""


def score_of(rows: ScoreRows, negate: bool) -> Scores:
    """Return the scores.

    BenchError where a column holds two values only, where scores seem to be confidences of
    predictions and nothing says so, and where `negate` would turn round what are confidences.
    """
    roles = rows.roles
    parts = [column.to_numpy() for column in rows.numbers[: len(roles.score)]]
    for at, part in zip(roles.score, parts, strict=True):
        _refuse_two(roles, at, part)
    if len(parts) == 2:
        with np.errstate(invalid="ignore"):  # inf - inf is NaN, which the checks report
            return Scores(parts[0] - parts[1])
    if roles.predicted is None:
        return Scores(parts[0])
    return _of_prediction(rows, roles.predicted, parts[0], negate)


def labels_of(rows: ScoreRows, score: Floats) -> Labels:
    """Return the file's labels: words, or 0 and 1 for the lower and higher of two numbers.

    A column without a name that follows from the scores by a threshold holds decisions.
    """
    roles = rows.roles
    if roles.label is None:
        return Labels()
    words, code = _encode_words(rows.words[roles.label])
    if all(word in LABELS for word in words):
        return Labels(bonafide=np.array([LABELS[word] for word in words], dtype=np.bool_)[code])
    value = np.array([TRUE_FALSE.get(word, math.nan) for word in words])
    if np.isnan(value).any():
        value = np.array([float(word) for word in words])
    name = _describe_column(roles, roles.label)
    if len(np.unique(value)) < 2:
        return Labels(why=f"; {name} holds only {words[0]}, so no labels")
    high = (value == value.max())[code]
    if roles.label_by == "content" and _follows_threshold(high, score):
        return Labels(why=f"; {name} is a decision by the scores, no label")
    return Labels(binary=high.astype(np.int64))


def refuse_classes(row: Integers, labels: Labels) -> None:
    """Refuse a file that has a row for each class and id, as classifiers give all answers.

    `row` is the id of each row, by number.
    """
    if labels.bonafide is None or len(row) < 2 or len(row) % 2:
        return
    pairs, classes = row.reshape(-1, 2), labels.bonafide.reshape(-1, 2)
    alike = (pairs[:, 0] == pairs[:, 1]) & (classes[:, 0] != classes[:, 1])
    if alike.all():
        raise BenchError(
            "scores.row-per-class",
            "each id has a row for bona fide and one for spoof, as a classifier gives all its "
            "answers: keep the rows of bona fide, without the column of classes",
        )


def _refuse_two(roles: Roles, at: int, part: Floats) -> None:
    if len(part) < FEWEST or len(np.unique(part[:_LOOKED_AT])) > 2:
        return
    values = np.unique(part)
    if len(values) == 2:
        raise BenchError(
            "scores.not-scores",
            f"{_describe_column(roles, at)} holds only {values[0]:g} and {values[1]:g}: this is "
            f"the label or a decision, not the score{roles.instead}",
        )


def _follows_threshold(high: Bools, score: Floats) -> bool:
    """Whether the two groups of scores lie on two sides of a threshold."""
    if not np.isfinite(score).all():
        return False
    above, below = score[high], score[~high]
    return bool(above.min() >= below.max() or below.min() >= above.max())


def _of_prediction(rows: ScoreRows, at: int, score: Floats, negate: bool) -> Scores:
    """Return scores that are higher for bona fide, of confidences of the class beside them.

    Scores that cannot be confidences stay as they are.
    """
    roles = rows.roles
    words, code = _encode_words(rows.words[at])
    are_labels = all(word in LABELS for word in words)
    prediction, confidence = _describe_column(roles, at), _describe_column(roles, roles.score[0])
    if roles.confidence == "asked":
        if not are_labels:
            raise BenchError(
                "scores.not-confidences",
                f"{prediction} holds no classes (bonafide, spoof) but e.g. "
                f"{_first_stranger(words)}",
            )
        if not ((score >= 0) & (score <= 1)).all():
            raise BenchError(
                "scores.not-confidences",
                f"{confidence} holds numbers outside 0 and 1, so no confidences",
            )
    elif not _are_confidences(words, score):
        return Scores(score)
    elif roles.confidence != "named" or not are_labels:
        raise _confidence_question(roles, at, words if not are_labels else ())
    if negate:
        raise BenchError(
            "scores.already-bonafide",
            f"{confidence} is the confidence of the class in {prediction}, so that of bona fide is "
            "known: --higher-is-spoof would turn it round",
        )
    is_bonafide = np.array([LABELS[word] for word in words], dtype=np.bool_)[code]
    why = f"; {confidence} is the confidence of {prediction}: 1 less it where that is spoof"
    return Scores(np.where(is_bonafide, score, 1 - score), why, is_bonafide)


def _are_confidences(words: Sequence[str], score: Floats) -> bool:
    if len(words) != 2 or len(score) < FEWEST:
        return False
    return bool(score.min() >= 0.5 - _ROUNDED and score.max() <= 1 + _ROUNDED)


def _confidence_question(roles: Roles, at: int, unknown: Sequence[str]) -> BenchError:
    prediction, confidence = _describe_column(roles, at), _describe_column(roles, roles.score[0])
    mark, score = roles.marks[at], roles.marks[roles.score[0]]
    what = (
        f"all scores ({confidence}) lie within 0.5 and 1, as the confidence of a predicted class "
        f"does, and {prediction} has two classes: "
    )
    plain = f"if it is no prediction, --label-column {mark}"
    if unknown:
        plain = f"if they are no predictions, --no-labels --column {score}"
        return BenchError(
            "scores.confidences",
            f"{what}which of {' and '.join(unknown)} is bona fide is not said, so write bonafide "
            f"and spoof and say --column {score}@{mark}; {plain}",
        )
    return BenchError(
        "scores.confidences",
        f"{what}if these are predictions, as of a Hugging Face pipeline, say --column "
        f"{score}@{mark} (the score is then the confidence of bona fide); {plain}",
    )


def _encode_words(column: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """Return the different words, trimmed and in small letters, and each row's."""
    whole = column.unify_dictionaries().combine_chunks()
    plain = [str(word).strip().lower() for word in whole.dictionary.to_pylist()]
    words = list(dict.fromkeys(plain))
    index = np.array([words.index(word) for word in plain], dtype=np.int64)
    return words, index[whole.indices.to_numpy()]


def _first_stranger(words: Sequence[str]) -> str:
    return repr(next(word for word in words if word not in LABELS))


def _describe_column(roles: Roles, at: int) -> str:
    mark = roles.marks[at]
    return f"column {mark}" if mark == f"{at + 1}" else f"{mark!r}"


def are_numbered(names: pa.StringArray) -> bool:
    """Whether ids are 0, 1, 2 and so on, in their order, as an index is."""
    count = len(names)
    if count < 2 or names[0].as_py() != "0" or names[-1].as_py() != f"{count - 1}":
        return False
    return names.equals(pa.array(map(str, range(count)), pa.string()))
