"""Which columns are taken: by the words of names, by all rows, and never a label for the score."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.evaluation import column_names
from tests.evaluation.listed import read
from tests.evaluation.put_columns import (
    DECIDED,
    IDS,
    IS_BONAFIDE,
    PROBABILITIES,
    SCORES,
    put,
    refused,
    words,
)

HIGHER_FOR_SPOOF = (
    *("fake_prob", "prob_fake", "p_fake", "spoof_prob", "spoof_probability", "deepfake_score"),
    *("fake_score", "score_fake", "is_fake", "fakeness", "synthetic", "spoofing_score", "cm_spoof"),
    *("attack_score", "ai_generated", "fakeProb", "P(fake)", "Spoof-Score", "deepFakeScore"),
    *("fakeprob", "probfake", "isfake", "spoofscore", "deepfakescore", "not_real", "nonreal_prob"),
    *("non_bonafide", "forgery_score", "manipulated", "tts_prob", "fake_vs_real"),
    *("prob_spoof_minus_bonafide", "machine_score"),
)
HIGHER_FOR_BONAFIDE = (
    *("p_bonafide", "score_real", "bonafide_prob", "bona-fide score", "genuineProb", "is_real"),
    *("isreal", "realscore", "not_fake", "real_vs_fake", "bonafide_minus_spoof"),
)


class TestNames:
    def test_higher_for_spoof(self, subtests):
        for name in HIGHER_FOR_SPOOF:
            with subtests.test(name=name):
                assert column_names.column_side(name) == "spoof"

    def test_higher_for_bona_fide(self, subtests):
        for name in HIGHER_FOR_BONAFIDE:
            with subtests.test(name=name):
                assert column_names.column_side(name) == "bonafide"

    def test_of_a_numbered_class(self, subtests):
        for name in ["prob_1", "score_0", "class1_prob", "logit 1", "Class 0"]:
            with subtests.test(name=name):
                assert column_names.column_side(name) == "class"

    def test_of_no_class(self, subtests):
        cases = ["score", "asvspoof2019_score", "anti-spoofing", "real_time", "model1"]
        for name in cases:
            with subtests.test(name=name):
                assert column_names.column_side(name) == ""

    def test_kinds(self, subtests):
        cases = [
            ("label", ["label", "Key", "y_true", "ground-truth", "cm_label", "target", "Class"]),
            ("prediction", ["pred", "y_pred", "predicted_label", "decision", "predictedClass"]),
            ("row", ["", "index", "Unnamed: 0", "Unnamed: 0.1", "level_0"]),
            ("other", ["attack", "duration", "rtf", "inference_time", "system", "attack_type"]),
            ("score", ["score", "CM-score", "cm_llr", "CMScore"]),
            ("time", ["time"]),
        ]
        for kind, known in cases:
            with subtests.test(kind=kind):
                assert {column_names.column_kind(name) for name in known} == {kind}


class TestAdvice:
    """What a message names gives a sound figure."""

    def test_labels_of_digits(self, tmp_path, subtests):
        cases = [
            ("{u} {s} {b}", ""),
            ("{u} {b} {s}", ""),
            ("{u},{s},{b}", "utt,cm,label"),
            ("{u},{b},{s}", "utt,target,out"),
        ]
        for form, header in cases:
            with subtests.test(form=form):
                found = read(put(tmp_path, form, header))
                assert found.score.tolist() == SCORES.tolist()
                assert found.binary.tolist() == IS_BONAFIDE.astype(int).tolist()
                assert found.bonafide is None

    def test_other_digits_are_labels_too(self, tmp_path):
        path = put(tmp_path, "{u} {s} {y}", y=np.where(IS_BONAFIDE, 1, -1))
        assert read(path).binary.tolist() == IS_BONAFIDE.astype(int).tolist()

    def test_digits_that_say_nothing_are_no_labels(self, tmp_path):
        """Lists to be scored are often filled with one label."""
        found = read(put(tmp_path, "{u},{y},{s}", "utt,label,score", y=[1] * 60))
        assert found.binary is None
        assert "'label' holds only 1, so no labels" in found.taken

    @pytest.mark.parametrize("column", ["3", "2-3", "3-2"])
    def test_labels_are_no_scores(self, tmp_path, column):
        message = refused(put(tmp_path, "{u} {s} {b}"), column=column)
        assert "column 3 holds only 0 and 1: this is the label or a decision" in message

    def test_what_else_holds_the_score(self, tmp_path):
        assert refused(put(tmp_path, "{u} {s} {b}"), column="3").endswith("numbers are in column 2")
        path = put(tmp_path, "{u},{b},{s},{d}", "utt,label,p_real,pred", d=DECIDED.astype(int))
        for column, what in (("label", "this is the label"), ("pred", "these are predictions")):
            message = refused(path, column=column)
            assert what in message
            assert message.endswith("numbers are in 'p_real'")

    def test_decisions_alone_are_no_scores(self, tmp_path):
        assert "a decision, not the score" in refused(put(tmp_path, "{u} {b}"))

    @pytest.mark.parametrize("threshold", [0.5, -0.25])
    def test_a_decision_beside_the_score(self, tmp_path, threshold):
        for high, low in ((1, 0), (0, 1), (1, -1)):
            decided = np.where(threshold < SCORES, high, low)
            found = read(put(tmp_path, "{u} {s} {d}", d=decided))
            assert found.score.tolist() == SCORES.tolist()
            assert found.binary is None
            assert "column 3 is a decision by the scores, no label" in found.taken

    def test_a_label_and_a_decision(self, tmp_path):
        """Which is which is not known: neither is the score, neither is compared."""
        found = read(put(tmp_path, "{u} {s} {b} {d}", d=(SCORES > 0.5).astype(int)))
        assert found.score.tolist() == SCORES.tolist()
        assert found.binary is None
        path = tmp_path / "s.txt"
        assert read(path, label_column="3").binary.tolist() == IS_BONAFIDE.astype(int).tolist()

    def test_the_question_names_bona_fide_first(self, tmp_path):
        columns = {"a": -SCORES, "c": PROBABILITIES}
        path = put(tmp_path, "{u},{a},{c},{b}", "utt,loudness,p_bonafide,label", **columns)
        message = refused(path)
        assert re.search(r"which column is the score\? 'p_bonafide' .*'loudness'", message)
        assert "--column p_bonafide, higher for bona fide by its name" in message
        assert "label" not in message

    def test_every_advice_is_sound(self, tmp_path):
        """Two logits without names: each order that the question names is that of its words."""
        path = put(tmp_path, "{u} {a} {s} {b}", a=-SCORES / 2)
        message = refused(path)
        assert (
            "--column 2-3 if the first of them is bona fide, --column 3-2 if the second" in message
        )
        assert "column 4" not in message
        np.testing.assert_allclose(read(path, column="3-2").score, 1.5 * SCORES)

    def test_other_numbers_are_said(self, tmp_path):
        path = put(tmp_path, "{u},{s},{p}", "utt,first,second", p=PROBABILITIES)
        found = read(path, column="first")
        assert found.score.tolist() == SCORES.tolist()
        assert "not used: 'second'" in found.taken


class TestRowsCounted:
    """Row numbers are no scores, whoever advises them."""

    @pytest.mark.parametrize("first", [0, 1])
    def test_they_are_passed_over_and_refused(self, tmp_path, first):
        path = put(tmp_path, "{n},{u},{s}", n=range(first, first + 60))
        assert "scores from column 3" in read(path).taken
        assert "these are row numbers; numbers are in column 3" in refused(path, column="1")
        assert "these are row numbers" in refused(path, column="1-3")
        named = put(tmp_path, "{u},{s},{n}", "file,x,n", n=range(first, first + 60))
        assert "scores from 'x'" in read(named).taken
        alone = put(tmp_path, "{u} {n}", n=range(first, first + 60))
        assert "column 2 holds no scores: these are row numbers" in refused(alone)


class TestTwoValues:
    @pytest.mark.parametrize("header", ["", "file,x,z"])
    def test_of_any_kind_are_not_offered(self, tmp_path, header):
        path = put(tmp_path, "{u},{s},{z}", header, z=np.where(IS_BONAFIDE, 0.9, 0.1))
        found = read(path)
        assert found.score.tolist() == SCORES.tolist()

    def test_named_for_a_class_are_labels(self, tmp_path, subtests):
        cases = ["is_fake", "isFake", "bonafide", "spoof", "real", "lbl", "category", "Answer"]
        for name in cases:
            with subtests.test(name=name):
                path = put(tmp_path, "{u},{s},{b}", f"file,score,{name}")
                assert read(path).binary.tolist() == IS_BONAFIDE.astype(int).tolist()

    def test_true_and_false_are_labels(self, tmp_path, subtests):
        for name in ["truth", "y", "label", "is_bonafide"]:
            with subtests.test(name=name):
                path = put(tmp_path, "{u},{s},{t}", f"file,score,{name}", t=IS_BONAFIDE)
                assert read(path).binary.tolist() == IS_BONAFIDE.astype(int).tolist()


class TestSides:
    def test_spoof_alone_needs_the_users_word(self, tmp_path, subtests):
        for name in HIGHER_FOR_SPOOF:
            with subtests.test(name=name):
                path = put(tmp_path, "{u},{a}", f"file,{name}", a=1 - PROBABILITIES)
                for asked in ({}, {"column": name}, {"column": "2"}):
                    assert "higher for spoof" in refused(path, **asked)
                    assert (
                        read(path, negate=True, **asked).score.tolist()
                        == (1 - PROBABILITIES).tolist()
                    )

    @pytest.mark.parametrize("header", ["file,fake_prob,real_prob", "utt,spoofScore,bonaFideScore"])
    def test_a_pair_is_read_by_its_words(self, tmp_path, header):
        path = put(tmp_path, "{u},{a},{p}", header, a=1 - PROBABILITIES, p=PROBABILITIES)
        np.testing.assert_allclose(read(path).score, 2 * PROBABILITIES - 1)
        _, spoof, bonafide = header.split(",")
        assert f"bona fide goes first: say --column {bonafide}-{spoof}" in refused(
            path, column="2-3"
        )
        assert "--higher-is-spoof would turn it round" in refused(path, negate=True)

    def test_a_numbered_class_is_a_question(self, tmp_path):
        path = put(tmp_path, "{u},{p}", "file,prob_1", p=PROBABILITIES)
        assert (
            "say --column prob_1 if that is bona fide, --column prob_1 --higher-is-spoof"
            in refused(path)
        )
        assert read(path, column="prob_1").score.tolist() == PROBABILITIES.tolist()


class TestLabels:
    @pytest.mark.parametrize("count", [500, 1500])
    def test_an_attack_column_that_begins_with_bonafide(self, tmp_path, count):
        """Whatever its first rows hold: what it is all rows say."""
        path = tmp_path / "s.txt"
        spoof = "".join(f"v{i} A07 spoof {-i / 7}\n" for i in range(9))
        path.write_text("".join(f"u{i} bonafide bonafide {i / 7}\n" for i in range(count)) + spoof)
        found = read(path)
        assert found.bonafide.sum() == count
        assert "labels from column 3" in found.taken

    def test_digits_that_become_scores(self, tmp_path):
        """A column of 0 and 1 that goes on with other numbers is another score: a question."""
        path = tmp_path / "s.txt"
        rows = [f"u{i} {i / 7} {i % 2 if i < 1100 else 0.37}\n" for i in range(1200)]
        path.write_text("".join(rows))
        assert "which column is the score?" in refused(path)

    def test_strangers_in_a_column_called_label_are_malformed(self, tmp_path):
        path = tmp_path / "s.csv"
        rows = "".join(f"u{i},{i / 7},spoof\n" for i in range(1100))
        path.write_text(f"utt,score,label\n{rows}v,1,partial\n")
        assert ":1102: 'v,1,partial': 'partial' is no label" in refused(path)

    def test_names_that_are_no_label(self, tmp_path, subtests):
        cases = ["prediction", "pred", "predicted_label", "decision", "attack", "system"]
        for name in cases:
            with subtests.test(name=name):
                path = put(tmp_path, "{u},{s},{w}", f"file,score,{name}", w=words(DECIDED))
                found = read(path)
                assert found.bonafide is None
                assert found.score.tolist() == SCORES.tolist()
                if name not in ("attack", "system"):
                    assert f"'{name}' is a prediction, not used" in found.taken
                assert read(path, label_column=name).bonafide.tolist() == DECIDED.tolist()

    def test_labels_may_be_left_out_or_named(self, tmp_path):
        path = put(tmp_path, "{u} {d} {k} {s}", d=words(DECIDED))
        assert read(path, labels=False).bonafide is None
        assert read(path, label_column="3").bonafide.tolist() == IS_BONAFIDE.tolist()
        assert "--label-column: column 4 holds no labels" in refused(path, label_column="4")
        assert "--label-column: there is no column '9'" in refused(path, label_column="9")

    def test_parquet(self, tmp_path):
        path = tmp_path / "s.parquet"
        columns = {"file": IDS, "score": SCORES, "label": IS_BONAFIDE, "pred": words(DECIDED)}
        pq.write_table(pa.table(columns), path)
        found = read(path)
        assert found.binary.tolist() == IS_BONAFIDE.astype(int).tolist()
        assert "'pred' is a prediction, not used" in found.taken
        count = 1200
        attacks = ["bonafide"] * count + ["A07"] * 9
        labels = ["bonafide"] * count + ["spoof"] * 9
        ids = [str(i) for i in range(count + 9)]
        score = np.linspace(1, -1, count + 9)
        pq.write_table(pa.table({"file": ids, "kind": attacks, "cm": labels, "s": score}), path)
        assert read(path).bonafide.sum() == count


class TestRowNumbers:
    def test_are_no_ids(self, tmp_path, subtests):
        for header in [",score", "index,score", "Unnamed: 0,score", "idx,score"]:
            with subtests.test(header=header):
                path = put(tmp_path, "{i},{s}", header, i=range(60))
                message = refused(path)
                assert "holds row numbers (0, 1, 2, ...), no file names" in message
                assert "--id-column 1" in message
                assert read(path, id_column="1").warnings == ()

    def test_words_below_an_empty_name_are_ids(self, tmp_path):
        """As pandas writes a series by id."""
        found = read(put(tmp_path, "{u},{s}", ",score"))
        assert found.names.to_pylist() == IDS

    def test_without_a_header_they_are_warned_of(self, tmp_path):
        (warning,) = read(put(tmp_path, "{i} {s}", i=range(60))).warnings
        assert warning[0] == "scores.row-numbers"
        assert "ids are 0 to 59 in the order of the rows" in warning[1]

    def test_a_column_called_id_may_be_either(self, tmp_path):
        (warning,) = read(put(tmp_path, "{i},{s}", "id,score", i=range(60))).warnings
        assert warning[0] == "scores.row-numbers"

    @pytest.mark.parametrize(
        ("numbers", "header"), [(range(60), "file,score"), (range(59, -1, -1), "")]
    )
    def test_ids_that_are_numbers(self, tmp_path, numbers, header):
        assert read(put(tmp_path, "{i},{s}", header, i=numbers)).warnings == ()


class TestInvisible:
    @pytest.mark.parametrize(
        ("odd", "said"),
        [("\u00a0", "U+00A0 (NO-BREAK SPACE)"), ("\u2009", "U+2009 (THIN SPACE)")],
    )
    def test_between_columns(self, tmp_path, odd, said):
        path = tmp_path / "s.txt"
        path.write_text(f"u1 0.5\nu2 0.25\nu3{odd}0.75\n", encoding="utf-8")
        message = refused(path)
        assert ":3: " in message
        assert f"1 column, not 2; it has an invisible character, {said}" in message
        path.write_text(f"u1{odd}0.5\nu2{odd}0.25\n", encoding="utf-8")
        assert said in refused(path)

    @pytest.mark.parametrize("odd", ["\u00a0", "\u200b", "\ufeff"])
    def test_within_a_number(self, tmp_path, odd):
        path = tmp_path / "s.csv"
        path.write_text(f"u1,0.5\nu2,0.25{odd}\nu3,0.75\n", encoding="utf-8")
        message = refused(path)
        assert ":2: " in message
        assert f"is no number; it has an invisible character, U+{ord(odd):04X}" in message


def test_fields_are_handed_on(tmp_path):
    codecs = [f"C{i % 4:02d}" for i in range(60)]
    path = put(tmp_path, "{u},{c},{q},{s}", "file,codec,quality,score", c=codecs, q=range(60))
    found = read(path, fields=("codec", "quality"))
    assert found.fields["codec"].to_pylist() == codecs
    assert found.fields["quality"].to_pylist() == [str(i) for i in range(60)]
    assert "--by: there is no column 'codex'; did you mean 'codec'?" in refused(
        path, fields=("codex",)
    )
    assert "--by: 'score' holds ids, scores or times" in refused(path, fields=("score",))
