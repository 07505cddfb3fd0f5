"""Who is drawn: counts of a draw, levels that occur, and corpora that lack what a plan needs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from bench.errors import BenchError
from bench.metrics.plans import make_factors, make_plan, plan_by_utterance
from bench.metrics.resampling_groups import group_items
from tests.errors import raises_code


def weights_of(met, number=0):
    return met.draw_batch(1, range(number, number + 1), np.empty((met.n, 0))).weights[0]


def test_names_and_codes_are_the_same_levels():
    names = ["b", "a", "b", "c"]
    for speaker in (names, np.array(names), np.array(names, dtype=object), [5, 2, 5, 9]):
        assert make_plan("speaker", [4, 1, 2, 3], speaker).levels[0].tolist() == [0, 1, 2, 1]
    for attack in (["A1", "", "A2", ""], ["A1", None, "A2", None], [3, -1, 7, -1], [3, -1, 7, -2]):
        assert make_plan("speaker+attack", range(4), names, attack).levels[1].tolist() == [
            0,
            -1,
            1,
            -1,
        ]


def test_as_many_are_drawn_as_there_are():
    speaker = np.arange(12) % 5
    attack = np.where(np.arange(12) < 4, -1, np.arange(12) % 3)
    unit = np.arange(12)
    for name, total in (("utterance", 12), ("speaker", 5)):
        met = group_items(make_plan(name, unit, speaker, attack), [unit])
        assert [weights_of(met, i).sum() for i in range(20)] == [total] * 20
    met = group_items(make_plan("speaker+attack", unit, speaker, attack), [unit])
    for number in range(20):
        drawn = weights_of(met, number)[met.codes[0]]
        rng = np.random.default_rng([1, number])
        by_speaker, by_attack = (np.bincount(rng.integers(0, n, n), minlength=n) for n in (5, 3))
        expected = [
            by_speaker[s] * (by_attack[a] if a >= 0 else 1)
            for s, a in zip(speaker, attack, strict=True)
        ]
        assert drawn.tolist() == expected


def test_each_of_many_utterances_is_drawn_alike():
    """More than one stretch of the drawing: counts are those of a uniform multinomial."""
    unit = np.arange(200_000)
    met = group_items(plan_by_utterance(unit), [unit])
    drawn = weights_of(met)
    assert drawn.sum() == len(unit)
    in_parts = drawn.reshape(100, -1).sum(axis=1)
    assert chisquare(in_parts).pvalue > 0.01
    times = np.bincount(drawn.astype(int))[:5] / len(unit)
    poisson = np.exp(-1) / np.array([1, 1, 2, 6, 24])
    assert times == pytest.approx(poisson, abs=0.005)


def test_only_levels_that_occur_are_drawn():
    whole = make_plan("speaker+attack", range(6), list("aabbcc"), ["", "X", "", "Y", "", "Z"])
    some = group_items(whole, [np.array([2, 3, 4, 3])])
    assert some.sizes == (2, 1)
    assert some.n == 3
    assert some.codes[0][1] == some.codes[0][3]
    both = group_items(whole, [np.array([2, 3]), np.array([5, 2])])
    assert both.sizes == (2, 2)
    assert both.codes[0][0] == both.codes[1][1]


def test_attacks_are_drawn_whole_and_bona_fide_apart_from_them():
    attack = np.array(["", "X", "", "X", "Y", ""])
    met = group_items(make_plan("attack", range(6), None, attack), [np.arange(6)])
    for number in range(20):
        drawn = weights_of(met, number)[met.codes[0]]
        assert drawn[1] == drawn[3]
        assert drawn[1] + drawn[4] == 2
        assert drawn[[0, 2, 5]].sum() == 3


def test_attacks_are_drawn_where_every_utterance_has_one():
    """Bona fide frames alone are in such utterances."""
    met = group_items(make_plan("attack", range(3), None, ["X", "Y", "X"]), [np.arange(3)])
    drawn = np.stack([weights_of(met, number)[met.codes[0]] for number in range(20)])
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, 0] + drawn[:, 1] == 2).all()


@pytest.mark.parametrize("n", [5, 600])  # draws of few are remembered
def test_a_draw_that_lacks_a_class_is_repeated(n):
    met = group_items(plan_by_utterance(np.arange(n)), [np.arange(n)])
    needed = np.zeros((n, 2))
    needed[0, 0] = needed[1:3, 1] = 0.5
    again, expected = 0, []
    for number in range(6, 30):
        rng = np.random.default_rng([9, number])
        while True:
            drawn = np.bincount(rng.integers(0, n, n), minlength=n)
            if drawn[0] and drawn[1:3].any():
                break
            again += 1
        expected.append(drawn)
    for _ in range(2):
        found = met.draw_batch(9, range(6, 30), needed)
        assert found.redrawn == again > 0
        np.testing.assert_array_equal(found.weights, expected)
        found.weights[:] = -1  # what a caller does with them changes no later draw


def test_a_draw_depends_on_its_seed_and_number_alone(subtests):
    for n, name in ((40, "speaker"), (40, "speaker+attack"), (5000, "speaker+attack")):
        with subtests.test(n=n, name=name):
            unit = np.arange(n)
            plan = make_plan(name, unit, unit // 2, np.where(unit % 3, unit % 7, -1))
            met = group_items(plan, [unit])
            nothing = np.empty((met.n, 0))
            together = met.draw_batch(4, range(9), nothing).weights
            np.testing.assert_array_equal(
                together[3:5], met.draw_batch(4, range(3, 5), nothing).weights
            )
            assert (met.draw_batch(5, range(9), nothing).weights != together).any()


def test_trials_ask_for_what_their_corpus_names(subtests):
    cases = [
        ("aabbcc", [*("", "", "", "X", "Y", "X")], "speaker+attack"),
        ("aabbcc", [*("", "", "", "X", "X", "X")], "speaker"),
        ("aabbcc", [*("", "", "", "X", "Y", "")], "speaker"),
        ("aaaaaa", [*("", "", "", "X", "Y", "X")], "attack"),
        (["a", "b", "", "c", "d", "e"], [*("", "", "", "X", "Y", "X")], "attack"),
        (None, [*("", "", "", "X", "Y", "X")], "attack"),
        ("aaaaaa", [*("", "", "", "X", "X", "X")], "utterance"),
        (None, None, "utterance"),
    ]
    for speaker, attack, name in cases:
        with subtests.test(speaker=speaker, attack=attack, name=name):
            known = make_factors(range(6), None if speaker is None else [*speaker], attack)
            spoof = np.array([0, 0, 0, 1, 1, 1])
            found = known.make_plan(np.arange(6), spoof)
            assert found.name == name
            group_items(found, [np.arange(6)])  # whatever it is, it can be drawn
            assert known.make_plan(np.arange(6), spoof, "utterance").name == "utterance"


def test_a_cell_asks_for_what_its_own_trials_name():
    known = make_factors([5, 6, 7, 8], ["a", "b", "a", "b"], ["", "", "X", "Y"])
    assert known.make_plan([5, 6, 7], [0, 0, 1]).name == "speaker"
    # Frames of one utterance, some of them spoof.
    assert known.make_plan([5, 7, 7, 8, 8], [0, 0, 1, 1, 0]).name == "speaker+attack"
    with raises_code("metric.trials-differ"):
        known.make_plan([5, 9], [0, 1])


def test_refuses_what_a_corpus_cannot_give(subtests):
    cases = [
        (("speakers", [0]), "'speakers' is no way to resample; did you mean 'speaker'"),
        (("speaker", [0, 1]), "no resampling by speaker: no speaker is known"),
        (("speaker", [0, 1], ["p1", ""]), "1 of 2 utterances have no speaker"),
        (("speaker", [0, 1], ["p1"]), "there are 1 speakers for 2 utterances"),
        (("speaker+attack", [0, 1], ["p1", "p2"]), "no attack is known"),
        (("speaker+attack", [0, 1], ["p1", "p2"], ["", ""]), "no utterance has an attack"),
        (("attack", [0, 1], None, ["", ""]), "has an attack; resample by utterance"),
        (("utterance", [3, 1, 3]), "utterance 3 is there twice"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments), pytest.raises(BenchError, match=message):
            make_plan(*arguments)


def test_refuses_unknown_utterances_and_lone_levels():
    with pytest.raises(BenchError, match=r"utterance 7 is not in the plan of resampling \(2 items"):
        group_items(plan_by_utterance([0, 1]), [np.array([7, 0, 9])])
    with raises_code("metric.nothing-to-resample"):
        group_items(make_plan("speaker", [0, 1], ["a", "a"]), [np.array([0, 1])])


def test_named_utterances_are_drawn_alike_whatever_their_codes(subtests):
    """A score file numbers utterances by their ids, and keys by their lines."""
    rng = np.random.default_rng(0)
    ids = [f"u{n:02d}" for n in range(24)]
    speaker = {of: f"p{n % 5}" for n, of in enumerate(ids)}
    attack = {of: f"A{n % 3}" if n % 4 else "" for n, of in enumerate(ids)}
    judged = rng.permutation(24)[:17]  # some have no score

    def drawn(order, name):
        listed = [ids[n] for n in order]
        of = [[some[one] for one in listed] for some in (speaker, attack)]
        known = make_factors(np.arange(24), *of, names=listed)
        unit = np.flatnonzero(np.isin(order, judged))
        spoof = [attack[listed[n]] != "" for n in unit]
        met = group_items(known.make_plan(unit, spoof, name), [unit])
        names = [listed[n] for n in unit]
        return [
            dict(zip(names, weights_of(met, number)[met.codes[0]], strict=True))
            for number in range(5)
        ]

    for name in ["auto", "utterance", "speaker", "attack", "speaker+attack"]:
        with subtests.test(name=name):
            plain = drawn(np.arange(24), name)
            assert plain == drawn(np.arange(24)[::-1], name) == drawn(rng.permutation(24), name)
