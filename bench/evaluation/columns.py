"""Which column of a score file is what: by its header's names, or by what the columns hold.

A column is taken only where nothing else could be meant; otherwise the answer is a question.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bench.errors import BenchError, quoted
from bench.evaluation import score_column
from bench.evaluation.frame_columns import times
from bench.evaluation.names import UTTERANCE, is_truth
from bench.evaluation.reading import HINT, Reading
from bench.evaluation.sample import LABELS, Sample, mostly, two_whole

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
        found = (self.label, self.predicted, *(i for _, i in self.fields))
        return tuple(dict.fromkeys(i for i in found if i is not None))


def choose(
    names: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    asked: Reading,
    later: Mapping[int, Sequence[str]] = _NOTHING,
    authors: bool = False,
) -> Roles:
    """Return the roles of columns; `names` is the header, `rows` the first rows, equally long.

    `later` holds cells from further down that are unlike the first ones (`unlike`). `authors`: the
    file is called as those of LlamaPartialSpoof's authors' tools are, whose columns without names
    are id, bona fide, spoof.

    BenchError where a column asked for is not there, or where more than one could be the score.
    """
    sample = Sample(names, rows, later)
    utterance, counted = _utterance(sample, asked)
    wanted = score_column.asked_for(sample, asked, None) if asked.column else None
    taken = wanted.columns if wanted else ()
    start, end, indexed = times(sample, utterance, taken)
    used = {i for i in (utterance, start, end) if i is not None}
    label = _label(sample, asked, used, taken)
    used |= {label} if label is not None else set()
    if wanted:
        chosen = score_column.asked_for(sample, asked, label)
    else:
        chosen = score_column.found(sample, used, indexed, authors, asked.negate)
    if utterance in chosen.columns:
        raise BenchError(
            f"{sample.say(utterance)} holds no scores but e.g. "
            f"{quoted(sample.cells[utterance][0], 40)}"
            f"{score_column.instead(sample, {utterance, label})}"
        )
    used |= set(chosen.columns)
    predicted = chosen.predicted
    if predicted is None:
        predicted = _predicted(sample, asked, used - {label}, chosen.columns)
    elif predicted == label:
        label = None
    label_by = _label_by(sample, asked, label)
    return Roles(
        utterance,
        chosen.columns,
        label,
        start,
        end,
        _why(sample, utterance, chosen.how, label, start, end, used),
        label_by=label_by,
        strict=label is not None and sample.labels(label) and label_by != "content",
        predicted=predicted,
        confidence=_confidence(sample, chosen.predicted, predicted),
        fields=tuple((name, _field(sample, name, used - {label})) for name in asked.fields),
        counted=counted,
        warning=chosen.warning,
        instead=score_column.instead(sample, used),
        marks=tuple(map(sample.mark, range(sample.count))),
    )


def unlike(roles: Roles, words: Sequence[str]) -> Mapping[int, Sequence[str]]:
    """Return, for `choose`, what of the labels' different words is unlike what its first rows said;
    empty where they are labels all through.
    """
    plain = [word.strip() for word in words]
    fine = all(word.lower() in LABELS for word in plain) or two_whole(plain)
    if roles.label is None or roles.strict or fine:
        return {}
    known = [word for word in plain if word.lower() in LABELS]
    strangers = [word for word in plain if word.lower() not in LABELS]
    return {roles.label: [*known[:1], *strangers[:_MANY]]}


def _utterance(sample: Sample, asked: Reading) -> tuple[int, bool]:
    """Return the column of ids, and whether they may be row numbers."""
    if asked.id_column:
        return sample.one(asked.id_column, "--id-column"), False
    by_name = sample.named(UTTERANCE)
    if by_name:
        return by_name[0], by_name == sample.named(("id",))
    words = [i for i in range(sample.count) if not sample.numeric(i) and not sample.labels(i)]
    unnamed = [i for i in words if not sample.names or sample.kinds[i] in ("", "row")]
    if words:
        return max(unnamed or words, key=lambda i: (sample.distinct(i), -i)), False
    whole = re.compile(r"\d+")
    if sample.count > 1 and mostly(whole, sample.cells[0]):
        if sample.names and sample.kinds[0] == "row":
            raise BenchError(
                f"{sample.say(0)} holds row numbers ({', '.join(sample.cells[0][:3])}, ...), no "
                "file names; which column holds the file names? say --id-column 1 if it is this one"
            )
        return 0, True
    raise BenchError(
        f"there is no column of utterance ids: {sample.count} columns, all of numbers; a line "
        f"should be `ID SCORE`; {HINT}"
    )


def _label(sample: Sample, asked: Reading, used: set[int], score: tuple[int, ...]) -> int | None:
    """Return the column of labels: by name before by content, words before digits."""
    if asked.label_column:
        at = sample.one(asked.label_column, "--label-column")
        if sample.labels(at) or sample.digits(at):
            return at
        stranger = next(cell for cell in sample.cells[at] if cell.lower() not in LABELS)
        raise BenchError(
            f"--label-column: {sample.say(at)} holds no labels (bonafide, spoof; 0, 1) but e.g. "
            f"{quoted(stranger, 40)}"
        )
    if not asked.labels:
        return None
    free = [i for i in range(sample.count) if i not in {*used, *score}]
    by_name = [i for i in sample.called("label") if i in free]
    by_name.sort(key=lambda i: not _is_truth(sample, i))
    unnamed = [i for i in free if not sample.names or sample.kinds[i] == ""]
    words = [i for i in (*by_name, *unnamed) if sample.labels(i)]
    if words:
        return words[0]
    sided = [i for i in unnamed if sample.names and sample.sides[i] in ("bonafide", "spoof")]
    digits = [i for i in (*by_name, *sided) if sample.digits(i)]
    if sample.names is None:
        digits = [i for i in unnamed if sample.digits(i)]
        others = [i for i in unnamed if sample.numeric(i) and not sample.digits(i)]
        if len(digits) > 1 or not (others or score):
            return None  # which of them is the label is not known; or it is the only score
    return digits[0] if digits else None


def _predicted(
    sample: Sample, asked: Reading, used: set[int], score: tuple[int, ...]
) -> int | None:
    """Return the column of two classes that may be predictions; none where the user says what is
    label and what is score.
    """
    if asked.label_column or (asked.column and not asked.labels) or len(score) > 1:
        return None
    if sample.names and any(sample.sides[i] for i in score):
        return None  # its name says of which class
    free = [i for i in range(sample.count) if i not in used and sample.distinct(i) <= 2]
    named = [i for i in sample.called("prediction", "label") if i in free]
    named = [i for i in named if not _is_truth(sample, i)]
    named.sort(key=lambda i: sample.kinds[i] != "prediction")
    if not named and not sample.called("label"):
        by_content = _label(sample, Reading(), used, score)
        named = [by_content] if by_content in free else []
    return named[0] if named else None


def _confidence(
    sample: Sample, said: int | None, predicted: int | None
) -> Literal["asked", "named", ""]:
    if said is not None:
        return "asked"
    return "named" if predicted is not None and predicted in sample.called("prediction") else ""


def _label_by(
    sample: Sample, asked: Reading, label: int | None
) -> Literal["content", "name", "truth"]:
    if asked.label_column:
        return "truth"
    if label is None or label not in sample.called("label"):
        return "content"
    return "truth" if _is_truth(sample, label) else "name"


def _is_truth(sample: Sample, i: int) -> bool:
    return sample.names is not None and is_truth(sample.names[i])


def _field(sample: Sample, name: str, used: Collection[int | None]) -> int:
    at = sample.one(name, "--by")
    if at in used:
        raise BenchError(f"--by: {sample.say(at)} holds ids, scores or times")
    return at


def _why(
    sample: Sample,
    utterance: int,
    how: str,
    label: int | None,
    start: int | None,
    end: int | None,
    used: set[int],
) -> str:
    """Say what was taken for what, and what was not used though it looks like scores or labels."""
    taken = [f"ids from {sample.say(utterance)}", f"scores from {how}"]
    taken += [f"labels from {sample.say(label)}"] if label is not None else []
    taken += [f"starts of frames from {sample.say(start)}"] if start is not None else []
    taken += [f"their ends from {sample.say(end)}"] if end is not None else []
    free = [i for i in range(sample.count) if i not in used]
    decided = [i for i in free if sample.names and sample.kinds[i] == "prediction"]
    taken += [f"{sample.say(i)} is a prediction, not used" for i in decided]
    left = [i for i in free if i not in decided and (sample.numeric(i) or sample.labels(i))]
    taken += [f"not used: {', '.join(map(sample.say, left[:_MANY]))}"] if left else []
    return ", ".join(taken)
