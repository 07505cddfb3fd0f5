"""`bench score --expect`: a result is as expected where it rounds to what is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.expected_results import ExpectedParam
from tests.evaluation.made import scored, text


def one(given):
    (found,) = ExpectedParam().convert(given, None, None)
    return found


def test_a_result_is_met_where_it_rounds_to_the_number_at_its_digits(subtests):
    cases = [
        ("eer=0.83", 0.0083, True),
        ("eer=0.83", 0.008349, True),
        ("eer=0.83", 0.008351, False),
        ("eer=0.830", 0.008349, False),
        ("eer=0.83 %", 0.0083, True),
        ("eer=0.12", 0.00125, True),
        ("eer=0.13", 0.00125, True),
        ("eer=1", 0.0149, True),
        ("eer=0.0083", 0.0083, False),
        ("min_tdcf=0.0275", 0.027549, True),
        ("min_tdcf=0.0275", 0.02756, False),
        ("min_tdcf=2.75e-2", 0.0275, True),
        ("eer=0.83", float("nan"), False),
    ]
    for given, value, met in cases:
        with subtests.test(given=given, value=value):
            assert one(given).is_met(value) is met


@pytest.fixture
def order(trials, keys, tmp_path):
    scores, _ = scored(trials)
    return ("score", str(text(tmp_path / "s.txt", trials["utterance"], scores)), *keys)


def test_the_exit_code_says_whether_all_is_as_expected(bench, order):
    found = json.loads(bench(*order, "--json").stdout)["results"]
    right = f"eer={found['eer']['value']:.2f},min_tdcf={found['min_tdcf']['value']:.4f}"
    assert bench(*order, "--expect", right).returncode == 0
    wrong = f"eer={found['eer']['value'] + 0.02:.2f}"
    done = bench(*order, "--expect", right, "--expect", wrong)
    assert done.returncode == 1
    assert "| EER" in done.stdout, "the verdict is printed all the same"
    expected = wrong.partition("=")[2]
    assert f"eer is {found['eer']['value']:.6f} %, expected {expected} %" in done.stderr
    assert "min_tdcf" not in done.stderr
    said = json.loads(bench(*order, "--json", "--expect", f"{right},{wrong}").stdout)["expected"]
    assert [(of["metric"], of["is_met"]) for of in said] == [
        ("eer", True),
        ("min_tdcf", True),
        ("eer", False),
    ]
    assert said[0]["value"] == found["eer"]["value"]


def test_a_result_that_could_not_be_computed_is_said_to_need_more(bench, order):
    keys = Path(order[order.index("--keys") + 1])
    for path in keys.rglob("*.asv.*"):
        path.unlink()
    done = bench(*order, "--expect", "min_tdcf=0.03")
    assert done.returncode == 2
    assert "--expect min_tdcf=0.03: min t-DCF: not computed; it needs" in " ".join(
        done.stderr.split()
    )


def test_what_cannot_be_expected_is_a_mistake(bench, order, tmp_path, subtests):
    cases = [
        ("er=0.83", "the verdict has no result 'er'; did you mean 'eer'? It has eer, "),
        ("f1=96", "the verdict has no result 'f1'"),
        ("eer", "'eer': should be METRIC=NUMBER, as eer=0.83"),
        ("eer=low", "'eer=low': should be METRIC=NUMBER"),
        ("eer=nan", "'eer=nan': should be METRIC=NUMBER"),
        ("=0.83", "'=0.83': should be METRIC=NUMBER"),
        ("eer=0.83,", "'': should be METRIC=NUMBER"),
        ("min_tdcf=3%", "'min_tdcf=3%': should be METRIC=NUMBER"),
    ]
    for given, message in cases:
        with subtests.test(given=given):
            done = bench(*order, "--expect", given)
            assert done.returncode == 2
            assert message in " ".join(done.stderr.split())
            assert not [*tmp_path.glob("work/scored/*/verdict.md")], "nothing is written"
