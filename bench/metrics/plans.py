"""What a bootstrap replicate resamples: utterances, speakers, attacks, or speakers and attacks.

Frames of one utterance share a recording, trials of one speaker share a voice, and spoofs of one
attack share a generator. Treating dependent trials as independent makes intervals too narrow (Wu et
al., IEEE/ACM TASLP 25(1), 2017, PMC5484007, on speakers; Ferrer and Riera's `confidence_intervals`
resamples whole conditions for the same reason). So a plan resamples utterances, speakers or attacks
as a whole. A replicate is a vector of weights: how often each of them was drawn. `make_plan` of
`ResamplingFactors` chooses the plan for given trials; intervals and comparisons use it, so that all
resample alike.

NIST's two-layer bootstrap, which also resamples trials within each drawn speaker and is more
conservative, is not here: it needs equally many trials for each speaker, which spoof corpora lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError, near_name
from bench.metrics.tally import Floats, Integers, sort_codes

PLANS = ("utterance", "speaker", "attack", "speaker+attack")

WORDS = {
    "utterance": "utterances",
    "speaker": "speakers",
    "attack": "attacks",
    "speaker+attack": "speakers and attacks",
}
"""What each plan resamples."""

AUTO = "auto"
"""Stands for the plan that fits the trials (`ResamplingFactors.make_plan`)."""


class NothingToResample(BenchError):
    """No interval is defined: there is only one speaker, attack or utterance to resample."""


class ResamplingPlan(NamedTuple):
    """A way to resample utterances."""

    name: str
    """One of `PLANS`."""
    unit: Integers
    """(u,): codes of the utterances, ascending."""
    levels: tuple[Integers, ...]
    """For each factor that is resampled (utterances; speakers; speakers and attacks), the code of
    every utterance's level, (u,); -1 where an utterance has none."""


def make_plan(
    name: str,
    unit: ArrayLike,
    speaker: ArrayLike | None = None,
    attack: ArrayLike | None = None,
    rank: ArrayLike | None = None,
) -> ResamplingPlan:
    """Return the plan `name` for utterances of the codes `unit`.

    `rank`, (u,), is each utterance's position in the order of drawing, by default that of the
    codes.

    - `utterance`: utterances are drawn, each with all its frames.
    - `speaker`: speakers are drawn, each with all their trials of either class.
    - `attack`: attacks are drawn, each with all its spoofs, and apart from them the utterances
      without an attack. It is for corpora that name attacks and no speakers.
    - `speaker+attack`: speakers and attacks are drawn independently. A spoof counts as often as its
      speaker times as often as its attack, a bona fide trial as often as its speaker. This is the
      pigeonhole bootstrap of crossed factors (Owen, Annals of Applied Statistics 1(2), 2007); no
      bootstrap of crossed factors is exact, and this one errs towards wide intervals. Few attacks
      (13 in ASVspoof 2019 LA) are a small sample of attacks however many trials they have.

    `speaker` and `attack` are of shape (u,), names or codes, as `unit`; "", None and negative codes
    stand for none, which is the attack of a bona fide utterance. A plan may have more utterances
    than are evaluated: only levels that occur among these are resampled.

    A BenchError is raised for an unknown name, a repeated code, and where speakers or attacks are
    resampled but an utterance has no speaker or no utterance an attack.

    >>> make_plan("speaker", [0, 1, 2], ["p225", "p226", "p225"]).levels[0].tolist()
    [0, 1, 0]
    """
    if name not in PLANS:
        raise BenchError(
            "metric.resampling-unit", f"{name!r} is no way to resample{near_name(name, PLANS)}"
        )
    codes = np.asarray(unit, dtype=np.int64)
    order = _sort_order(codes)
    units = codes[order]
    twice = np.flatnonzero(units[1:] == units[:-1])
    if len(twice):
        raise BenchError(
            "metric.trials-repeated",
            f"utterance {units[twice[0]]} is there twice ({len(twice)} such)",
        )
    ranks = np.argsort(_sort_order(units if rank is None else np.asarray(rank)[order]))
    if name == "utterance":
        return ResamplingPlan(name, units, (ranks,))
    if name == "attack":
        attacks = _attack_codes(attack, len(units), name)[order]
        return ResamplingPlan(name, units, (np.where(attacks < 0, ranks, -1), attacks))
    speakers = _level_codes(speaker, len(units), name, "speaker")
    nobody = int((speakers < 0).sum())
    if nobody:
        raise BenchError(
            "metric.resampling-unit",
            f"no resampling by {name}: {nobody} of {len(units)} utterances have no speaker; "
            "resample by utterance",
        )
    if name == "speaker":
        return ResamplingPlan(name, units, (speakers[order],))
    return ResamplingPlan(
        name, units, (speakers[order], _attack_codes(attack, len(units), name)[order])
    )


class ResamplingFactors(NamedTuple):
    """What utterances depend on; arrays of shape (u,)."""

    unit: Integers
    """The utterances' codes, ascending."""
    speaker: Integers
    """A code of each one's speaker; -1 where there is none."""
    attack: Integers
    """A code of each one's attack; -1 where there is none, as of bona fide utterances."""
    rank: Integers
    """The order in which utterances are drawn, of each one its place from 0 on."""

    def make_plan(self, unit: ArrayLike, spoof: ArrayLike, name: str = AUTO) -> ResamplingPlan:
        """Return the plan for items of the utterances `unit`, with weights as `spoof`; (n,) both.

        Where `name` is `AUTO`, the plan follows from the trials: speakers are resampled where
        every utterance has one and there are at least two, attacks where every spoof has one and
        there are at least two, and utterances otherwise. So the spoofs of one attack are resampled
        by speaker, and the trials of one speaker by attack.

        Raise BenchError for an utterance that is not among the factors, and as `make_plan`.

        >>> known = make_factors([0, 1, 2, 3], ["p1", "p2", "p1", "p2"], ["", "", "A07", "A08"])
        >>> known.make_plan([0, 1, 2, 3], [0, 0, 1, 1]).name
        'speaker+attack'
        >>> known.make_plan([0, 1, 2], [0, 0, 1]).name
        'speaker'
        >>> known.make_plan([0, 2, 2], [0, 1, 0]).name
        'utterance'
        """
        codes = np.asarray(unit, dtype=np.int64)
        units = sort_codes(codes)
        position = self._find_units(units)
        speaker, attack = self.speaker[position], self.attack[position]
        if name == AUTO:
            spoofed = self._find_units(sort_codes(codes[np.asarray(spoof) > 0]))
            name = _choose_plan(speaker, self.attack[spoofed])
        return make_plan(name, units, speaker, attack, self.rank[position])

    def _find_units(self, units: Integers) -> Integers:
        """Return where `units`, ascending, are among the utterances."""
        if not len(units):
            return units
        if np.array_equal(self.unit[[0, -1]], [0, len(self.unit) - 1]):
            position = units  # they are numbered from 0, as each is there once
        else:
            position = np.searchsorted(self.unit, units)
        if (
            units[0] < self.unit[0]
            or units[-1] > self.unit[-1]
            or (self.unit[position] != units).any()
        ):
            raise BenchError(
                "metric.trials-differ",
                "there are items of utterances whose speakers are not known of",
            )
        return position


class Resampling(NamedTuple):
    """How intervals are made, of whatever trials."""

    factors: ResamplingFactors
    """Of all utterances; units are theirs."""
    name: str = AUTO
    """`AUTO` or one of `PLANS`."""
    replicates: int = 1000
    """0 for no intervals."""
    seed: int = 0

    def make_plan(self, unit: ArrayLike, spoof: ArrayLike) -> ResamplingPlan:
        """Return the plan for items of these utterances; see `ResamplingFactors.make_plan`."""
        return self.factors.make_plan(unit, spoof, self.name)

    def make_plans(
        self, unit: ArrayLike, spoof: ArrayLike
    ) -> tuple[ResamplingPlan, ResamplingPlan]:
        """Return that plan and the one that draws utterances."""
        plan = self.make_plan(unit, spoof)
        if plan.name == "utterance":
            return plan, plan
        return plan, self.factors.make_plan(unit, spoof, "utterance")


def make_factors(
    unit: ArrayLike,
    speaker: ArrayLike | None = None,
    attack: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> ResamplingFactors:
    """Return the factors of utterances of the codes `unit`, each listed once.

    Speakers and attacks are given as for `make_plan`; either may be missing, for some utterances or
    for all. With `names`, utterances are resampled in the order of their names instead of their
    codes.

    >>> make_factors([3, 1], ["p2", ""]).speaker.tolist()
    [-1, 0]
    """
    codes = np.asarray(unit, dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    nobody = np.full(len(codes), -1)
    speakers, attacks = (
        nobody if column is None else _level_codes(column, len(codes), AUTO, what)[order]
        for column, what in ((speaker, "speaker"), (attack, "attack"))
    )
    rank = np.arange(len(codes))
    if names is not None:
        rank = np.argsort(np.argsort(np.array(names, dtype=object), kind="stable"))[order]
    return ResamplingFactors(codes[order], speakers, attacks, rank)


def plan_by_utterance(unit: ArrayLike) -> ResamplingPlan:
    """Return the plan `utterance` for items of the given codes, which may come more than once.

    >>> plan_by_utterance([7, 3, 7]).unit.tolist()
    [3, 7]
    """
    return make_plan("utterance", sort_codes(unit))


def check_draws(replicates: int, seed: int) -> None:
    """Raise BenchError where no replicates can be drawn."""
    if replicates < 1:
        raise BenchError(
            "metric.replicates", f"an interval needs at least one replicate, not {replicates}"
        )
    if seed < 0:
        raise BenchError("metric.replicates", f"a seed is a whole number from 0, not {seed}")


def sum_groups(group: Integers, weights: Floats, n: int) -> Floats:
    """Return the sum of the items' `weights` over each of `n` groups.

    >>> sum_groups(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3).tolist()
    [1.0, 0.0, 5.0]
    """
    totals = np.bincount(group, weights=weights, minlength=n)
    return totals.astype(np.float64, copy=False)  # it is already, as there are weights


def _sort_order(codes: Integers) -> Integers:
    """Return the stable order of the codes, at once where they ascend."""
    ascend = (codes[1:] >= codes[:-1]).all()
    return np.arange(len(codes)) if ascend else np.argsort(codes, kind="stable")


def _choose_plan(speaker: Integers, attack: Integers) -> str:
    """Return the name of the plan for utterances of these speakers and spoofs of these attacks."""
    drawn = [
        what
        for what, codes in (("speaker", speaker), ("attack", attack))
        if len(codes) and codes.min() >= 0 and codes.min() < codes.max()
    ]
    return "+".join(drawn) or "utterance"


def _attack_codes(values: ArrayLike | None, count: int, name: str) -> Integers:
    attacks = _level_codes(values, count, name, "attack")
    if (attacks < 0).all():
        instead = "speaker" if name == "speaker+attack" else "utterance"
        raise BenchError(
            "metric.resampling-unit",
            f"no resampling by {name}: no utterance has an attack; resample by {instead}",
        )
    return attacks


def _level_codes(values: ArrayLike | None, count: int, name: str, what: str) -> Integers:
    """Return a code for each of `values`, in the order of their names; -1 for none."""
    if values is None:
        raise BenchError(
            "metric.resampling-unit",
            f"no resampling by {name}: no {what} is known; resample by utterance",
        )
    given: NDArray[Any] = np.asarray(values)
    if given.shape != (count,):
        raise BenchError(
            "metric.lengths-differ", f"there are {given.size} {what}s for {count} utterances"
        )
    if np.issubdtype(given.dtype, np.integer):
        values_present, codes = np.unique(given, return_inverse=True)
        return np.maximum(codes - int((values_present < 0).sum()), -1)
    # Names are few and utterances many: a dictionary is faster than sorting.
    names = given.tolist()
    code = {name: at for at, name in enumerate(sorted({*names} - {"", None}, key=str))}
    return np.array([code.get(name, -1) for name in names], dtype=np.int64)
