"""Resampling written out: every drawn utterance's or speaker's items, repeated as often as drawn,
and an equal error rate that tries every threshold. No code of the suite."""

from __future__ import annotations

import numpy as np


def plain_eer(score, bonafide, spoof):
    """Weights of each class; the lowest of the thresholds at which the rates are closest."""
    best = None
    for threshold in [-np.inf, *np.unique(score)]:
        miss = bonafide[score <= threshold].sum() / bonafide.sum()
        false_alarm = spoof[score > threshold].sum() / spoof.sum()
        if best is None or abs(miss - false_alarm) < best[0]:
            best = abs(miss - false_alarm), (miss + false_alarm) / 2
    return best[1]


def plain_cost(score, bonafide, spoof, fixed, miss, false_alarm):
    """The least cost of all thresholds."""
    return min(
        fixed
        + miss * bonafide[score <= threshold].sum() / bonafide.sum()
        + false_alarm * spoof[score > threshold].sum() / spoof.sum()
        for threshold in [-np.inf, *np.unique(score)]
    )


def plain_draw(rng, names):
    """As many as there are, with replacement."""
    return [names[i] for i in rng.integers(0, len(names), len(names))]


def plain_replicates(score, bonafide, spoof, level, replicates, seed, figure=plain_eer):
    """Resample whole levels (an utterance's or a speaker's items); one figure a replicate."""
    names = sorted({*level})
    found = []
    for number in range(replicates):
        rng = np.random.default_rng([seed, number])
        while True:
            drawn = [np.flatnonzero(level == name) for name in plain_draw(rng, names)]
            items = np.concatenate(drawn)
            if bonafide[items].any() and spoof[items].any():
                break
        found.append(figure(score[items], bonafide[items], spoof[items]))
    return np.array(found)


def plain_crossed(score, bonafide, spoof, speaker, attack, replicates, seed):
    """Speakers and attacks drawn apart: a trial is repeated (its speaker) x (its attack) times."""
    speakers, attacks = sorted({*speaker}), sorted({*attack} - {""})
    found = []
    for number in range(replicates):
        rng = np.random.default_rng([seed, number])
        while True:
            who, how = plain_draw(rng, speakers), plain_draw(rng, attacks)
            times = [
                who.count(speaker[i]) * (how.count(attack[i]) if attack[i] else 1)
                for i in range(len(score))
            ]
            items = np.repeat(np.arange(len(score)), times)
            if bonafide[items].any() and spoof[items].any():
                break
        found.append(plain_eer(score[items], bonafide[items], spoof[items]))
    return np.array(found)


def percentiles(values):
    return tuple(np.quantile(values, [0.025, 0.975]))


def made(seed, n_units=30, distinct=None, longest=9, samples=False):
    """Scored items of utterances: score, bona fide weight, spoof weight, utterance."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), rng.integers(1, longest, n_units))
    is_spoof = rng.random(len(unit)) < 0.4
    is_spoof[:2] = [False, True]
    score = rng.normal(size=len(unit)) - 1.5 * is_spoof + rng.normal(size=n_units)[unit]
    if distinct:
        score = np.round(score * distinct / 8)
    length = rng.integers(1, 400, len(unit)) if samples else np.ones(len(unit))
    inside = rng.integers(1, length + 1) if samples else length
    spoof = np.where(is_spoof, inside, 0.0)
    return score, length - spoof, spoof, unit
