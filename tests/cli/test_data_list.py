"""`bench data list` from outside: what a program of one's own needs of a split."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bench.config import Config
from bench.data import corpora

ORDER = ("data", "list")


def lines(done):
    assert done.returncode == 0, done.stderr
    return [*csv.DictReader(io.StringIO(done.stdout))]


@pytest.mark.parametrize(("name", "split"), [("19LA", "eval"), ("PS", "dev"), ("LPS", "crossfade")])
def test_every_utterance_has_id_audio_label_and_factors(bench, environment, name, split):
    config = Config(work=Path(environment["BENCH_WORK"]))
    subset = corpora.read_corpus_split(name, split, config, "smoke")
    order = (*ORDER, name, "--split", split, "--smoke")
    listed = lines(bench(*order, "--csv"))
    assert len(listed) == len(subset)
    assert [*listed[0]][:3] == ["id", "path", "label"]
    columns = {*subset.table.columns} - {"utterance", "path"}
    assert {*listed[0]} == {"id", "path", *columns}
    for index, line in enumerate(listed):
        assert (line["id"], line["label"]) == (
            subset.table["utterance"][index],
            subset.table["label"][index],
        )
        assert Path(line["path"]) == subset.audio_path(index)
        assert Path(line["path"]).is_file()
        assert line["speaker"] == subset.table["speaker"][index]
    as_json = json.loads(bench(*order, "--json").stdout)
    assert (as_json["kind"], as_json["split"], as_json["form"]) == ("data list", split, "smoke")
    assert [record["id"] for record in as_json["utterances"]] == [line["id"] for line in listed]


def test_keys_alone_will_do_and_the_head_says_how_many_there_are(bench, trials, tmp_path):
    order = (*ORDER, "19LA", "--keys", str(tmp_path / "keys"))
    listed = lines(bench(*order, "--csv"))
    assert [line["id"] for line in listed] == [*trials["utterance"]]
    assert [line["attack"] for line in listed[:3]] == ["", "A07", "A08"]
    assert listed[0]["path"] == "ASVspoof2019_LA_eval/flac/LA_E_0000000.flac"
    head = bench(*order).stdout.splitlines()
    assert len(head) == 2 + 10 + 1
    assert head[-1] == "asvspoof2019la, eval: 400 utterances; --csv lists all"


def test_mistakes_are_one_message(bench, subtests):
    cases = [
        (("19LAA",), "did you mean"),
        (("19LA", "--split", "evil", "--smoke"), "did you mean 'eval'?"),
        (("19LA",), "corpus asvspoof2019la is not configured"),
        (("19LA", "--csv", "--json"), "--csv"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments):
            done = bench(*ORDER, *arguments)
            assert done.returncode == 2
            assert message in " ".join(done.stderr.split())
