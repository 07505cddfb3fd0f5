"""A matrix is the columns and the numbers that it stands for, and `*` holds defaults."""

from __future__ import annotations

from itertools import product

import pytest

from bench.cards import table_cards
from bench.errors import BenchError

ATTACKS, CODECS = ("A07", "A08"), {"C1": "none", "C2": "alaw"}
HEAD = """
title = "Crossed"
text_columns = ["System"]
seeds = [1]
"""
MATRIX = """
[matrix]
metric = "asvspoof2021la.{down}.{across}.eer"
down = ["A07", "A08", "Pooled"]
across = { C1 = "none", C2 = "alaw", Pooled = "Pooled" }
"""
BASE = """
[base]
evaluate.asvspoof2021la = { corpus = "asvspoof2021la", split = "eval", clip_s = 4.0375, \
resolution_s = "utterance", fill = "repeat", by = ["attack", "codec", "attack,codec"] }

[rows.own]
from = "breathnet/table4:BreathNet"
cells = ["own"]
"""
NUMBERS = """
[rows.own.paper]
A07 = [0.1, 0.2, 0.3]
Pooled = [1.1, 1.2, 1.3]
"asvspoof2021la.A08.eer" = 0.5
"""


def parse(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text, encoding="utf-8")
    return table_cards.parse_table("test/crossed", path)


def written_out():
    """Return the same card without a matrix."""
    columns, numbers = [], []
    levels = {**{a: a for a in ATTACKS}, "Pooled": ""}, {**CODECS, "Pooled": ""}
    for (group, down), (heading, across) in product(levels[0].items(), levels[1].items()):
        metric = ".".join(filter(None, ["asvspoof2021la", down, across, "eer"]))
        columns.append(f'{{ group = "{group}", heading = "{heading}", metric = "{metric}" }}')
        tens = {"A07": 0.0, "Pooled": 1.0}
        if group in tens:
            number = tens[group] + {"C1": 0.1, "C2": 0.2, "Pooled": 0.3}[heading]
            numbers.append(f'"{metric}" = {number:.1f}')
    listed = f'layout = "matrix"\ncolumns = [{", ".join(columns)}]\n'
    paper = "\n".join(["[rows.own.paper]", *numbers, '"asvspoof2021la.A08.eer" = 0.5\n'])
    return HEAD + listed + BASE + paper


def test_a_matrix_is_what_it_stands_for(tmp_path):
    card = parse(tmp_path, HEAD + MATRIX + BASE + NUMBERS)
    plain = parse(tmp_path, written_out())
    assert card.matrix is not None
    assert card.model_copy(update={"matrix": None}) == plain
    assert card.rows["own"].paper["asvspoof2021la.alaw.eer"] == 1.2
    for form in ("paper", "smoke"):
        assert table_cards.resolve_row(card, "own", form) == table_cards.resolve_row(
            plain, "own", form
        )


def test_a_wrong_matrix_says_so(tmp_path, subtests):
    cases = [
        ("[0.1, 0.2, 0.3]", "[0.1, 0.2]", "rows.own.paper.A07: has 2 numbers; should have 3, one"),
        ("[0.1, 0.2, 0.3]", '[0.1, "x", 0.3]', "rows.own.paper.asvspoof2021la.A07.alaw.eer"),
        ("A07 = [", "A09 = [", "rows.own.paper.A09: no such heading down; did"),
        (".{across}.eer", ".eer", "should name {down} and {across} once each"),
        ("[matrix]", "[matrix]\nup = 1", "matrix.up: no such key"),
        ('title = "Crossed"', 'title = "Crossed"\nlayout = "rows"', "layout: should be left out"),
    ]
    for old, new, message in cases:
        with subtests.test(new=new):
            text = HEAD + MATRIX + BASE + NUMBERS
            assert old in text
            with pytest.raises(BenchError) as error:
                parse(tmp_path, text.replace(old, new))
            assert message in str(error.value)


DEFAULTS = """
columns = [
    { heading = "19LA", metric = "asvspoof2019la.eer" },
    { heading = "ITW", metric = "inthewild.eer" },
]

[base]
evaluate."*" = { split = "eval", resolution_s = "utterance", clip_s = 4.0375, fill = "repeat" }
evaluate.asvspoof2019la.corpus = "asvspoof2019la"
evaluate.inthewild = { corpus = "inthewild", clip_s = 3.0 }

[rows.own]
from = "breathnet/table4:BreathNet"
cells = ["own"]

[rows.longer]
from = "own"
cells = ["longer"]
evaluate."*".clip_s = 6.0
"""


def test_every_evaluation_has_the_defaults_unless_it_says_otherwise(tmp_path):
    card = parse(tmp_path, HEAD + DEFAULTS)
    own, longer = (table_cards.resolve_row(card, row).evaluate for row in ("own", "longer"))
    assert [*own] == ["asvspoof2019la", "inthewild"]
    assert [of.clip_s for of in own.values()] == [4.0375, 3.0]
    assert [of.clip_s for of in longer.values()] == [6.0, 6.0]
    assert {of.fill for of in own.values()} == {"repeat"}


def test_a_row_does_not_repeat_a_default(tmp_path):
    repeated = DEFAULTS.replace('"*".clip_s = 6.0', "asvspoof2019la.clip_s = 4.0375")
    with pytest.raises(BenchError) as error:
        parse(tmp_path, HEAD + repeated)
    assert "rows.longer.evaluate.asvspoof2019la.clip_s = 4.0375: repeats" in str(error.value)
