"""Checks of utterance scores: each code is found where it should be, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.evaluation.checks import check_utterances
from bench.evaluation.findings import refuse_errors
from bench.evaluation.value_checks import SIGMAS
from tests.evaluation.checked import codes, only, scorefile

N = 400


@pytest.fixture
def keys():
    return pd.DataFrame(
        {
            "utterance": [f"E_{i:010d}" for i in range(N)],
            "label": np.where(np.arange(N) % 4 == 0, "bonafide", "spoof"),
        }
    )


@pytest.fixture
def good(keys):
    """Scores of all trials in another order, EER about 16 %."""
    is_bonafide = (keys["label"] == "bonafide").to_numpy()
    score = np.random.default_rng(0).normal(size=N) + 2 * is_bonafide
    order = np.random.default_rng(1).permutation(N)
    return keys["utterance"].to_numpy()[order], score[order]


def test_a_good_file_is_aligned_and_has_no_finding(keys, good):
    ids, score = good

    def others():
        pytest.fail("the other splits are not needed")

    checked = check_utterances(scorefile(ids, score), keys, others)
    assert checked.findings == ()
    assert checked.present.all()
    by_id = dict(zip(ids, score, strict=True))
    assert checked.score.tolist() == [by_id[u] for u in keys["utterance"]]


def test_warnings_of_the_file_itself_are_findings(keys, good):
    file = replace(scorefile(*good), warnings=(("scores.row-numbers", "ids are the row numbers"),))
    finding = only(check_utterances(file, keys))
    assert (finding.severity, finding.code) == ("warning", "scores.row-numbers")
    assert str(finding) == "ids are the row numbers"


class TestCoverage:
    def test_missing_is_an_error(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile(ids[3:], score[3:]), keys)
        finding = only(checked)
        assert (finding.severity, finding.code, finding.count) == ("error", "scores.missing", 3)
        assert set(finding.examples) == set(ids[:3])
        assert np.isnan(checked.score[~checked.present]).all()
        with pytest.raises(
            BenchError, match=r"3 of 400 trials have no score .*\[scores\.missing\]"
        ):
            refuse_errors("made.txt", checked.findings)

    def test_what_is_unknown_stands_beside_what_is_missing(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile(["E_renamed", *ids[1:]], score), keys)
        with pytest.raises(BenchError, match=r"have no score(.|\n)*besides, 1 id .*E_renamed"):
            refuse_errors("made.txt", checked.findings)

    def test_missing_is_allowed_and_counted(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile(ids[3:], score[3:]), keys, allow_missing=True)
        assert (only(checked).severity, only(checked).count) == ("warning", 3)
        refuse_errors("made.txt", checked.findings)

    def test_unknown_ids_are_left_out_and_shown(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile([*ids, "E_A000000001"], [*score, 9.0]), keys)
        finding = only(checked)
        assert (finding.severity, finding.code, finding.count) == (
            "warning",
            "scores.unknown-ids",
            1,
        )
        assert finding.examples == ("E_A000000001",)
        assert np.nanmax(checked.score) < 9

    def test_ids_of_other_splits_are_counted_by_split(self, keys, good):
        ids, score = good
        extra = [f"P_{i}" for i in range(1200)] + ["H_1"]
        checked = check_utterances(
            scorefile([*ids, *extra], [*score, *range(1201)]),
            keys,
            lambda: {"progress": extra[:-1], "hidden": {"H_1", "H_2"}, "dev": []},
        )
        finding = only(checked)
        assert (finding.severity, finding.code, finding.count) == (
            "note",
            "scores.other-split",
            1201,
        )
        assert "1,200 ids of progress, 1 id of hidden (left out)" in finding.message

    def test_a_file_of_another_split(self, keys):
        extra = [f"D_{i:010d}" for i in range(9)]
        checked = check_utterances(scorefile(extra, range(9)), keys, lambda: {"dev": extra})
        finding = only(checked)
        assert (finding.severity, finding.code) == ("error", "scores.other-split")
        assert "--split" in finding.message
        assert not checked.present.any()

    def test_ids_of_another_corpus(self, keys, subtests):
        cases = [
            ([f"DF_E_{i:07d}" for i in range(9)], ["21DF"]),
            ([f"LA_E_{i:07d}" for i in range(9)], ["19LA", "21LA"]),
            ([f"{i}" for i in range(9)], ["ITW"]),
            ([f"HAD_test_{i:08d}" for i in range(9)], ["HAD"]),
            (["a", "b"], []),
        ]
        for ids, names in cases:
            with subtests.test(names=names):
                finding = only(check_utterances(scorefile(ids, range(len(ids))), keys))
                assert (finding.severity, finding.code) == (
                    "error",
                    "scores.another-corpus" if names else "scores.unknown-ids",
                )
                assert all(name in finding.message for name in names)
                assert keys["utterance"][0] in finding.message

    def test_ids_of_the_same_corpus_that_its_keys_do_not_hold(self):
        keys = pd.DataFrame({"utterance": ["D_0000000001"], "label": ["spoof"]})
        finding = only(check_utterances(scorefile(["D_0000000190"], [1.0]), keys))
        assert finding.code == "scores.unknown-ids"
        assert "ids of ASV5, so of another split (--split) or release" in finding.message

    def test_ids_of_another_split_that_several_corpora_name_alike(self):
        keys = pd.DataFrame({"utterance": ["LA_E_1000000"], "label": ["spoof"]})
        finding = only(check_utterances(scorefile(["LA_D_1000000"], [1.0]), keys))
        assert "ids of 19LA or PS look so, as the keys do" in finding.message
        assert "another split (--split) of the same corpus" in finding.message

    def test_keys_with_folders_meet_ids_without(self):
        keys = pd.DataFrame({"utterance": ["a/1.wav", "a/2.wav"], "label": ["bonafide", "spoof"]})
        assert check_utterances(scorefile(["1", "2"], [1.0, 0.0]), keys).present.all()


class TestRepeats:
    def test_equal_ones_count_once(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile([*ids, *ids[:5]], [*score, *score[:5]]), keys)
        finding = only(checked)
        assert (finding.severity, finding.code, finding.count) == (
            "warning",
            "scores.duplicated",
            5,
        )
        assert "everything" not in finding.message
        assert (
            checked.score.tolist() == check_utterances(scorefile(ids, score), keys).score.tolist()
        )

    def test_the_whole_file_twice_is_recognised(self, keys, good):
        ids, score = good
        finding = only(check_utterances(scorefile([*ids] * 2, [*score] * 2), keys))
        assert finding.severity == "warning"
        assert "everything 2 times" in finding.message

    def test_different_ones_are_an_error(self, keys, good):
        ids, score = good
        finding = only(check_utterances(scorefile([*ids] * 2, [*score, *(score + 1e-6)]), keys))
        assert (finding.severity, finding.code, finding.count) == ("error", "scores.duplicated", N)
        assert "appended to" in finding.message

    def test_a_trial_with_two_scores_is_shown_with_both(self, keys, good):
        ids, score = good
        finding = only(check_utterances(scorefile([*ids, ids[3]], [*score, 99.0]), keys))
        assert finding.message == (
            f"1 utterance with rows with different scores, e.g. {ids[3]} with {score[3]} and 99.0: "
            "keep one row of each"
        )

    def test_repeats_of_other_ids_do_not_matter(self, keys, good):
        ids, score = good
        checked = check_utterances(scorefile([*ids, "x", "x"], [*score, 1, 2]), keys)
        assert codes(checked) == ["scores.unknown-ids"]

    def test_nan_twice_is_not_a_conflict(self, keys, good):
        ids, score = good[0], good[1].copy()
        score[3] = np.nan
        checked = check_utterances(scorefile([*ids] * 2, [*score] * 2), keys)
        assert codes(checked) == ["scores.duplicated", "scores.not-finite"]
        assert codes(checked, "error") == ["scores.not-finite"]


class TestLabels:
    def test_agreement(self, keys, good):
        ids, score = good
        truth = keys.set_index("utterance")["label"] == "bonafide"
        assert check_utterances(scorefile(ids, score, truth[ids].to_numpy()), keys).findings == ()

    def test_conflict(self, keys, good):
        ids, score = good
        labels = (keys.set_index("utterance")["label"] == "bonafide")[ids].to_numpy().copy()
        labels[7] ^= True
        finding = only(check_utterances(scorefile(ids, score, labels), keys))
        assert (finding.severity, finding.code, finding.count) == (
            "error",
            "scores.label-conflict",
            1,
        )
        assert finding.examples == (ids[7],)
        labels[7] ^= True
        assert (
            "the other way round"
            in only(check_utterances(scorefile(ids, score, ~labels), keys)).message
        )


class TestValues:
    def test_not_finite(self, keys, good, subtests):
        for value in [np.nan, np.inf, -np.inf, -1.7e308]:
            with subtests.test(value=value):
                ids, score = good[0], good[1].copy()
                score[:2] = value
                finding = only(check_utterances(scorefile(ids, score), keys))
                assert (finding.severity, finding.code, finding.count) == (
                    "error",
                    "scores.not-finite",
                    2,
                )
                assert sorted(finding.ids()) == sorted(ids[:2])

    def test_few_values(self, keys, good):
        found = check_utterances(scorefile(good[0], np.round(good[1])), keys)
        assert codes(found, "warning") == ["scores.few-valued", "scores.ties-at-eer"]

    def test_heaps(self, keys, good):
        score = np.minimum(good[1], 2.0)
        assert "scores.low-precision" in codes(check_utterances(scorefile(good[0], score), keys))

    def test_bfloat16(self, keys, good):
        single = good[1].astype(np.float32)
        score = (single.view(np.uint32) & 0xFFFF0000).view(np.float32)
        assert "scores.low-precision" in codes(
            check_utterances(scorefile(good[0], score), keys), "warning"
        )
        assert check_utterances(scorefile(good[0], single), keys).findings == ()

    def test_probabilities(self, keys, good):
        score = 1 / (1 + np.exp(-good[1]))
        kinds = {
            "within 0 and 1, as probabilities do": score,
            "within -1 and 1, as cosines": 2 * score - 1,
            "0 or less, as log-probabilities": np.log(score),
        }
        for kind, changed in kinds.items():
            finding = only(check_utterances(scorefile(good[0], changed), keys, llr=True))
            assert (finding.severity, finding.code) == ("warning", "scores.probabilities")
            assert kind in finding.message
            assert "Cllr" in finding.message
            assert (
                check_utterances(scorefile(good[0], changed), keys).findings == ()
            )  # where no figure asks

    def test_constant(self, keys, good):
        finding = only(check_utterances(scorefile(good[0], np.full(N, 0.5)), keys))
        assert (finding.severity, finding.code) == ("error", "scores.constant")
        assert only(
            check_utterances(scorefile(good[0], np.full(N, 0.5)), keys, as_is=True)
        ).severity == ("warning")

    def test_single_class(self, keys, good):
        ids, score = good
        own = keys[keys["label"] == "spoof"].reset_index(drop=True)
        kept = np.isin(ids, own["utterance"])
        finding = only(check_utterances(scorefile(ids[kept], score[kept]), own))
        assert (finding.severity, finding.code) == ("warning", "scores.single-class")
        assert "no bonafide trial" in finding.message


class TestPolarity:
    def test_inverted_scores_are_refused(self, keys, good):
        finding = only(check_utterances(scorefile(good[0], -good[1]), keys))
        assert (finding.severity, finding.code) == ("error", "scores.inverted")
        assert "--higher-is-spoof" in finding.message

    def test_negate_turns_them_round(self, keys, good):
        checked = check_utterances(scorefile(good[0], -good[1]), keys, negate=True)
        assert checked.findings == ()
        assert checked.score.tolist() == check_utterances(scorefile(*good), keys).score.tolist()

    def test_negating_good_scores_is_refused(self, keys, good):
        assert (
            "without --higher-is-spoof"
            in only(check_utterances(scorefile(*good), keys, negate=True)).message
        )

    def test_a_bad_system_may_be_judged_as_it_is(self, keys, good):
        finding = only(check_utterances(scorefile(good[0], -good[1]), keys, as_is=True))
        assert (finding.severity, finding.code) == ("warning", "scores.inverted")

    def test_chance_is_never_refused(self, keys, good):
        """Scores without any information, 200 times: three sigmas are passed once in 740."""
        refused = 0
        for seed in range(200):
            score = np.random.default_rng(seed).normal(size=N)
            refused += "error" in {
                f.severity for f in check_utterances(scorefile(good[0], score), keys).findings
            }
        assert SIGMAS == 3
        assert refused <= 2

    @given(st.integers(1, 3), st.integers(1, 3))
    @settings(max_examples=20, deadline=None)
    def test_a_handful_of_trials_proves_nothing(self, bonafide, spoof):
        ids = [f"u{i}" for i in range(bonafide + spoof)]
        keys = pd.DataFrame(
            {"utterance": ids, "label": ["bonafide"] * bonafide + ["spoof"] * spoof}
        )
        checked = check_utterances(scorefile(ids, range(len(ids))), keys)
        assert codes(checked, "error") == []
        assert "scores.worse-than-chance" in codes(checked, "warning")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_row_is_lost_silently(data):
    """Whatever ids a file holds: every trial without a row and every row without a trial shows."""
    trials = [f"t{i}" for i in range(8)]
    keys = pd.DataFrame({"utterance": trials, "label": ["bonafide", "spoof"] * 4})
    ids = data.draw(
        st.lists(st.sampled_from([*trials, "x", "y", "other"]), min_size=1, max_size=20)
    )
    checked = check_utterances(
        scorefile(ids, np.arange(len(ids))), keys, lambda: {"dev": ["other"]}
    )
    found = {f.code: f.count for f in checked.findings}
    here = set(ids) & set(trials)
    assert checked.present.tolist() == [t in here for t in trials]
    if not here:
        assert codes(checked, "error")
        return
    assert found.get("scores.missing", 0) == len(trials) - len(here)
    assert found.get("scores.unknown-ids", 0) == len({"x", "y"} & set(ids))
    assert found.get("scores.other-split", 0) == ("other" in ids)
    assert found.get("scores.duplicated", 0) == sum(ids.count(t) > 1 for t in here)
