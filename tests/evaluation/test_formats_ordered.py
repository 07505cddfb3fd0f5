"""Scores without ids in the order of the protocol: only where asked for, and only as many."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.io import savemat

from bench.cards.corpus_cards import read_corpus_card
from bench.data.corpora import read_keys
from bench.errors import BenchError
from bench.evaluation import forms
from bench.evaluation.read_options import ReadOptions
from tests.errors import raises_code
from tests.evaluation.listed import LISTS, judge, listed, written

IDS = ["LA_E_3", "LA_E_1", "LA_E_2"]
SCORES = [1.5, -2.25, 0.5]


def read(path, ids=IDS, **asked):
    return forms.read_score_file(path, ReadOptions(order="protocol", **asked), ids)


def put(tmp_path, content, name="scores.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


TEXT = {
    "a number a line": "1.5\n-2.25\n0.5\n",
    "CRLF, blank lines, comments": "# mine\r\n1.5\r\n\r\n-2.25\r\n 0.5",
    "a header": "score\n1.5\n-2.25\n0.5\n",
    "packed": gzip.compress(b"1.5\n-2.25\n0.5\n", mtime=0),
    "UTF-16": "1.5\n-2.25\n0.5\n".encode("utf-16"),
    "pandas": ",score\n0,1.5\n1,-2.25\n2,0.5\n",
    "labels beside": "spoof 1.5\nspoof -2.25\nbonafide 0.5\n",
    "JSON": "[1.5, -2.25, 0.5]",
    "JSON, named": '{"scores": [1.5, -2.25, 0.5]}',
    "JSON lines": "[1.5]\n[-2.25]\n[0.5]\n",
}


def test_text(tmp_path, subtests):
    for name, content in TEXT.items():
        with subtests.test(name=name):
            found = read(put(tmp_path, content))
            assert found.names.to_pylist() == IDS
            assert found.score.tolist() == SCORES
            ((code, said),) = found.warnings
            assert code == "scores.order"
            assert (
                "its 3 scores were given to the trials in the order of the keys, LA_E_3 first"
                in said
            )


def test_binary_forms(tmp_path):
    np.save(tmp_path / "v.npy", np.array(SCORES))
    np.save(tmp_path / "c.npy", np.array(SCORES, dtype=np.float32)[:, None])
    np.savez(tmp_path / "v.npz", np.array(SCORES))
    savemat(tmp_path / "v.mat", {"llr": np.array(SCORES)})
    pq.write_table(pa.table({"score": SCORES}), tmp_path / "v.parquet")
    for name in ("v.npy", "c.npy", "v.npz", "v.mat", "v.parquet"):
        assert read(tmp_path / name).score.tolist() == SCORES, name


def test_two_logits(tmp_path, subtests):
    for separator in [" ", "\t", ",", ", ", ";"]:
        with subtests.test(separator=separator):
            path = put(tmp_path, "".join(f"{-s}{separator}{s}\n" for s in SCORES))
            with pytest.raises(BenchError, match=r"which column is the score\?.*--column 1-2"):
                read(path)
            assert read(path, column="2").score.tolist() == SCORES
            assert read(path, column="2-1").score.tolist() == [2 * s for s in SCORES]


def test_answers_of_a_classifier(tmp_path):
    """Hugging Face pipelines answer in the order they are asked, without ids."""
    answers = [[{"label": "fake", "score": -s}, {"label": "real", "score": s}] for s in SCORES]
    path = put(tmp_path, json.dumps(answers))
    with raises_code("scores.no-ids"):
        forms.read_score_file(path)
    assert read(path).score.tolist() == [2 * s for s in SCORES]


@pytest.mark.parametrize("content", ["1.5\n-2.25\n", "1.5\n-2.25\n0.5\n7\n"])
def test_another_count_is_refused(tmp_path, content):
    count = content.count("\n")
    with pytest.raises(BenchError, match=f"holds {count} scores, but the keys list 3 trials"):
        read(put(tmp_path, content))


BROKEN = {
    "u3 1.5\nu1 -2.25\nu2 0.5\n": r"column '1' looks like ids \(e\.g\. 'u3'\).*leave --order out",
    "9 1.5\n3 -2.25\n7 0.5\n": "column '1' looks like ids",
    '{"u1": 1, "u2": 2, "u3": 3}': "'utterance' looks like ids",
    '{"u1": [1, 2, 3], "u2": [2], "u3": [3]}': "scores by utterance; leave --order out",
    "1.5\n-2.25 1\n0.5\n": r":2: '-2.25 1': 2 columns, not 1",
    "1.5\nhigh\n0.5\n": "row 2: 'high' is no number",
    "1,5\n-2,25\n0,5\n": "decimal comma",
    "\n\n": "only blank lines",
    "score\n": "a header and nothing below it",
    "1.5\n" * 300 + "\xe9\n": ":301: not text in UTF-8",
}


def test_broken(tmp_path, subtests):
    for content, message in BROKEN.items():
        with subtests.test(content=content), pytest.raises(BenchError, match=message):
            read(put(tmp_path, content.encode("latin-1")))


def test_ids_and_their_order_are_not_asked_for_together(tmp_path):
    with raises_code("scores.order"):
        read(put(tmp_path, "1\n2\n3\n"), id_column="1")


def test_keys_are_in_the_order_of_the_official_list(miniatures, subtests):
    """LlamaPartialSpoof's split is of two lists: the one after the other."""
    for corpus in LISTS:
        with subtests.test(corpus=corpus):
            found = read_corpus_card(corpus)
            split = "dev" if corpus == "had" else found.evaluation_split
            ids = read_keys(found, split, miniatures / "mini" / corpus).table["utterance"].tolist()
            official = [
                u.removesuffix(".wav") for u in listed(miniatures / "mini", corpus)["utterance"]
            ]
            if corpus == "llamapartialspoof":
                official = [u for u in official if u in ids]
                ids = ids[: len(official)]
            assert ids == official


@pytest.mark.parametrize("corpus", ["asvspoof2021df", "asvspoof5", "inthewild"])
def test_the_same_figures_as_with_ids(miniatures, tmp_path, corpus):
    table = listed(miniatures / "mini", corpus)
    with_ids = written(tmp_path, table)
    bare = put(tmp_path, "".join(f"{s}\n" for s in table["score"]), "bare.txt")
    wanted = judge(miniatures / "mini", corpus, form="smoke")
    same = judge(miniatures / "mini", corpus, form="smoke", order="protocol")
    verdict = same.evaluate_scores(same.read_scores(bare))
    assert (
        verdict.results["eer"].value
        == wanted.evaluate_scores(wanted.read_scores(with_ids)).results["eer"].value
    )
    assert [of.severity for of in verdict.findings if of.code == "scores.order"] == ["warning"]


def test_keys_of_a_part_are_refused(miniatures, tmp_path):
    """Of a real corpus, not a miniature: whose scores these are cannot be told."""
    table = listed(miniatures / "mini", "asvspoof2019la")
    bare = put(tmp_path, "".join(f"{s}\n" for s in table["score"]))
    partial = judge(miniatures / "mini", "asvspoof2019la", order="protocol")
    with raises_code("keys.counts"):
        partial.read_scores(bare)


def test_labels_beside_scores_without_names_are_compared(tmp_path):
    ids = [f"u{i}" for i in range(20)]
    rows = "".join(f"{i / 7 - 1} {i % 2}\n" for i in range(20))
    found = read(put(tmp_path, rows), ids)
    assert found.binary.tolist() == [i % 2 for i in range(20)]
