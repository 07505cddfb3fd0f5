"""Which column of a score file is what, by its header's names or by what the columns hold.

A column is taken only where nothing else could be meant; otherwise the answer is a question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bench.errors import BenchError, quote_text
from bench.evaluation import score_column
from bench.evaluation.column_names import UTTERANCE, is_truth
from bench.evaluation.frame_columns import find_times
from bench.evaluation.read_options import HINT, ReadOptions
from bench.evaluation.sample import LABELS, Sample, mostly_match, two_whole

_NOTHING: Mapping[int, Sequence[str]] = MappingProxyType({})
_MANY = 10
"""Different words of a column that are looked at once its first rows said otherwise."""


@dataclass(frozen=True)
class Roles:
    """Columns by their number from 0."""

    utterance: int
    score: tuple[int, ...]
    """One, or two of which the second is subtracted from the first."""
    label: int | None
    """The file's own labels, words (`LABELS`) or two whole numbers."""
    start: int | None
    end: int | None
    why: str
    """What was taken for what, for the user to read."""
    label_by: Literal["content", "name", "truth"] = "content"
    """Whether the labels are known by what they hold, by their name, or as the truth, by their name
    or by what the user says."""
    strict: bool = False
    """Whether any other word than one of `LABELS` is a mistake: they are words, by their name."""
    predicted: int | None = None
    """What may be predictions, beside which the score may be the confidence of either class."""
    confidence: Literal["asked", "named", ""] = ""
    """Whether the user says that the score is that confidence, or the name of `predicted` that it
    is a prediction."""
    fields: tuple[tuple[str, int], ...] = ()
    """Columns asked for as they stand, by the name asked for."""
    counted: bool = False
    """Whether ids may be row numbers: nothing says that they are not."""
    warning: str = ""
    """What may be wrong about the score."""
    instead: str = ""
    """Which columns hold the score if this one does not: the end of a message."""
    marks: tuple[str, ...] = ()
    """What the user says for each column: its name, or number from 1."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Columns whose every cell is a number."""
        return (*self.score, *(i for i in (self.start, self.end) if i is not None))

    @property
    def words(self) -> tuple[int, ...]:
        """Columns of few different words or digits."""
        columns = (self.label, self.predicted, *(i for _, i in self.fields))
        return tuple(dict.fromkeys(i for i in columns if i is not None))


def choose_columns(
    names: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    asked: ReadOptions,
    later: Mapping[int, Sequence[str]] = _NOTHING,
    authors: bool = False,
) -> Roles:
    """Return the roles of columns; `names` is the header, `rows` the first rows, equally long.

    `later` holds cells from further down that differ in kind from the first ones
    (`find_unlike_labels`). `authors`: the file has a name as LlamaPartialSpoof's authors' tools
    give, whose columns without names are id, bona fide, spoof.

    BenchError where a column asked for is not there, or where more than one could be the score.
    """
    sample = Sample(names, rows, later)
    utterance, counted = _find_ids(sample, asked)
    wanted = score_column.take_named(sample, asked, None) if asked.column else None
    taken = wanted.columns if wanted else ()
    start, end, indexed = find_times(sample, utterance, taken)
    used = {i for i in (utterance, start, end) if i is not None}
    label = _find_label(sample, asked, used, taken)
    used |= {label} if label is not None else set()
    if wanted:
        chosen = score_column.take_named(sample, asked, label)
    else:
        chosen = score_column.find_score(sample, used, indexed, authors, asked.negate)
    if utterance in chosen.columns:
        raise BenchError(
            "scores.not-scores",
            f"{sample.describe_column(utterance)} holds no scores but e.g. "
            f"{quote_text(sample.cells[utterance][0], 40)}"
            f"{score_column.suggest_others(sample, {utterance, label})}",
        )
    used |= set(chosen.columns)
    predicted = chosen.predicted
    if predicted is None:
        predicted = _find_prediction(sample, asked, used - {label}, chosen.columns)
    elif predicted == label:
        label = None
    label_by = _label_by(sample, asked, label)
    return Roles(
        utterance,
        chosen.columns,
        label,
        start,
        end,
        _describe_roles(sample, utterance, chosen.how, label, start, end, used),
        label_by=label_by,
        strict=label is not None and sample.are_labels(label) and label_by != "content",
        predicted=predicted,
        confidence=_confidence_by(sample, chosen.predicted, predicted),
        fields=tuple((name, _find_field(sample, name, used - {label})) for name in asked.fields),
        counted=counted,
        warning=chosen.warning,
        instead=score_column.suggest_others(sample, used),
        marks=tuple(map(sample.column_option, range(sample.count))),
    )


def find_unlike_labels(roles: Roles, words: Sequence[str]) -> Mapping[int, Sequence[str]]:
    """Return the words of the label column that are no labels, for `choose_columns`."""
    plain = [word.strip() for word in words]
    fine = all(word.lower() in LABELS for word in plain) or two_whole(plain)
    if roles.label is None or roles.strict or fine:
        return {}
    fitting = [word for word in plain if word.lower() in LABELS]
    strangers = [word for word in plain if word.lower() not in LABELS]
    return {roles.label: [*fitting[:1], *strangers[:_MANY]]}


def _find_ids(sample: Sample, asked: ReadOptions) -> tuple[int, bool]:
    """Return the column of ids, and whether they may be row numbers."""
    if asked.id_column:
        return sample.get_column(asked.id_column, "--id-column"), False
    by_name = sample.columns_named(UTTERANCE)
    if by_name:
        return by_name[0], by_name == sample.columns_named(("id",))
    words = [
        i for i in range(sample.count) if not sample.is_numeric(i) and not sample.are_labels(i)
    ]
    unnamed = [i for i in words if not sample.names or sample.kinds[i] in ("", "row")]
    if words:
        return max(unnamed or words, key=lambda i: (sample.count_distinct(i), -i)), False
    whole = re.compile(r"\d+")
    if sample.count > 1 and mostly_match(whole, sample.cells[0]):
        if sample.names and sample.kinds[0] == "row":
            raise BenchError(
                "scores.no-ids",
                f"{sample.describe_column(0)} holds row numbers "
                f"({', '.join(sample.cells[0][:3])}, ...), no file names; which column holds the "
                "file names? say --id-column 1 if this one does",
            )
        return 0, True
    raise BenchError(
        "scores.no-ids",
        f"there is no column of utterance ids: {sample.count} columns, all of numbers; a line "
        f"should be `ID SCORE`; {HINT}",
    )


def _find_label(
    sample: Sample, asked: ReadOptions, used: set[int], score: tuple[int, ...]
) -> int | None:
    """Return the column of labels: by name before by content, words before digits."""
    if asked.label_column:
        at = sample.get_column(asked.label_column, "--label-column")
        if sample.are_labels(at) or sample.are_digits(at):
            return at
        stranger = next(cell for cell in sample.cells[at] if cell.lower() not in LABELS)
        raise BenchError(
            "scores.not-labels",
            f"--label-column: {sample.describe_column(at)} holds no labels (bonafide, spoof; 0, 1) "
            f"but e.g. {quote_text(stranger, 40)}",
        )
    if not asked.labels:
        return None
    free = [i for i in range(sample.count) if i not in {*used, *score}]
    by_name = [i for i in sample.columns_of_kind("label") if i in free]
    by_name.sort(key=lambda i: not _is_truth(sample, i))
    unnamed = [i for i in free if not sample.names or sample.kinds[i] == ""]
    words = [i for i in (*by_name, *unnamed) if sample.are_labels(i)]
    if words:
        return words[0]
    sided = [i for i in unnamed if sample.names and sample.sides[i] in ("bonafide", "spoof")]
    digits = [i for i in (*by_name, *sided) if sample.are_digits(i)]
    if sample.names is None:
        digits = [i for i in unnamed if sample.are_digits(i)]
        others = [i for i in unnamed if sample.is_numeric(i) and not sample.are_digits(i)]
        if len(digits) > 1 or not (others or score):
            return None  # which of them is the label is not known; or it is the only score
    return digits[0] if digits else None


def _find_prediction(
    sample: Sample, asked: ReadOptions, used: set[int], score: tuple[int, ...]
) -> int | None:
    """Return the column of two classes that may be predictions.

    None where the user says which column is the label or the score.
    """
    if asked.label_column or (asked.column and not asked.labels) or len(score) > 1:
        return None
    if sample.names and any(sample.sides[i] for i in score):
        return None  # its name says of which class
    free = [i for i in range(sample.count) if i not in used and sample.count_distinct(i) <= 2]
    named = [i for i in sample.columns_of_kind("prediction", "label") if i in free]
    named = [i for i in named if not _is_truth(sample, i)]
    named.sort(key=lambda i: sample.kinds[i] != "prediction")
    if not named and not sample.columns_of_kind("label"):
        by_content = _find_label(sample, ReadOptions(), used, score)
        named = [by_content] if by_content in free else []
    return named[0] if named else None


def _confidence_by(
    sample: Sample, asked: int | None, predicted: int | None
) -> Literal["asked", "named", ""]:
    if asked is not None:
        return "asked"
    return "named" if predicted in sample.columns_of_kind("prediction") else ""


def _label_by(
    sample: Sample, asked: ReadOptions, label: int | None
) -> Literal["content", "name", "truth"]:
    if asked.label_column:
        return "truth"
    if label is None or label not in sample.columns_of_kind("label"):
        return "content"
    return "truth" if _is_truth(sample, label) else "name"


def _is_truth(sample: Sample, i: int) -> bool:
    return sample.names is not None and is_truth(sample.names[i])


def _find_field(sample: Sample, name: str, used: Collection[int | None]) -> int:
    at = sample.get_column(name, "--by")
    if at in used:
        raise BenchError(
            "scores.no-field", f"--by: {sample.describe_column(at)} holds ids, scores or times"
        )
    return at


def _describe_roles(
    sample: Sample,
    utterance: int,
    how: str,
    label: int | None,
    start: int | None,
    end: int | None,
    used: set[int],
) -> str:
    """Return which columns are used for what, and which are not used though they could be."""
    taken = [f"ids from {sample.describe_column(utterance)}", f"scores from {how}"]
    taken += [f"labels from {sample.describe_column(label)}"] if label is not None else []
    taken += [f"starts of frames from {sample.describe_column(start)}"] if start is not None else []
    taken += [f"their ends from {sample.describe_column(end)}"] if end is not None else []
    free = [i for i in range(sample.count) if i not in used]
    decided = [i for i in free if sample.names and sample.kinds[i] == "prediction"]
    taken += [f"{sample.describe_column(i)} is a prediction, not used" for i in decided]
    left = [i for i in free if i not in decided and (sample.is_numeric(i) or sample.are_labels(i))]
    taken += [f"not used: {', '.join(map(sample.describe_column, left[:_MANY]))}"] if left else []
    return ", ".join(taken)
