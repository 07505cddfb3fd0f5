"""Which utterances are shown where none is named."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.analysis.activation import median_utterances
from bench.analysis.trained_rows import choose_utterance
from bench.cards import table_cards
from bench.data.subset import FrameVectors, Subset
from bench.evaluation import score_file
from tests.errors import raises_code


def scored(path, lines):
    """A score file of whole utterances: id, attack ("" for bona fide), score."""
    names, attacks, scores = zip(*lines, strict=True)
    n = len(lines)
    columns = {
        "utterance": names,
        "speaker": [""] * n,
        "attack": attacks,
        "start_s": [0.0] * n,
        "end_s": [1.0] * n,
        "label": ["spoof" if attack else "bonafide" for attack in attacks],
        "score": scores,
    }
    score_file.write_scores(path, {name: list(of) for name, of in columns.items()})
    return path


def test_of_each_attack_the_utterance_of_the_median_score(tmp_path):
    lines = [
        *[("a1", "A08", 3.0), ("a2", "A08", 1.0), ("a3", "A08", 2.0)],
        # Of two the lower one.
        *[("b1", "", 9.0), ("b2", "", 8.0)],
        # Of equal ones by name: u1 u2 u3, the middle one.
        *[("u3", "A07", 5.0), ("u1", "A07", 5.0), ("u2", "A07", 5.0)],
        ("x", "A19", -4.0),
    ]
    assert median_utterances(scored(tmp_path / "s.parquet", lines)) == ["b2", "u2", "a3", "x"]
    assert median_utterances(scored(tmp_path / "t.parquet", lines[::-1])) == ["b2", "u2", "a3", "x"]


def a_row(labels):
    """A row with one evaluation of these utterances' frames: `b` and `s`."""
    table = pd.DataFrame({"utterance": list(labels)})
    spoof = {name: np.array([of == "s" for of in text]) for name, text in labels.items()}
    subset = Subset("partialspoof", "eval", None, table, FrameVectors(0.16, spoof))
    data = table_cards.resolve_row(table_cards.read_table("table4"), "S7").evaluate["partialspoof"]
    return SimpleNamespace(
        data=SimpleNamespace(evaluate={"ps": SimpleNamespace(subset=subset)}),
        run=SimpleNamespace(evaluate={"ps": data}),
    )


def test_the_papers_utterance_is_shown_where_it_is_there():
    known = table_cards.read_table("table4").figures["gradcam"].utterance
    found = choose_utterance(a_row({"A": "bs", known: "bbss", "LA": "bb"}), known)
    assert found == ("CON_E_0000096", "the paper's utterance")


@pytest.mark.parametrize(
    ("labels", "chosen", "why"),
    [
        # The paper's begins bona fide and turns spoof.
        ({"c": "bsss", "a": "ssbb", "b": "bbs", "0": "bbb"}, "b", "begins bona fide and ends"),
        ({"c": "sb", "b": "ss", "a": "bb"}, "b", "that is spoof"),
    ],
)
def test_another_is_chosen_by_a_rule_where_it_is_not(labels, chosen, why):
    found = choose_utterance(a_row(labels), "CON_E_0000096")
    assert found.utterance == chosen
    assert "CON_E_0000096, the paper's, is not in partialspoof eval here" in found.why
    assert why in found.why


def test_without_a_spoof_utterance_there_is_nothing_to_show():
    with raises_code("analysis.no-spoof"):
        choose_utterance(a_row({"a": "bb"}), "CON_E_0000096")
