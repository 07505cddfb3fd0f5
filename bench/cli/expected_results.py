"""`--expect eer=0.83,min_tdcf=0.0275`: the results that a verdict should have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bench.errors import BenchError
from bench.evaluation.json_units import in_unit
from bench.metrics import catalogue

if TYPE_CHECKING:
    from bench.metrics.measured import MetricResult

_FORM = "should be METRIC=NUMBER, as eer=0.83 (rates in per cent)"
_EXACT = 12
"""Significant digits of our results that are compared; beyond is the error of floating point."""


class Expected(NamedTuple):
    """A result as somebody gives it."""

    metric: str
    number: Decimal
    """In per cent where the metric is a rate; its decimals say to how many it is rounded."""
    text: str
    """The number as it was written."""

    def is_met(self, value: float) -> bool:
        """Return whether `value` rounds to the number.

        Half a unit in the last place may be rounded up or down, as papers do both.
        """
        ours = in_unit(self.metric, value)
        if math.isnan(ours):
            return False
        exponent = self.number.as_tuple().exponent
        assert isinstance(exponent, int), "a finite number"
        half = Decimal(5).scaleb(exponent - 1)
        return abs(Decimal(f"{ours:.{_EXACT}g}") - self.number) <= half


class ExpectedParam(click.ParamType):
    """The command line's type of a comma list of results."""

    name = "results"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Expected, ...]:
        """Return the results, or refuse what is none."""
        if isinstance(value, tuple):
            return value  # pyright: ignore[reportUnknownVariableType]
        try:
            return tuple(_parse_result(part.strip()) for part in str(value).split(","))
        except BenchError as error:
            self.fail(str(error), param, ctx)


def _parse_result(part: str) -> Expected:
    metric, _, text = (piece.strip() for piece in part.partition("="))
    bare = text.removesuffix("%").strip() if catalogue.is_rate(metric) else text
    try:
        number = Decimal(bare)
    except InvalidOperation:
        raise BenchError("option.invalid", f"{part!r}: {_FORM}") from None
    if not metric or not number.is_finite():
        raise BenchError("option.invalid", f"{part!r}: {_FORM}")
    return Expected(metric, number, bare)


def check_names(
    expected: Iterable[Expected], figures: Mapping[str, MetricResult], notes: Iterable[str] = ()
) -> None:
    """Raise BenchError where a result is expected that the verdict does not have.

    `notes` may say why: `min t-DCF: not computed; it needs ...`.
    """
    for one in expected:
        if one.metric in figures:
            continue
        info = catalogue.find_metric(one.metric)
        why = next((note for note in notes if info and note.startswith(f"{info.label}: ")), "")
        if why:
            raise BenchError("option.unknown-metric", f"--expect {one.metric}={one.text}: {why}")
        close = get_close_matches(one.metric, figures, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise BenchError(
            "option.unknown-metric",
            f"--expect {one.metric}={one.text}: the verdict has no result {one.metric!r}{hint} "
            f"It has {', '.join(figures)}",
        )


def as_dicts(
    expected: Iterable[Expected], figures: Mapping[str, MetricResult]
) -> list[dict[str, Any]]:
    """Return what was expected and what is as JSON can hold it; rates in per cent."""
    return [
        {
            "metric": one.metric,
            "expected": float(one.number),
            "value": None if math.isnan(value) else in_unit(one.metric, value),
            "unit": catalogue.printed_unit(one.metric),
            "is_met": one.is_met(value),
        }
        for one in expected
        for value in (figures[one.metric].value,)
    ]


def end_where_different(expected: Iterable[Expected], figures: Mapping[str, MetricResult]) -> None:
    """Print which results differ from the expected ones; exit with 1 if any does."""
    different = [
        f"{one.metric} is {_format_result(one, figures[one.metric].value)}, expected "
        f"{one.text}{' %' * catalogue.is_rate(one.metric)}"
        for one in expected
        if not one.is_met(figures[one.metric].value)
    ]
    if different:
        click.echo(f"error: not as expected: {'; '.join(different)}", err=True)
        raise click.exceptions.Exit(1)


def _format_result(expected: Expected, value: float) -> str:
    """Return our result with some more digits than the number has: enough to see the difference."""
    exponent = expected.number.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number"
    return catalogue.format_value(expected.metric, value, max(6, 2 - exponent))
