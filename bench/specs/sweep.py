"""A sweep as a card: the row it starts from, what is varied and how, what should become least."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bench.specs.base import Absent, Count, Positive, Spec

Point = dict[str, Any]
"""One value of each dimension, by the dimension's name."""


class _Dimension(Spec):
    """A setting that is varied. Its name is the dotted key that it sets, unless `keys` is given."""

    keys: tuple[str, ...] = Field(default=(), strict=False)
    """The dotted keys that get the value, if they differ from the name or are several."""


def _check_range(low: float, high: float, step: float | None, log: bool) -> None:
    if low >= high:
        raise ValueError(f"low = {low}: should be less than high = {high}")
    if log and low <= 0:
        raise ValueError(f"low = {low}: should be above 0 where log is true")
    if log and step not in (None, 1):
        raise ValueError(f"step = {step}: should be left out where log is true")
    if step is not None and abs((high - low) / step - round((high - low) / step)) > 1e-6:
        raise ValueError(f"step = {step}: should divide the range from {low} to {high}")


class Float(_Dimension):
    """A number in a range, both ends included; with `step`, one of finitely many."""

    kind: Literal["float"]
    low: float
    high: float
    step: Positive | None = None
    log: bool = False
    """Whether values are drawn evenly on a log scale."""

    @model_validator(mode="after")
    def _check_order(self) -> Float:
        _check_range(self.low, self.high, self.step, self.log)
        return self

    def edge_values(self) -> list[float]:
        """Return the least and the greatest value."""
        return [self.low, self.high]

    def all_values(self) -> list[float] | None:
        """Return all values in order; None where there is no step."""
        if self.step is None:
            return None
        n = round((self.high - self.low) / self.step) + 1
        return [self.round_value(self.low + i * self.step) for i in range(n)]

    def round_value(self, value: float) -> float:
        """Return `value` as a trial uses it, within the range.

        It has four digits where there is no step.
        """
        digits = 4 if self.step is None else 12
        return min(max(float(f"{value:.{digits}g}"), self.low), self.high)


class Int(_Dimension):
    """A whole number in a range, both ends included."""

    kind: Literal["int"]
    low: int
    high: int
    step: Count = 1
    log: bool = False
    """Whether values are drawn evenly on a log scale."""

    @model_validator(mode="after")
    def _check_order(self) -> Int:
        _check_range(self.low, self.high, self.step, self.log)
        return self

    def edge_values(self) -> list[int]:
        """Return the least and the greatest value."""
        return [self.low, self.high]

    def all_values(self) -> list[int]:
        """Return all values in order."""
        return list(range(self.low, self.high + 1, self.step))


class Categories(_Dimension):
    """One of several values without an order: texts, numbers, or whole tables of settings."""

    kind: Literal["categories"]
    choices: tuple[Any, ...] = Field(alias="values", min_length=2, strict=False)

    @model_validator(mode="after")
    def _check_distinct(self) -> Categories:
        for index, value in enumerate(self.choices):
            if value in self.choices[:index]:
                raise ValueError(f"values = {value!r}: should be there once")
        return self

    def all_values(self) -> list[Any]:
        """Return all values as the card has them."""
        return list(self.choices)

    def edge_values(self) -> list[Any]:
        """Return all values: none is between others."""
        return list(self.choices)


Dimension = Annotated[Float | Int | Categories, Field(discriminator="kind")]


class Tpe(Spec):
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), as Optuna has it."""

    kind: Literal["tpe"]
    seed: int = 0
    startup_trials: Count = 10
    """Number of random trials before the estimator is used."""


class RandomSampler(Spec):
    """Every trial is random."""

    kind: Literal["random"]
    seed: int = 0


class Grid(Spec):
    """Every point of the space once, in order; the last dimension changes fastest."""

    kind: Literal["grid"]


class Median(Spec):
    """Stop a trial that is worse than the median of the others.

    The best epochs so far are compared, after as many epochs.
    """

    kind: Literal["median"]
    startup_trials: Count = 5
    """Number of finished trials before any trial can be stopped."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    """Number of epochs before a trial can be stopped."""


class Hyperband(Spec):
    """Hyperband (Li et al., JMLR 18, 2018): brackets of successive halving."""

    kind: Literal["hyperband"]
    least_epochs: Count = 1
    factor: Annotated[int, Field(ge=2)] = 3
    """After each bracket, one trial in `factor` continues, with `factor` times the epochs."""


class PublishedPoint(Spec):
    """What a paper's text prints of the setting that is swept.

    It is an error rate, or the value where the error rate is least.
    """

    metric: str
    """`<evaluation>.eer`, or the name of a mean in the row's table, e.g. `average.eer`."""
    value: float | None = None
    """Value of the setting; left out if the text does not state it."""
    figure: float | None = None
    """The result in per cent; left out if the text only says which value is best."""
    best: bool = False
    """Whether the text says that it is the lowest of all values."""

    @model_validator(mode="after")
    def _says_something(self) -> PublishedPoint:
        if self.figure is None and not (self.best and self.value is not None):
            raise ValueError("figure: is missing; only a value that is the best needs none")
        return self


class Sweep(Spec):
    """The card of a sweep."""

    key: str
    """Its name: `sal-lambda`."""
    form: Literal["paper", "smoke"]
    title: str
    caption: str = ""
    notes: tuple[str, ...] = Field(default=(), strict=False)
    parent: str = Field(alias="from")
    """The row that every trial starts from: `<table>:<row>`, e.g. `sal/table4:S7`."""
    base: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Settings that every trial changes in that row."""
    space: dict[str, Dimension] = Field(min_length=1)
    """The settings that are varied, by dotted key."""
    sampler: Annotated[Tpe | RandomSampler | Grid, Field(discriminator="kind")]
    pruner: Annotated[Absent | Median | Hyperband, Field(discriminator="kind")] = Absent(
        kind="none"
    )
    objective: Literal["dev.eer", "dev.loss"] = "dev.eer"
    """What is minimized: the value at the epoch whose weights are kept, or the mean over seeds. It
    cannot be a result on a test set."""
    trials: Count | None = None
    """Total number of trials (default for a grid: every point)."""
    epochs: Count | None = None
    """Epochs of each training (default: the row's)."""
    seeds: tuple[int, ...] = Field(default=(), strict=False)
    """Each trial is trained once with each seed (default: the row's first seed)."""
    evaluate: Literal["nothing", "as-row"] = "nothing"
    """Whether trials are also scored on the row's test sets, for plots. They never choose the
    best trial."""
    published: tuple[PublishedPoint, ...] = Field(default=(), strict=False)
    """Results of this sweep in the paper's text, shown beside ours."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Sweep:
        keys = [key for name, dimension in self.space.items() for key in dimension.keys or (name,)]
        for index, key in enumerate(keys):
            for other in keys[:index]:
                if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                    raise ValueError(f"space.{key}: is set by two dimensions")
        return self

    @model_validator(mode="after")
    def _check_countable(self) -> Sweep:
        if self.sampler.kind == "grid":
            for name, dimension in self.space.items():
                if dimension.all_values() is None:
                    raise ValueError(f"space.{name}.step: is missing, and the sampler is a grid")
        elif self.trials is None:
            raise ValueError("trials: is missing, and the sampler is no grid")
        return self

    @model_validator(mode="after")
    def _published_fit(self) -> Sweep:
        if self.published and len(self.space) > 1:
            raise ValueError("published: should be left out where several settings are swept")
        for line in self.published if self.form == "paper" else ():
            (dimension,) = self.space.values()
            values = dimension.all_values()
            if line.value is not None and values is not None and line.value not in values:
                raise ValueError(f"published.value = {line.value}: the sweep has no such value")
        return self

    def grid_points(self) -> list[Point] | None:
        """Return every point of the space, the last dimension changing fastest.

        None where there are more than can be listed.
        """
        values = [dimension.all_values() for dimension in self.space.values()]
        counted = [choices for choices in values if choices is not None]
        if len(counted) < len(values) or math.prod(map(len, counted)) > 100_000:
            return None
        return [
            dict(zip(self.space, choices, strict=True)) for choices in itertools.product(*counted)
        ]

    def edge_points(self) -> Iterator[Point]:
        """Yield a point for each end or value of each dimension, the others at their first."""
        first: Point = {name: dimension.edge_values()[0] for name, dimension in self.space.items()}
        yield first
        for name, dimension in self.space.items():
            yield from ({**first, name: value} for value in dimension.edge_values()[1:])

    @property
    def trial_count(self) -> int:
        """How many trials the card asks for."""
        return self.trials or len(self.grid_points() or [])
