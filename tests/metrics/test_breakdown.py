"""The cells of a breakdown against masks made one by one, and the official per-attack EERs."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.breakdown import POOLED, split_breakdown
from bench.metrics.det import eer_by_class
from tests.errors import raises_code

from .plain_detection import aasist

ROLES = {"attack": "spoof", "vocoder": "spoof", "codec": "channel", "gender": "channel"}

trial = st.fixed_dictionaries(
    {
        "is_spoof": st.booleans(),
        "attack": st.sampled_from(["", "A07", "A08", "A10"]),
        "vocoder": st.sampled_from(["", "neural", "traditional"]),
        "codec": st.sampled_from(["none", "alaw", ""]),
        "gender": st.sampled_from(["F", "M"]),
    }
)


def columns(trials):
    return [t["is_spoof"] for t in trials], {f: [t[f] for t in trials] for f in ROLES}


def expected(trials, by):
    """Each cell by asking of every trial whether it belongs: (levels, bona fide, spoof)."""
    levels = [sorted({t[f] for t in trials if t["is_spoof"] or ROLES[f] == "channel"}) for f in by]
    choices = [()]
    for names in levels:
        choices = [(*choice, name) for choice in choices for name in (*names, POOLED)]
    for choice in choices:
        found = ([], [])
        for i, t in enumerate(trials):
            if all(
                level in (POOLED, t[f]) or (ROLES[f] == "spoof" and not t["is_spoof"])
                for f, level in zip(by, choice, strict=True)
            ):
                found[t["is_spoof"]].append(i)
        yield choice, *found


@given(
    st.lists(trial, min_size=1, max_size=30),
    st.lists(st.sampled_from(list(ROLES)), max_size=3, unique=True),
)
def test_holds_the_trials_that_belong_there(trials, by):
    is_spoof, fields = columns(trials)
    found = [
        (tuple(cell.levels.values()), cell.bonafide.tolist(), cell.spoof.tolist())
        for cell in split_breakdown(is_spoof, fields, ROLES, by)
    ]
    assert found == list(expected(trials, by))


def test_gives_both_margins_and_what_is_not_defined():
    is_spoof = [False, False, True, True, True]
    table = {"attack": ["", "", "A1", "A1", "A2"], "codec": ["x", "y", "x", "z", "y"]}
    found = {
        tuple(c.levels.values()): c
        for c in split_breakdown(is_spoof, table, ROLES, ("attack", "codec"))
    }
    assert len(found) == (2 + 1) * (3 + 1)
    assert {at for at, cell in found.items() if not cell.defined} == {
        ("A1", "y"),  # no spoof
        ("A1", "z"),  # no bona fide
        ("A2", "x"),
        ("A2", "z"),  # neither
        (POOLED, "z"),
    }
    assert found["A1", POOLED].bonafide.tolist() == [0, 1]
    assert found[POOLED, "y"].bonafide.tolist() == [1]
    assert [len(rows) for rows in found[POOLED, POOLED][1:]] == [2, 3]


def test_levels_of_bona_fide_trials_alone_are_no_rows_of_a_spoof_factor():
    # 2021 LA says `bonafide` for bona fide trials' attack, 2021 DF `-`.
    table = {"attack": np.array(["bonafide", "A07"], dtype=object)}
    assert [
        c.levels["attack"] for c in split_breakdown([False, True], table, ROLES, ["attack"])
    ] == [
        "A07",
        POOLED,
    ]


def test_many_levels_are_told_apart():
    n = 260  # more cells than 16 bits can number
    names = [f"{i:03}" for i in range(n)]
    table = {"codec": names * 2, "gender": names + names[::-1]}
    found = list(split_breakdown([i < n for i in range(2 * n)], table, ROLES, ["codec", "gender"]))
    assert len(found) == (n + 1) ** 2
    for cell in found:
        codec, gender = cell.levels.values()
        spoof = names.index(codec) if codec == gender != POOLED else None
        if POOLED not in (codec, gender):
            assert cell.spoof.tolist() == ([] if spoof is None else [spoof])
    assert found[-2].levels == {"codec": POOLED, "gender": "259"}
    assert (found[-2].bonafide.tolist(), found[-2].spoof.tolist()) == ([n], [n - 1])


def test_finds_its_own_entry_in_a_table_of_two_of_the_fields():
    is_spoof, fields = columns(
        [
            {"is_spoof": i > 0, "attack": "A07", "vocoder": "", "codec": "alaw", "gender": "F"}
            for i in range(2)
        ]
    )
    pair = ("attack", "codec")
    assert [c.find_levels(*pair) for c in split_breakdown(is_spoof, fields, ROLES, ["codec"])] == [
        (POOLED, "alaw"),
        (POOLED, POOLED),
    ]
    assert [
        c.find_levels(*pair) for c in split_breakdown(is_spoof, fields, ROLES, ["gender", "attack"])
    ] == [
        None,
        None,
        ("A07", POOLED),
        (POOLED, POOLED),
    ]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (["atack"], "'atack'; did you mean 'attack'?"),
        (["codec", "codec"], "names 'codec' twice"),
        (["gender"], "no field 'gender'; known: attack, codec"),
    ],
)
def test_refuses_fields_that_are_none(by, message):
    table = {"attack": ["A1"], "codec": ["x"]}
    with pytest.raises(BenchError, match=re.escape(message)):
        list(split_breakdown([True], table, ROLES, by))


def test_refuses_columns_that_do_not_fit():
    with raises_code("metric.lengths-differ"):
        list(split_breakdown([True, False], {"codec": ["x"]}, ROLES, ["codec"]))
    with raises_code("metric.pooled-level"):
        list(split_breakdown([True, False], {"codec": ["x", POOLED]}, ROLES, ["codec"]))


def test_the_thirteen_attacks_of_aasist_l_to_every_printed_digit(official):
    table = aasist(official)
    said = official / "asvspoof2019_la/scores/AASIST-L_official_t-DCF_EER.txt"
    official = dict(re.findall(r"EER (A\d\d)\t+= ([\d.]+) %", said.read_text()))
    (pooled,) = set(re.findall(r"\tEER\t+= ([\d.]+) %", said.read_text()))
    score, attacks = table["score"], {"attack": table["attack"]}
    found = {
        cell.levels[
            "attack"
        ]: f"{100 * eer_by_class(score[cell.bonafide], score[cell.spoof]).eer:.9f}"
        for cell in split_breakdown(table["is_spoof"], attacks, ROLES, ["attack"])
    }
    assert len(official) == 13
    assert found == official | {POOLED: pooled}
