"""Scores that are the confidence of a predicted label, or numbers in brackets."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.det import eer_by_class
from tests.evaluation.listed import read
from tests.evaluation.put_columns import (
    CONFIDENCES,
    DECIDED,
    IDS,
    IS_BONAFIDE,
    NOISE,
    PROBABILITIES,
    SCORES,
    put,
    refused,
    words,
)


class TestConfidence:
    """A predicted class and how sure it is, as Hugging Face's pipelines give them."""

    FORM = "{u},{w},{c}"
    OF_BONAFIDE = np.where(DECIDED, CONFIDENCES, 1 - CONFIDENCES)

    def test_called_label_it_is_a_question(self, tmp_path):
        path = put(tmp_path, self.FORM, "file,label,score", w=words(DECIDED), c=CONFIDENCES)
        for asked in ({}, {"column": "score"}, {"labels": False}):
            message = refused(path, **asked)
            assert "as the confidence of a predicted class does" in message
            assert "say --column score@label" in message
            assert "--label-column label" in message
        found = read(path, column="score@label")
        np.testing.assert_allclose(found.score, self.OF_BONAFIDE)
        assert found.bonafide is None
        plain = read(path, label_column="label")
        assert plain.score.tolist() == CONFIDENCES.tolist()
        assert plain.bonafide.tolist() == DECIDED.tolist()

    def test_where_every_prediction_is_right(self, tmp_path):
        """Confidences alone tell nothing apart: that figure was given once."""
        sure = np.round(0.5 + np.abs(NOISE) / 10, 4)
        path = put(tmp_path, self.FORM, "file,label,score", w=words(IS_BONAFIDE), c=sure)
        assert "--column score@label" in refused(path)
        score = read(path, column="score@label").score
        assert eer_by_class(score[IS_BONAFIDE], score[~IS_BONAFIDE]).eer == 0

    @pytest.mark.parametrize("name", ["prediction", "predicted_label", "pred"])
    def test_by_its_name(self, tmp_path, name):
        path = put(tmp_path, self.FORM, f"file,{name},conf", w=words(DECIDED), c=CONFIDENCES)
        found = read(path)
        np.testing.assert_allclose(found.score, self.OF_BONAFIDE)
        assert f"'conf' is the confidence of '{name}'" in found.taken
        assert "--higher-is-spoof would turn it round" in refused(path, negate=True)

    def test_confidences_reach_from_0_to_1(self, tmp_path):
        of_bonafide = self.OF_BONAFIDE.copy()
        of_bonafide[:2] = 0, 1
        sure = np.where(DECIDED, of_bonafide, 1 - of_bonafide)
        path = put(tmp_path, self.FORM, "file,label,score", w=words(DECIDED), c=sure)
        np.testing.assert_allclose(read(path, column="score@label").score, of_bonafide)
        for outside in (1.01, -0.01):
            sure[0] = outside
            path = put(tmp_path, self.FORM, "file,label,score", w=words(DECIDED), c=sure)
            assert "numbers outside 0 and 1" in refused(path, column="score@label")

    def test_without_a_header(self, tmp_path):
        path = put(tmp_path, "{u} {w} {c}", w=words(DECIDED), c=CONFIDENCES)
        assert "--column 3@2" in refused(path)
        np.testing.assert_allclose(read(path, column="3@2").score, self.OF_BONAFIDE)

    def test_classes_without_a_meaning(self, tmp_path):
        numbered = np.where(DECIDED, "LABEL_0", "LABEL_1")
        path = put(tmp_path, self.FORM, "file,label,score", w=numbered, c=CONFIDENCES)
        assert "which of label_0 and label_1 is bona fide is not said" in refused(path)
        assert "holds no classes" in refused(path, column="score@label")

    def test_a_row_for_each_class(self, tmp_path):
        """As a pipeline gives all its answers."""
        path = tmp_path / "s.csv"
        rows = [
            f"{u},real,{p}\n{u},fake,{1 - p:.6f}\n" for u, p in zip(IDS, PROBABILITIES, strict=True)
        ]
        path.write_text("file,label,score\n" + "".join(rows))
        assert "each id has a row for bona fide and one for spoof" in refused(path)

    def test_scores_below_a_half_are_scores(self, tmp_path):
        path = put(tmp_path, self.FORM, "file,label,score", w=words(IS_BONAFIDE), c=PROBABILITIES)
        assert read(path).score.tolist() == PROBABILITIES.tolist()
        path = put(tmp_path, self.FORM, "file,label,p_real", w=words(IS_BONAFIDE), c=CONFIDENCES)
        assert read(path).score.tolist() == CONFIDENCES.tolist()


class TestBrackets:
    FORMS = (
        ('{u},"[{a}, {s}]",{b}', "ID,Score,Label"),
        ("{u},[{a}, {s}],{b}", "ID,Score,Label"),
        ("{u}\t({a}, {s})\t{b}", "ID\tScore\tLabel"),
        ("{u};[{a} {s}];{b}", "id;score;label"),
        ("{u},\"tensor([{a}, {s}], device='cuda:0')\",{b}", "ID,Score,Label"),
    )

    def test_antideepfake(self, tmp_path, subtests):
        """Its pairs are fake and real, by its own evaluation script."""
        for form, header in self.FORMS:
            with subtests.test(form=form, header=header):
                found = read(put(tmp_path, form, header, a=-SCORES / 2))
                np.testing.assert_allclose(found.score, 1.5 * SCORES)
                assert found.binary.tolist() == IS_BONAFIDE.astype(int).tolist()
                assert "AntiDeepfake's order: fake, real" in found.taken

    @pytest.mark.parametrize(
        ("form", "header"),
        [("{u} [{a}, {s}]", ""), ("{u} [{a}  {s}]", ""), ('{u},"({a}, {s})"', "file,logits")],
    )
    def test_others_are_a_question(self, tmp_path, form, header):
        path = put(tmp_path, form, header, a=-SCORES / 2)
        assert "--column 3-2 if the second is" in refused(path)
        np.testing.assert_allclose(read(path, column="3-2").score, 1.5 * SCORES)

    def test_one_number(self, tmp_path, subtests):
        cases = ["{u},[{s}]", "{u} [[{s}]]", "{u} tensor({s})", '{u},"tensor([{s}], dtype=x)"']
        for form in cases:
            with subtests.test(form=form):
                assert read(put(tmp_path, form)).score.tolist() == SCORES.tolist()

    def test_brackets_in_ids_stay(self, tmp_path):
        ids = [f"a ({i})" for i in range(60)]
        found = read(put(tmp_path, "{v},[{s}]", v=ids))
        assert found.names.to_pylist() == ids

    def test_malformed_ones_are_named(self, tmp_path):
        path = put(tmp_path, '{u},"[{a}, {s}]",{b}', "ID,Score,Label", a=-SCORES)
        path.write_text(path.read_text() + 'v,"[1.5]",0\n')
        assert ":62: 'v,\"[1.5]\",0': 3 columns, not 4" in refused(path)
