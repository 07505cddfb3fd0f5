"""Which column is the score, or which two: taken only where nothing else could be meant, else a
question whose every answer is a sound one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bench.errors import BenchError, quoted
from bench.evaluation.reading import Reading
from bench.evaluation.sample import Sample

_ANTIDEEPFAKE = ["id", "score[1]", "score[2]", "label"]
"""Header of AntiDeepfake's `main.py`, whose scores are `[fake logit, real logit]` by its
`evaluation.py`."""


class Chosen(NamedTuple):
    """The score."""

    columns: tuple[int, ...]
    """One, or two of which the second is subtracted from the first."""
    how: str
    """Which, in words."""
    predicted: int | None = None
    """The column of the class that the score is the confidence of."""
    warning: str = ""
    """What may be wrong about it."""


def asked_for(sample: Sample, asked: Reading, label: int | None) -> Chosen:
    """Return the column that the user names: `A`, `A-B` or `A@B` (the confidence A of the class
    predicted in B).

    BenchError where there is none of that name, where it holds no numbers or labels, and where its
    name says that it is higher for spoof and nothing says that the user knows.
    """
    chosen = _named(sample, asked.column or "")
    for i in chosen.columns:
        kind = sample.kinds[i] if sample.names else ""
        if not sample.numeric(i):
            raise _no_numbers(sample, i, {*chosen.columns, label})
        if sample.row_numbers(i):
            raise BenchError(
                f"{sample.say(i)} holds no scores: these are row numbers"
                f"{instead(sample, {*chosen.columns, label})}"
            )
        if sample.digits(i) and (i == label or kind in ("label", "prediction")):
            what = "these are predictions" if kind == "prediction" else "this is the label"
            raise BenchError(
                f"{sample.say(i)} holds no scores: {what}, with {_few(sample, i)}"
                f"{instead(sample, {*chosen.columns, label})}"
            )
    first, *rest = chosen.columns
    turned = sample.names and (
        sample.sides[first] == "spoof" or any(sample.sides[i] == "bonafide" for i in rest)
    )
    if turned and not asked.negate:
        raise _higher_for_spoof(sample, chosen.columns)
    return chosen


def found(sample: Sample, used: set[int], counted: bool, authors: bool, negate: bool) -> Chosen:
    """Return the score among the columns that are not used.

    `counted`: rows are frames with indices; `authors`: the file is called as those of
    LlamaPartialSpoof's authors' tools are. BenchError with a question where more than one column
    could be meant, and where `negate` would turn round what is higher for bona fide by its name.
    """
    free = _candidates(sample, used)
    words = [i for i in sample.called("score") if i not in used and not sample.numeric(i)]
    if words:
        raise _no_numbers(sample, words[0], used)
    counts = [i for i in range(sample.count) if i not in used and sample.row_numbers(i)]
    if not free and counts:
        raise BenchError(f"{sample.say(counts[0])} holds no scores: these are row numbers")
    if not free:
        raise BenchError(
            f"there is no column of scores{_seen(sample)}; a line should be `ID SCORE`"
        )
    by_name = [i for i in free if sample.names and sample.kinds[i] == "score"]
    if len(by_name) == 1:
        return Chosen((by_name[0],), sample.say(by_name[0]))
    if [name.lower() for name in sample.names or ()] == _ANTIDEEPFAKE:
        return _known(_difference(sample, 2, 1, " (AntiDeepfake's order: fake, real)"), negate)
    sides = [[i for i in free if sample.names and sample.sides[i] == side] for side in _SIDES]
    if not by_name and all(len(of) == 1 for of in sides):
        return _known(_difference(sample, sides[0][0], sides[1][0]), negate)
    if len(free) == 1:
        return _alone(sample, free[0], negate)
    if sample.names is None and len(free) == 2 and (counted or authors):
        return _by_custom(sample, *free)
    raise _question(sample, by_name or free)


def instead(sample: Sample, used: Collection[int | None]) -> str:
    """Say which other columns may hold the score, as the end of a message."""
    numbers = [i for i in _candidates(sample, used) if not sample.digits(i)]
    say = ", ".join(map(sample.say, sorted(numbers, key=lambda i: _rank(sample, i))))
    return f"; numbers are in {say}" if say else ""


_SIDES = ("bonafide", "spoof")


def _candidates(sample: Sample, used: Collection[int | None]) -> list[int]:
    """Return the columns of numbers; those of two whole numbers only where there are no others."""
    free = [i for i in range(sample.count) if i not in used and sample.numeric(i)]
    if sample.names:
        wrong = ("row", "other", "label", "time", "start", "end")
        free = [i for i in free if sample.kinds[i] not in wrong]
    free = [i for i in free if not sample.row_numbers(i)]
    many = [i for i in free if not sample.digits(i) and not sample.two_valued(i)]
    sure = [i for i in many if not sample.names or sample.kinds[i] != "prediction"]
    few = [i for i in free if not sample.names or sample.kinds[i] != "prediction"]
    return sure or many or few


def _alone(sample: Sample, i: int, negate: bool) -> Chosen:
    side = sample.sides[i] if sample.names else ""
    if side == "spoof" and not negate:
        raise _higher_for_spoof(sample, (i,))
    if side == "class":
        mark = sample.mark(i)
        raise BenchError(
            f"{sample.say(i)} does not say which class is meant: say --column {mark} if that is "
            f"bona fide, --column {mark} --negate if it is spoof"
        )
    chosen = Chosen((i,), sample.say(i))
    return _known(chosen, negate) if side == "bonafide" else chosen


def _known(chosen: Chosen, negate: bool) -> Chosen:
    """Refuse to turn round what is higher for bona fide by its names."""
    if negate:
        raise BenchError(
            f"{chosen.how}: by its name higher for bona fide; --negate would turn it round: leave "
            "that out, or name the column"
        )
    return chosen


def _by_custom(sample: Sample, first: int, second: int) -> Chosen:
    """Return the difference of two columns without names in the order that tools write them."""
    order = f"--column {sample.mark(second)}-{sample.mark(first)}"
    return _difference(sample, first, second)._replace(
        warning=f"{sample.say(first)} is taken for bona fide and {sample.say(second)} for spoof, "
        "the order of LlamaPartialSpoof's authors' tools and of WeDefense; if spoof comes first, "
        f"the results are of inverted scores: say {order}"
    )


def _difference(sample: Sample, first: int, second: int, why: str = "") -> Chosen:
    how = f"the difference {sample.say(first)} - {sample.say(second)}{why}"
    return Chosen((first, second), how)


def _higher_for_spoof(sample: Sample, columns: tuple[int, ...]) -> BenchError:
    first, *rest = columns
    if rest:
        back = f"{sample.mark(rest[0])}-{sample.mark(first)}"
        return BenchError(
            f"{sample.say(first)} - {sample.say(rest[0])} is by its names higher for spoof; bona "
            f"fide goes first: say --column {back}"
        )
    return BenchError(
        f"{sample.say(first)} is by its name higher for spoof, but scores are needed that are "
        "higher for bona fide: say --negate; if its name is wrong, name it otherwise in the file"
    )


def _question(sample: Sample, free: Sequence[int]) -> BenchError:
    """Return the question which of the columns is the score, the likeliest first."""
    order = sorted(free, key=lambda i: _rank(sample, i))
    seen = ", ".join(f"{sample.say(i)} (e.g. {sample.cells[i][0][:30]})" for i in order)
    first, second = order[0], order[1]
    side = sample.sides[first] if sample.names else ""
    one = f"--column {sample.mark(first)}{' --negate' if side == 'spoof' else ''}"
    by_name = {"bonafide": ", higher for bona fide by its name", "spoof": ", by its name"}
    a, b = (sample.mark(i) for i in sorted((first, second)))
    pair = ""
    if side not in _SIDES:
        pair = (
            f", or for the difference of two logits or log-probabilities --column {a}-{b} if the "
            f"first of them is bona fide, --column {b}-{a} if the second is"
        )
    turned = [i for i in order[1:] if sample.names and sample.sides[i] == "spoof"]
    need = f"; {sample.say(turned[0])} is higher for spoof: with --negate" if turned else ""
    return BenchError(
        f"which column is the score? {seen} all hold numbers; say for one of them, e.g., "
        f"{one}{by_name.get(side, '')}{pair}{need}"
    )


def _rank(sample: Sample, i: int) -> tuple[int, int]:
    """Order columns: bona fide by name, then a score by name, others, what is spoof by name."""
    if not sample.names:
        return 1, i
    side = sample.sides[i]
    by_side = {"bonafide": 0, "spoof": 3}.get(side, 2)
    return (1 if sample.kinds[i] == "score" else by_side), i


def _named(sample: Sample, text: str) -> Chosen:
    one = sample.find(text)
    if one is not None:
        return Chosen((one,), sample.say(one))
    for at in (i for i, letter in enumerate(text) if letter in "-@"):
        first, second = sample.find(text[:at]), sample.find(text[at + 1 :])
        if first is None or second is None:
            continue
        if text[at] == "-":
            return _difference(sample, first, second)
        how = f"{sample.say(first)}, the confidence of the class in {sample.say(second)}"
        return Chosen((first,), how, second)
    return Chosen((sample.one(text, "--column"),), "")


def _no_numbers(sample: Sample, i: int, used: Collection[int | None]) -> BenchError:
    example = quoted(sample.cells[i][0], 40)
    return BenchError(f"{sample.say(i)} holds no scores but e.g. {example}{instead(sample, used)}")


def _few(sample: Sample, i: int) -> str:
    return " and ".join(sorted(set(sample.cells[i]))) + " only"


def _seen(sample: Sample) -> str:
    names = sample.names or [column[0] for column in sample.cells]
    return f" among {', '.join(quoted(name, 30) for name in names[:10])}"
