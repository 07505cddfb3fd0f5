"""`bench compare table4:S5 table4:S4` from outside: rows by name, of a store with made scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.config import Config
from bench.tracking.store import Store
from tests.evaluation.made import scored, text
from tests.reports.stored import fill
from tests.tracked_frames import table_frame

pytestmark = pytest.mark.rows


@pytest.fixture
def store(environment):
    work = Path(environment["BENCH_WORK"])
    found = Store(Config(work=work))
    fill(found, work, ("S4", "S5"), (666, 667), form="smoke", utterances=60)
    return found


def test_two_rows_are_compared_on_all_that_both_were_scored_on(bench, store, tmp_path):
    done = bench("compare", "table4:S5", "table4:S4", "--smoke")
    assert done.returncode == 0, done.stderr
    title = "# SMOKE: sal/table4:S5, seed 666 (A) and sal/table4:S4, seed 666 (B)"
    assert done.stdout.startswith(title)
    assert "with one seed each" in done.stdout
    found = json.loads(bench("compare", "table4:S5", "table4:S4", "--smoke", "--json").stdout)
    assert (found["kind"], found["form"]) == ("compare", "smoke")
    assert {of["levels"]["Evaluation"] for of in found["compared"]} == {"PS eval", "LPS crossfade"}
    assert {of["metric"] for of in found["compared"]} == {"eer", "f1"}
    frame = table_frame(store, "sal/table4", "smoke")
    runs = {row: frame[(frame["row"] == row) & (frame["seed"] == 666)] for row in ("S5", "S4")}
    (own,) = (
        of
        for of in found["compared"]
        if (of["metric"], of["levels"]["Evaluation"]) == ("eer", "PS eval")
    )
    assert own["a"] == pytest.approx(runs["S5"]["partialspoof.eer"].iloc[0])
    assert own["b"] == pytest.approx(runs["S4"]["partialspoof.eer"].iloc[0])
    assert own["difference"]["value"] == pytest.approx(own["a"] - own["b"])
    assert own["difference"]["low"] < own["difference"]["value"] < own["difference"]["high"]
    markdown, as_json = (Path(file) for file in found["files"])
    assert markdown.read_text() == done.stdout.partition("\nwritten:")[0]
    assert json.loads(as_json.read_text())["names"] == found["names"]


def test_seeds_and_corpus_are_chosen(bench, store):
    order = ("compare", "table4:S5", "sal/table4:S4", "--smoke", "--json", "--corpus", "PS")
    every = json.loads(bench(*order, "--row-seed", "all").stdout)
    assert every["names"][0] == "sal/table4:S5, seeds 666, 667"
    assert every["over_seeds"]
    assert every["rows"]["a"] == {"table": "sal/table4", "row": "S5", "seeds": [666, 667]}
    assert {of["levels"]["Evaluation"] for of in every["compared"]} == {"PS eval"}
    single = [
        json.loads(bench(*order, "--row-seed", seed).stdout)["compared"][0]["a"]
        for seed in ("666", "667")
    ]
    assert every["compared"][0]["a"] == pytest.approx(np.mean(single))


def test_what_cannot_be_compared_is_one_message(bench, store, subtests):
    cases = [
        (("table4:S5", "table4:S44"), "sal/table4: 'S44': no such row; did you mean 'S4'?"),
        (("tabel4:S5", "table4:S4"), "did you mean"),
        (
            ("table4:S5", "table4:S0"),
            "sal/table4:S0, seed 666: not run: `bench run sal/table4 --rows S0 --smoke` runs it",
        ),
        (
            ("table4:S5", "table4:S7@released"),
            "`bench run sal/table4 --rows S7 --variant released --smoke` runs it",
        ),
        (
            ("table4:S5", "table4:S4", "--row-seed", "9"),
            "finished are the seeds 666, 667 (--row-seed)",
        ),
        (("table4:S5", "table4:S4", "--row-seed", "some"), "should be a seed, as 666, or all"),
        (("table4:S5", "table4:S4", "--corpus", "HAD"), "no evaluation in common on had"),
        (("table4:S5", "gone.txt"), "gone.txt: "),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments):
            done = bench("compare", *arguments, "--smoke")
            assert done.returncode == 2
            assert message in " ".join(done.stderr.split())


def test_files_are_written_too_and_want_a_corpus(bench, trials, keys, tmp_path):
    paths = [
        str(text(tmp_path / f"{seed}.txt", trials["utterance"], scored(trials, seed)[0]))
        for seed in range(2)
    ]
    done = bench("compare", *paths, *keys)
    assert done.returncode == 0, done.stderr
    place = tmp_path / "work/scored/0.txt-against-1.txt-asvspoof2019la-eval"
    assert (place / "comparison.md").read_text() == done.stdout.partition("\nwritten:")[0]
    own = json.loads(bench("compare", *paths, *keys, "--output-dir", "here", "--json").stdout)
    assert own["files"] == ["here/comparison.md", "here/comparison.json"]
    assert "--corpus NAME" in bench("compare", *paths).stderr
    assert (
        "--row-seed is an option of rows"
        in bench("compare", *paths, *keys, "--row-seed", "all").stderr
    )


def test_scored_systems_are_rows_and_stand_beside_files(bench, trials, keys, tmp_path):
    paths = {
        name: str(text(tmp_path / f"{name}.txt", trials["utterance"], scored(trials, seed)[0]))
        for seed, name in enumerate(("MyDet", "Theirs"))
    }
    for name, path in paths.items():
        kept = bench("score", path, *keys, "--track", "cross", "--name", name)
        assert kept.returncode == 0, kept.stderr
    by_rows = json.loads(bench("compare", "cross:MyDet", "cross:Theirs", "--json").stdout)
    assert by_rows["names"] == ["cross/detection:MyDet", "cross/detection:Theirs"]
    mixed = json.loads(bench("compare", "cross:MyDet", paths["Theirs"], *keys, "--json").stdout)
    files = json.loads(bench("compare", *paths.values(), *keys, "--json").stdout)
    assert mixed["names"] == ["cross/detection:MyDet", "Theirs.txt"]
    row = {"table": "cross/detection", "row": "MyDet", "seeds": []}
    assert mixed["rows"] == {"a": row, "b": None}
    rates = [
        {of["metric"]: of["difference"]["value"] for of in found["compared"]}["eer"]
        for found in (by_rows, mixed, files)
    ]
    assert rates == [pytest.approx(rates[0])] * 3
    near = bench("compare", "cross:MyDett", "cross:Theirs")
    assert "did you mean 'MyDet'?" in near.stderr
    assert near.returncode == 2
    elsewhere = bench("compare", "cross:MyDet", paths["Theirs"], "--corpus", "21LA", *keys[2:])
    assert elsewhere.returncode == 2
