"""Which column is the score, or which two.

A column is taken only where nothing else could be meant; else the error is a question whose every
answer is a sound one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bench.errors import BenchError, quote_text
from bench.evaluation.read_options import ReadOptions
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


def take_named(sample: Sample, asked: ReadOptions, label: int | None) -> Chosen:
    """Return the column that the user names: `A`, `A-B` or `A@B`.

    `A@B` is the confidence A of the class predicted in B. BenchError where there is none of that
    name, where it holds no numbers or labels, and where its name says that it is higher for spoof
    and nothing says that the user knows.
    """
    chosen = _parse_option(sample, asked.column or "")
    for i in chosen.columns:
        kind = sample.kinds[i] if sample.names else ""
        if not sample.is_numeric(i):
            raise _no_numbers(sample, i, {*chosen.columns, label})
        if sample.are_row_numbers(i):
            raise BenchError(
                "scores.not-scores",
                f"{sample.describe_column(i)} holds no scores: these are row numbers"
                f"{suggest_others(sample, {*chosen.columns, label})}",
            )
        if sample.are_digits(i) and (i == label or kind in ("label", "prediction")):
            what = "these are predictions" if kind == "prediction" else "this is the label"
            raise BenchError(
                "scores.not-scores",
                f"{sample.describe_column(i)} holds no scores: {what}, with "
                f"{_list_values(sample, i)}{suggest_others(sample, {*chosen.columns, label})}",
            )
    first, *rest = chosen.columns
    turned = sample.names and (
        sample.sides[first] == "spoof" or any(sample.sides[i] == "bonafide" for i in rest)
    )
    if turned and not asked.negate:
        raise _higher_for_spoof(sample, chosen.columns)
    return chosen


def find_score(
    sample: Sample, used: set[int], counted: bool, authors: bool, negate: bool
) -> Chosen:
    """Return the score among the columns that are not used.

    `counted`: rows are frames with indices; `authors`: the file is called as those of
    LlamaPartialSpoof's authors' tools are. BenchError with a question where more than one column
    could be meant, and where `negate` would turn round what is higher for bona fide by its name.
    """
    free = _find_candidates(sample, used)
    words = [
        i for i in sample.columns_of_kind("score") if i not in used and not sample.is_numeric(i)
    ]
    if words:
        raise _no_numbers(sample, words[0], used)
    counts = [i for i in range(sample.count) if i not in used and sample.are_row_numbers(i)]
    if not free and counts:
        raise BenchError(
            "scores.not-scores",
            f"{sample.describe_column(counts[0])} holds no scores: these are row numbers",
        )
    if not free:
        raise BenchError(
            "scores.not-scores",
            f"there is no column of scores{_list_names(sample)}; a line should be `ID SCORE`",
        )
    by_name = [i for i in free if sample.names and sample.kinds[i] == "score"]
    if len(by_name) == 1:
        return Chosen((by_name[0],), sample.describe_column(by_name[0]))
    if [name.lower() for name in sample.names or ()] == _ANTIDEEPFAKE:
        return _refuse_negation(
            _take_difference(sample, 2, 1, " (AntiDeepfake's order: fake, real)"), negate
        )
    sides = [[i for i in free if sample.names and sample.sides[i] == side] for side in _SIDES]
    if not by_name and all(len(columns) == 1 for columns in sides):
        return _refuse_negation(_take_difference(sample, sides[0][0], sides[1][0]), negate)
    if len(free) == 1:
        return _take_single(sample, free[0], negate)
    if sample.names is None and len(free) == 2 and (counted or authors):
        return _by_custom(sample, *free)
    raise _ask_which(sample, by_name or free)


def suggest_others(sample: Sample, used: Collection[int | None]) -> str:
    """Say which other columns may hold the score, as the end of a message."""
    numbers = [i for i in _find_candidates(sample, used) if not sample.are_digits(i)]
    say = ", ".join(
        map(sample.describe_column, sorted(numbers, key=lambda i: _rank_column(sample, i)))
    )
    return f"; numbers are in {say}" if say else ""


_SIDES = ("bonafide", "spoof")


def _find_candidates(sample: Sample, used: Collection[int | None]) -> list[int]:
    """Return the columns of numbers; those of two whole numbers only where there are no others."""
    free = [i for i in range(sample.count) if i not in used and sample.is_numeric(i)]
    if sample.names:
        wrong = ("row", "other", "label", "time", "start", "end")
        free = [i for i in free if sample.kinds[i] not in wrong]
    free = [i for i in free if not sample.are_row_numbers(i)]
    many = [i for i in free if not sample.are_digits(i) and not sample.is_two_valued(i)]
    sure = [i for i in many if not sample.names or sample.kinds[i] != "prediction"]
    few = [i for i in free if not sample.names or sample.kinds[i] != "prediction"]
    return sure or many or few


def _take_single(sample: Sample, i: int, negate: bool) -> Chosen:
    side = sample.sides[i] if sample.names else ""
    if side == "spoof" and not negate:
        raise _higher_for_spoof(sample, (i,))
    if side == "class":
        mark = sample.column_option(i)
        raise BenchError(
            "scores.which-column",
            f"{sample.describe_column(i)} does not say which class is meant: say --column {mark} "
            f"if that is bona fide, --column {mark} --higher-is-spoof if it is spoof",
        )
    chosen = Chosen((i,), sample.describe_column(i))
    return _refuse_negation(chosen, negate) if side == "bonafide" else chosen


def _refuse_negation(chosen: Chosen, negate: bool) -> Chosen:
    """Refuse to turn round what is higher for bona fide by its names."""
    if negate:
        raise BenchError(
            "scores.already-bonafide",
            f"{chosen.how}: by its name higher for bona fide; --higher-is-spoof would turn it "
            "round: leave that out, or name the column",
        )
    return chosen


def _by_custom(sample: Sample, first: int, second: int) -> Chosen:
    """Return the difference of two columns without names in the order that tools write them."""
    order = f"--column {sample.column_option(second)}-{sample.column_option(first)}"
    return _take_difference(sample, first, second)._replace(
        warning=f"{sample.describe_column(first)} is taken for bona fide and "
        f"{sample.describe_column(second)} for spoof, the order of LlamaPartialSpoof's "
        "authors' tools and of WeDefense; if spoof comes first, the "
        f"results are of inverted scores: say {order}"
    )


def _take_difference(sample: Sample, first: int, second: int, why: str = "") -> Chosen:
    how = f"the difference {sample.describe_column(first)} - {sample.describe_column(second)}{why}"
    return Chosen((first, second), how)


def _higher_for_spoof(sample: Sample, columns: tuple[int, ...]) -> BenchError:
    first, *rest = columns
    if rest:
        back = f"{sample.column_option(rest[0])}-{sample.column_option(first)}"
        return BenchError(
            "scores.higher-for-spoof",
            f"{sample.describe_column(first)} - {sample.describe_column(rest[0])} is by its names "
            f"higher for spoof; bona fide goes first: say --column {back}",
        )
    return BenchError(
        "scores.higher-for-spoof",
        f"{sample.describe_column(first)} is by its name higher for spoof, but scores are "
        "needed that are higher for bona fide: say --higher-is-spoof; if its name is wrong, "
        "rename it in the file",
    )


def _ask_which(sample: Sample, free: Sequence[int]) -> BenchError:
    """Return the question which of the columns is the score, the likeliest first."""
    order = sorted(free, key=lambda i: _rank_column(sample, i))
    seen = ", ".join(f"{sample.describe_column(i)} (e.g. {sample.cells[i][0][:30]})" for i in order)
    first, second = order[0], order[1]
    side = sample.sides[first] if sample.names else ""
    one = f"--column {sample.column_option(first)}{' --higher-is-spoof' if side == 'spoof' else ''}"
    by_name = {"bonafide": ", higher for bona fide by its name", "spoof": ", by its name"}
    a, b = (sample.column_option(i) for i in sorted((first, second)))
    pair = ""
    if side not in _SIDES:
        pair = (
            f", or for the difference of two logits or log-probabilities --column {a}-{b} if the "
            f"first of them is bona fide, --column {b}-{a} if the second is"
        )
    turned = [i for i in order[1:] if sample.names and sample.sides[i] == "spoof"]
    need = ""
    if turned:
        need = f"; {sample.describe_column(turned[0])} is higher for spoof: with --higher-is-spoof"
    return BenchError(
        "scores.which-column",
        f"which column is the score? {seen} all hold numbers; say for one of them, e.g., "
        f"{one}{by_name.get(side, '')}{pair}{need}",
    )


def _rank_column(sample: Sample, i: int) -> tuple[int, int]:
    """Order columns: bona fide by name, then a score by name, others, what is spoof by name."""
    if not sample.names:
        return 1, i
    side = sample.sides[i]
    by_side = {"bonafide": 0, "spoof": 3}.get(side, 2)
    return (1 if sample.kinds[i] == "score" else by_side), i


def _parse_option(sample: Sample, text: str) -> Chosen:
    one = sample.find_column(text)
    if one is not None:
        return Chosen((one,), sample.describe_column(one))
    for at in (i for i, letter in enumerate(text) if letter in "-@"):
        first, second = sample.find_column(text[:at]), sample.find_column(text[at + 1 :])
        if first is None or second is None:
            continue
        if text[at] == "-":
            return _take_difference(sample, first, second)
        columns = (sample.describe_column(i) for i in (first, second))
        how = ", the confidence of the class in ".join(columns)
        return Chosen((first,), how, second)
    return Chosen((sample.get_column(text, "--column"),), "")


def _no_numbers(sample: Sample, i: int, used: Collection[int | None]) -> BenchError:
    example = quote_text(sample.cells[i][0], 40)
    return BenchError(
        "scores.not-scores",
        f"{sample.describe_column(i)} holds no scores but e.g. {example}"
        f"{suggest_others(sample, used)}",
    )


def _list_values(sample: Sample, i: int) -> str:
    return " and ".join(sorted(set(sample.cells[i]))) + " only"


def _list_names(sample: Sample) -> str:
    names = sample.names or [column[0] for column in sample.cells]
    return f" among {', '.join(quote_text(name, 30) for name in names[:10])}"
