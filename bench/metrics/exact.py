"""Exact bounds of metrics that rest on few errors, where a bootstrap alone is too narrow.

A bootstrap draws what was seen. For trials without an error it gives [0, 0], although with a true
rate of 0.03 % every ninth set of 7,355 trials has no error. The exact bounds of a binomial rate
(Clopper and Pearson, Biometrika 26, 1934) hold for any rate. Here they bound the miss rate and the
false alarm rate at every threshold; a metric lies between its values on the curve of both lower
bounds and on the curve of both upper bounds (`bound_curves`).

For the EER, the bounds of either class are two-sided 95 % bounds, not wider ones for two classes.
At the true crossing each of them fails in 2.5 % of samples on a side. But the crossing is
estimated, too: the bounds of the EER fail only where both curves are on the same side of the truth
at every threshold. Where both rates are normal around the crossing, with standard deviations σ and
slopes f, that happens beyond 1.96 (σ₁ f₂ + σ₂ f₁) / (f₁ + f₂). That is 1.96 standard deviations of
the EER, sqrt(σ₁² f₂² + σ₂² f₁²) / (f₁ + f₂), where one rate varies alone, and at most 1.41 times as
much. `tests/benchmarks/bench_coverage.py` shows how often the bounds hold.

There are two limits. An unseen trial is taken to score no worse than the worst that was seen;
without such an assumption a mean of unlimited costs (Cllr) has no bound. And where errors are many
but neither rate has a slope at the crossing (gross outliers of both classes and nothing between),
only percentiles count, and they hold the true EER in 85 to 92 % of samples.

Utterances are taken to be independent. Errors of frames cluster within utterances, so the number of
trials is that of utterances (`worth`: of equally long ones), and the number of errors is the rate
times this number. That treats an utterance as wrong as a whole or not at all, which makes the
bounds rather too wide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from bench.metrics.items import Items, count_items, items_eer
from bench.metrics.plans import sum_groups
from bench.metrics.tally import Bools, Floats, ScoreCounts, accumulate_errors, next_below

FEW = 10
"""Where fewer units than these carry the errors of a class, exact bounds count."""

FEW_PAIRS = 30
"""The same of the AUC and the like, in which a trial weighs as much as it is passed by those of the
other class: few of them may weigh as much as all others."""

_EVERY = 300
"""Bounds are computed for each number of errors up to this one, and beyond for as many again, with
straight lines between."""


class RateBounds(NamedTuple):
    """Lower and upper bound of rates; fractions."""

    low: Floats
    high: Floats


def binomial_bounds(wrong: Floats, n: float, level: float = 0.95) -> RateBounds:
    """Return the exact two-sided bounds of the rates of `wrong` errors among `n` trials.

    `wrong` is of any shape and need not be whole. The bounds are quantiles of beta distributions
    (Clopper and Pearson 1934): at the lower bound, so many errors or more have the probability
    (1 - level) / 2; at the upper bound, so many or fewer have it.

    >>> found = binomial_bounds(np.array([0.0, 3.0]), 7355)
    >>> [f"{100 * low:.4f} to {100 * high:.4f} %" for low, high in zip(*found)]
    ['0.0000 to 0.0501 %', '0.0084 to 0.1192 %']
    """
    # Here and not above: `bench show` needs no SciPy, which takes a quarter of its time to import.
    from scipy.special import betaincinv

    wrong = np.asarray(wrong, dtype=np.float64)
    right, tail = n - wrong, (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(wrong > 0, betaincinv(wrong, right + 1, tail), 0.0)
        high = np.where(right > 0, betaincinv(wrong + 1, right, 1 - tail), 1.0)
    return RateBounds(low, high)


def effective_count(weights: Floats) -> float:
    """Return how many equal weights the weights are worth.

    It is their sum's square over the sum of their squares (Kish, Survey Sampling, 1965, section
    11.2); 0 where no weight is above 0.

    >>> effective_count(np.array([2.0, 2.0, 0.0])), effective_count(np.array([9.0, 1.0]))
    (2.0, 1.2195121951219512)
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def bound_curves(
    counts: ScoreCounts, n_bonafide: float, n_spoof: float
) -> tuple[ScoreCounts, ScoreCounts]:
    """Return counted scores whose rates are the lower bounds at every threshold, and the upper.

    Weights add up to 1 in each class. Rates are those of `n_bonafide` and `n_spoof` independent
    trials. Thresholds at which nothing is rejected or accepted have bounds, too: an unseen trial
    may lie beyond all that were seen.

    >>> from bench.metrics.det import eer_of
    >>> from bench.metrics.tally import count_scores
    >>> best, worst = bound_curves(count_scores([2.0] * 60, [1.0] * 60), 60, 60)
    >>> eer_of(best).eer, round(eer_of(worst).eer, 4)
    (0.0, 0.0596)
    """
    missed, rejected = accumulate_errors(counts)
    miss_rate = np.append(0.0, missed) / missed[-1]
    false_alarm_rate = np.append(rejected[-1], rejected[-1] - rejected) / rejected[-1]
    above = math.nextafter(counts.score[-1], math.inf)
    score = np.concatenate([[next_below(counts.score[0])], counts.score, [above]])
    low, high = (
        ScoreCounts(
            score,
            np.diff(miss, prepend=0.0, append=1.0),
            -np.diff(false_alarm, prepend=1.0, append=0.0),
        )
        for miss, false_alarm in zip(
            _bounds_of_rates(miss_rate, n_bonafide),
            _bounds_of_rates(false_alarm_rate, n_spoof),
            strict=True,
        )
    )
    return low, high


class ThresholdErrors(NamedTuple):
    """The errors at one threshold."""

    missed: float
    """Bona fide items that are rejected."""
    accepted: float
    """Spoof items that are accepted."""
    few: bool
    """Whether fewer than `FEW` units carry the errors of either class."""


class BoundedItems:
    """Items whose errors can be counted, and metrics bounded."""

    def __init__(self, items: Items):
        self.items = items
        self._is_bonafide, self._is_spoof = items.bonafide > 0, items.spoof > 0

    @property
    def bonafide(self) -> float:
        """How many items are bona fide."""
        return float(self._is_bonafide.sum())

    @property
    def spoof(self) -> float:
        """How many items are spoof; those of which a part is are both."""
        return float(self._is_spoof.sum())

    @cached_property
    def counts(self) -> ScoreCounts:
        """Their tally."""
        return count_items(self.items)

    @cached_property
    def crossing(self) -> float:
        """The threshold of their equal error rate."""
        return items_eer(self.items).threshold

    def count_errors(self, threshold: float) -> ThresholdErrors:
        """Return the errors where bona fide is accepted where `score > threshold`."""
        accepted = self.items.score > threshold
        missed, accepted = self._is_bonafide & ~accepted, self._is_spoof & accepted
        carried = min(
            self._count_units(self.items.bonafide, missed),
            self._count_units(self.items.spoof, accepted),
        )
        return ThresholdErrors(float(missed.sum()), float(accepted.sum()), carried < FEW)

    @cached_property
    def few_pairs(self) -> bool:
        """Whether fewer than `FEW_PAIRS` units of either class carry what the AUC lacks to 1.

        That is the pairs in which a spoof scores above a bona fide item.
        """
        counts, at = self.counts, np.searchsorted(self.counts.score, self.items.score)
        missed, rejected = accumulate_errors(counts)
        above = 1 - (rejected - counts.spoof / 2) / rejected[-1]
        below = (missed - counts.bonafide / 2) / missed[-1]
        carried = (self.items.bonafide * above[at], self.items.spoof * below[at])
        return min(map(self._count_units, carried)) < FEW_PAIRS

    def _count_units(self, weights: Floats, chosen: Bools | slice = slice(None)) -> float:
        """Return how many units carry the weights of the chosen items."""
        return effective_count(sum_groups(self.items.unit[chosen], weights[chosen], 0))

    def bound_measure(self, measure: Callable[[ScoreCounts], float]) -> tuple[float, float]:
        """Return the least and the largest value of a measure on the curves and on the items."""
        values = [measure(self.counts), *(measure(curve) for curve in self._bound_curves)]
        return min(values), max(values)

    @cached_property
    def _bound_curves(self) -> tuple[ScoreCounts, ScoreCounts]:
        n_bonafide = self._count_units(self.items.bonafide, self._is_bonafide)
        n_spoof = self._count_units(self.items.spoof, self._is_spoof)
        return bound_curves(self.counts, n_bonafide, n_spoof)


def _bounds_of_rates(rates: Floats, n: float) -> RateBounds:
    """Return the bounds of ascending or descending rates of `n` trials."""
    at, rate_bounds = _bound_counts(n)
    wrong = rates * n
    return RateBounds(np.interp(wrong, at, rate_bounds.low), np.interp(wrong, at, rate_bounds.high))


@lru_cache(maxsize=256)
def _bound_counts(n: float) -> tuple[Floats, RateBounds]:
    """Return some numbers of errors among `n` trials with their bounds.

    The cells of a breakdown share their bona fide trials.
    """
    few = np.arange(min(n, _EVERY))
    many = np.geomspace(1, n + 1, _EVERY) - 1
    at = np.unique(np.concatenate([few, many, n - few, n - many]).clip(0, n))
    return at, binomial_bounds(at, n)
