"""Scores as JSON and JSON lines, in the forms that people write."""

from __future__ import annotations

import bz2
import gzip
import json
import math

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.evaluation.ids import IdForm, clean_ids, reduce_ids
from tests.errors import raises_code
from tests.evaluation.listed import read

IDS = ["LA_E_1000001", "LA_E_1000002", "LA_E_1000003", "LA_E_1000004"]
SCORES = [1.5, -2.25, 3e-05, -4.0]
HELD = dict(zip(IDS, SCORES, strict=True))
RECORDS = [{"file": u, "score": s} for u, s in HELD.items()]
PARALLEL = {"ids": IDS, "scores": SCORES}
FRAME = pd.DataFrame({"file": IDS, "score": SCORES})
ANSWERS = {
    u: [{"label": "fake", "score": 1 - s}, {"label": "real", "score": 1 + s}]
    for u, s in HELD.items()
}
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)

FORMS = {
    "scores by id": json.dumps(HELD),
    "indented": json.dumps(HELD, indent=2),
    "objects by id": json.dumps({u: {"score": s, "epoch": 3} for u, s in HELD.items()}),
    "a list of objects": json.dumps(RECORDS),
    "a list of lists": json.dumps(list(map(list, HELD.items()))),
    "parallel lists": json.dumps(PARALLEL),
    "parallel lists beside others": json.dumps({"model": "X", "eer": 0.1, **PARALLEL}),
    "within an object": json.dumps({"model": "X", "results": RECORDS}),
    "beside other lists": json.dumps({"errors": [], "folds": [1, 2], "results": RECORDS}),
    "by id within an object": json.dumps({"model": "X", "scores": HELD}),
    "lines": LINES,
    "lines with blank ones between": LINES.replace("\n", "\r\n\r\n"),
    "lines of lists": "".join(json.dumps(list(of)) + "\n" for of in HELD.items()),
    "numbers as texts": json.dumps({u: str(s) for u, s in HELD.items()}),
    "pandas": FRAME.to_json(),
    "pandas, records": FRAME.to_json(orient="records"),
    "pandas, split": FRAME.to_json(orient="split"),
    "pandas, index": FRAME.set_index("file").to_json(orient="index"),
    "pandas, by row numbers": FRAME.to_json(orient="index"),
    "pandas, lines": FRAME.to_json(orient="records", lines=True),
    "one score each in a list": json.dumps({u: [s] for u, s in HELD.items()}),
    "a score and its label": json.dumps(
        [
            {"score": s, "label": "bonafide" if s > 0 else "spoof", "path": u}
            for u, s in HELD.items()
        ]
    ),
}


def put(tmp_path, content, name="scores.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def held(found):
    """The scores by id, without folders and suffixes."""
    names = reduce_ids(clean_ids(found.names), IdForm(1, False)).to_pylist()
    return {names[int(r)]: s for r, s in zip(found.row, found.score, strict=True)}


def test_forms(tmp_path, subtests):
    for name, form in FORMS.items():
        with subtests.test(name=name):
            found = read(put(tmp_path, form))
            assert held(found) == HELD
            assert found.kind == "utterances"
            assert found.taken.startswith("JSON")


def test_the_member_that_is_read_is_named(tmp_path):
    assert "its member 'results'" in read(put(tmp_path, FORMS["within an object"])).taken


@pytest.mark.parametrize(
    "content", [ANSWERS, [{"file": u, "scores": of} for u, of in ANSWERS.items()]]
)
def test_answers_of_a_classifier_by_label(tmp_path, content):
    """Each label is a column; the two are taken for what their names say."""
    found = read(put(tmp_path, json.dumps(content)))
    np.testing.assert_allclose(found.score, [2 * s for s in SCORES])
    assert "the difference 'real' - 'fake'" in found.taken


@pytest.mark.parametrize(
    "content",
    [{u: [-s, s] for u, s in HELD.items()}, [{"f": u, "logits": [-s, s]} for u, s in HELD.items()]],
)
def test_two_logits(tmp_path, content):
    path = put(tmp_path, json.dumps(content))
    with pytest.raises(BenchError, match=r"which column is the score\?.*--column 2-3"):
        read(path)
    assert read(path, column="3-2").score.tolist() == [2 * s for s in SCORES]


def test_frames_by_utterance(tmp_path):
    path = put(tmp_path, json.dumps({"u1": [0.5, 1, -1], "u2": [2.5, 0.25]}))
    with pytest.raises(BenchError, match="--resolution"):
        read(path)
    found = read(path, resolution_s=0.02)
    assert found.row.tolist() == [0, 0, 0, 1, 1]
    assert found.start.tolist() == [0, 320, 640, 0, 320]
    assert found.score.tolist() == [0.5, 1, -1, 2.5, 0.25]


def test_words_are_numbers(tmp_path, subtests):
    cases = [
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"-inf"', -math.inf),
    ]
    for text, value in cases:
        with subtests.test(text=text):
            found = read(put(tmp_path, f'{{"u1": 0.5, "u2": {text}, "u3": 1}}'))
            np.testing.assert_equal(found.score, [0.5, value, 1])


def test_ids_that_are_whole_numbers(tmp_path):
    path = put(tmp_path, json.dumps({"ids": [7, 3, 11], "scores": [0.5, 1, 2]}))
    assert held(read(path, id_column="ids")) == {"7": 0.5, "3": 1, "11": 2}


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lambda b: b"\xef\xbb\xbf" + b, lambda b: b"\n " + b],
    ids=["gz", "bz2", "BOM", "blanks"],
)
@pytest.mark.parametrize("form", ["scores by id", "lines"])
def test_packed_and_marked(tmp_path, pack, form):
    assert held(read(put(tmp_path, pack(FORMS[form].encode()), "scores.txt"))) == HELD


def test_utf16(tmp_path):
    assert held(read(put(tmp_path, FORMS["scores by id"].encode("utf-16")))) == HELD


BROKEN = {
    '{"u1": 0.5,\n "u2" 1}': r":2:7: begins as JSON but is none: Expecting ':' delimiter at",
    '{"u1": 0.5': ":1:11: begins as JSON but is none",
    "{'u1': 0.5}": "write it by json.dump",
    '{"file": "u1", "score": 1}\n{"file": "u2", "score": }\n': ":2:25: begins as JSON",
    '{"file": "u1", "score": 1}\n\n{"file": "u2"\n': ":3:14: begins as JSON",
    '{"u1": 0.5, "u2": 1, "u1": 0.25}': "'u1' comes twice in one object",
    "{}": "empty object",
    "[]": "empty list",
    "[[], []]": "holds no row",
    '{"u1": 0.5, "u2": null, "u3": 1}': "score: 1 of 3 cells are empty, the first in row 2",
    '[{"file": "u1", "score": 1}, {"file": "u2"}, {"file": "u3", "score": 2}]': "1 of 3 cells are",
    '{"u1": 0.5, "u2": "high", "u3": 1}': "score: row 2: 'high' is no number",
    '{"ids": ["u1", "u2"], "scores": [1]}': "equally long: 'ids' has 2, 'scores' has 1",
    '[["u1", 0.5], ["u2"]]': "entry 2 has 1 values, entry 1 has 2",
    '[1, {"u": 1}]': "several kinds",
    '{"u1": {"v": {"w": 1}}, "u2": 1}': "another form",
    '{"u1": [0.5, [1], 1], "u2": [1]}': "'u1': is no list of numbers",
    '{"u1": [0.5, "x", 1], "u2": [1]}': "equally long: 'u1' has 3, 'u2' has 1",
    "[0.5, 1.5]": "no column of utterance ids.*--order protocol",
    '{"scores": [0.5, 1.5]}': "no column of utterance ids.*--order protocol",
    "[" * 100_000: "nested too deep",
    "[" + "9" * 5000 + "]": "digit",
    '{"u1": \udcff}': "cannot be decoded",
}


def test_broken(tmp_path, subtests):
    for text, message in BROKEN.items():
        with subtests.test(text=text):
            if "\udcff" in text:
                text, message = text.encode("utf-8", "surrogateescape"), "no text in UTF-8"
            with pytest.raises(BenchError, match=message) as caught:
                read(put(tmp_path, text))
            assert str(caught.value).startswith(str(tmp_path))
            assert len(str(caught.value)) < 700


def test_large_numbers(tmp_path):
    found = read(put(tmp_path, '{"u1": 100000000000000000000000, "u2": 0.5, "u3": 1e400}'))
    assert found.score.tolist() == [1e23, 0.5, math.inf]


def test_json_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.evaluation.json_files.LARGEST", 1000)
    with raises_code("scores.too-large"):
        read(put(tmp_path, gzip.compress(b"[" + b" " * 2000 + b"]")))


@pytest.mark.parametrize(
    "made",
    [
        lambda rows: {"results": [{"utt": name, "score": of} for name, of in rows]},
        lambda rows: {
            "model": {"n": "x"},
            "all": [{"utt": name, "score": of} for name, of in rows],
        },
        lambda rows: [{name: of} for name, of in rows],
    ],
    ids=["a member", "a member among others", "an object each"],
)
def test_objects_within_and_one_by_one(tmp_path, made):
    rows = [(f"u{i}", i / 7 - 1) for i in range(12)]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(made(rows)))
    found = read(path)
    assert found.names.to_pylist() == [name for name, _ in rows]
    assert found.score.tolist() == [of for _, of in rows]
