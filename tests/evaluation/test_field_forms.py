"""Score files in every form of the field, made from one set of trials: one right EER, or a refusal
that says what is wrong.

The forms are those that toolkits and people write (ASVspoof's packages, AASIST, SSL_Anti-spoofing,
AntiDeepfake, NII's scripts, WeDefense, Hugging Face, pandas, NumPy, MATLAB); all figures are
invented.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from scipy.io import savemat

from bench.cards import corpus_cards
from bench.errors import BenchError
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.evaluation.read_options import ReadOptions
from bench.metrics.det import eer_by_class

CARD = """
name     = "Field"
short    = "FIELD"
task     = "detection"
reader   = "protocol"
story    = "24 bona fide, 24 spoof."
citation = "x"
licence  = "x"
page     = "https://example.org/x"
place    = "x"
sources  = ["x"]

[protocol]
file      = "list.csv"
separator = "comma"
header    = "file,label"
columns   = "utterance label"
labels    = { bonafide = "bonafide", spoof = "spoof" }
audio     = "{utterance}.wav"

[splits.test]
utterances = 48
bonafide   = 24
spoof      = 24
"""

_RNG = np.random.default_rng(3)
N = 48
SPOOF = np.sort(_RNG.permutation(N)[:24])
IS_SPOOF = np.isin(np.arange(N), SPOOF)
IDS = [f"LA_E_{i:07d}" for i in _RNG.choice(9_999_999, N, replace=False)]
LOGIT = np.round(_RNG.normal(size=N) + np.where(IS_SPOOF, -1.0, 1.0), 4)
WORDS = np.where(IS_SPOOF, "spoof", "bonafide").tolist()
REAL = np.exp(LOGIT) / (1 + np.exp(LOGIT))
ATTACK = [f"A{7 + i % 13:02d}" if of else "-" for i, of in enumerate(IS_SPOOF)]
SPEAKER = [f"LA_{i % 7:04d}" for i in range(N)]
GENUINE = (~IS_SPOOF).astype(int).tolist()
ORDER = _RNG.permutation(N).tolist()
"""The order of rows in files that have ids."""
ROWS = [
    {
        "u": IDS[i],
        "s": f"{LOGIT[i]}",
        "m": f"{-LOGIT[i]}",
        "p": f"{REAL[i]:.6f}",
        "q": f"{1 - REAL[i]:.6f}",
        "lp": f"{np.log(REAL[i]):.6f}",
        "lq": f"{np.log1p(-REAL[i]):.6f}",
        "k": WORDS[i],
        "a": ATTACK[i],
        "v": SPEAKER[i],
        "g": GENUINE[i],
        "f": int(IS_SPOOF[i]),
        "d": int(LOGIT[i] > 0),
        "w": "bonafide" if LOGIT[i] > 0 else "spoof",
        "c": f"{max(REAL[i], 1 - REAL[i]):.6f}",
        "n": n,
    }
    for n, i in enumerate(ORDER)
]
EER = 5 / 24
"""Of these trials, counted by hand in `test_the_eer`."""

Written = Callable[[Path], Any]


def lines(form: str, head: str = "", end: str = "\n") -> bytes:
    return (head + end if head else "").encode() + "".join(
        form.format(**row) + end for row in ROWS
    ).encode()


def put(content: bytes) -> Written:
    return lambda path: path.write_bytes(content)


def saved(save: Callable[..., None], *content: Any, **named: Any) -> Written:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            save(file, *content, **named)

    return write


def in_order(form: str) -> bytes:
    rows = sorted(ROWS, key=lambda row: IDS.index(row["u"]))
    return "".join(form.format(**row) + "\n" for row in rows).encode()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, lines("{u} {s}"))
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    content = lines("{u} {s}")
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("scores.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table scores (id text, score real)")
    connection.close()


def parquet(index: bool) -> Written:
    def write(path: Path) -> None:
        table = FRAME.set_index("file") if index else FRAME
        pq.write_table(pa.Table.from_pandas(table), path)

    return write


def dataset(path: Path) -> None:
    path.mkdir()
    (path / "dataset_info.json").write_text("{}")
    (path / "data-00000-of-00001.arrow").write_bytes(b"\xff\xff\xff\xff")


TEXT = lines("{u} {s}")
FRAME = pd.DataFrame({"file": [r["u"] for r in ROWS], "score": [float(r["s"]) for r in ROWS]})
NAMES = np.array([row["u"] for row in ROWS])
SCORES = np.array([float(row["s"]) for row in ROWS])
ANSWERS = {
    row["u"]: [
        {"label": "fake", "score": float(row["q"])},
        {"label": "real", "score": float(row["p"])},
    ]
    for row in ROWS
}
RECORDS = FRAME.to_dict("records")

READ: dict[str, tuple[Written, dict[str, Any]]] = {
    "blanks": (put(TEXT), {}),
    "tabs": (put(lines("{u}\t{s}")), {}),
    "commas": (put(lines("{u},{s}")), {}),
    "semicolons": (put(lines("{u};{s}")), {}),
    "a header": (put(lines("{u},{s}", "utt_id,score")), {}),
    "CRLF": (put(lines("{u} {s}", end="\r\n")), {}),
    "byte order mark": (put(b"\xef\xbb\xbf" + TEXT), {}),
    "UTF-16, as PowerShell writes": (
        put(lines("{u} {s}", end="\r\n").decode().encode("utf-16")),
        {},
    ),
    "gz": (put(gzip.compress(TEXT, mtime=0)), {}),
    "bz2": (put(bz2.compress(TEXT)), {}),
    "xz": (put(lzma.compress(TEXT)), {}),
    "zip": (put(zipped("scores.txt")), {}),
    "zip of a Mac": (put(zipped("scores.txt", "__MACOSX/._scores.txt")), {}),
    "ASVspoof 2019, AASIST": (put(lines("{u} {a} {k} {s}")), {}),
    "ASVspoof 2021": (put(TEXT), {}),
    "ASVspoof 5's package": (put(lines("{u}\t{s}", "filename\tcm-score")), {}),
    "ASVspoof 5's package with its key": (
        put(lines("{u}\t{s}\t{k}", "filename\tcm-score\tcm-label")),
        {},
    ),
    "speaker, id, attack, key, score": (put(lines("{v} {u} - {a} {k} {s}")), {}),
    "SSL_Anti-spoofing": (put(lines("{u} {s}")), {}),
    "NII's scripts": (put(lines("{u}, {g}, {s}", "# mean-pooled")), {}),
    "AntiDeepfake": (put(lines('{u},"[{m}, {s}]",{g}', "ID,Score,Label")), {"column": "3-2"}),
    "WeDefense": (put(lines("{u} {s} {k}")), {}),
    "id, score, decision": (put(lines("{u} {s} {d}")), {}),
    "id, score, predicted class": (put(lines("{u},{s},{w}", "file,score,prediction")), {}),
    "id, score, 0/1 label of bona fide": (put(lines("{u} {s} {g}")), {}),
    "id, score, 0/1 label of spoof": (put(lines("{u} {s} {f}")), {}),
    "log-probabilities": (put(lines("{u},{lq},{lp}", "utt,logp_spoof,logp_bonafide")), {}),
    "probabilities by class": (put(lines("{u},{q},{p}", "utt,prob_fake,prob_real")), {}),
    "two logits, no header": (put(lines("{u} {m} {s}")), {"column": "3-2"}),
    "two logits, the second alone": (put(lines("{u} {m} {s}")), {"column": "3"}),
    "several scores": (put(lines("{u},{m},{s}", "file,run_a,run_b")), {"column": "run_b"}),
    "higher for spoof, as is said": (
        put(lines("{u},{q}", "file,fake_prob")),
        {"column": "fake_prob", "negate": True},
    ),
    "a predicted class and its confidence": (
        put(lines("{u},{w},{c}", "file,prediction,confidence")),
        {"column": "confidence@prediction"},
    ),
    "paths": (put(lines("/data/LA/flac/{u}.flac {s}")), {}),
    "file names with .wav": (put(lines("{u}.wav,{s}", "file,score")), {}),
    "paths of Windows": (put(lines("C:\\LA\\{u}.wav\t{s}")), {}),
    "tensors": (put(lines("{u} tensor({s})")), {}),
    "pandas": (lambda path: FRAME.to_csv(path), {}),
    "pandas without index": (lambda path: FRAME.to_csv(path, index=False), {}),
    "Parquet": (parquet(index=False), {}),
    "Parquet by index": (parquet(index=True), {}),
    "JSON by id": (put(json.dumps(dict(zip(NAMES.tolist(), SCORES, strict=True))).encode()), {}),
    "JSON, objects by id": (
        put(json.dumps({r["file"]: {"score": r["score"]} for r in RECORDS}).encode()),
        {},
    ),
    "JSON records": (put(json.dumps(RECORDS).encode()), {}),
    "JSON lists": (put(json.dumps(FRAME.to_dict("list")).encode()), {}),
    "JSON lines": (put("".join(json.dumps(r) + "\n" for r in RECORDS).encode()), {}),
    "JSON of pandas": (lambda path: FRAME.to_json(path), {}),
    "Hugging Face pipeline by file": (put(json.dumps(ANSWERS).encode()), {}),
    "npz": (saved(np.savez, ids=NAMES, scores=SCORES), {}),
    "npz with logits": (
        saved(np.savez, utt=NAMES, logits=np.stack([-SCORES, SCORES], axis=1)),
        {"column": "logits[2]-logits[1]"},
    ),
    "npy dictionary": (
        saved(np.save, dict(zip(NAMES.tolist(), SCORES.tolist(), strict=True))),
        {},
    ),
    "npy records": (
        saved(np.save, FRAME.to_records(index=False, column_dtypes={"file": "U20"})),
        {},
    ),
    "mat": (lambda path: savemat(path, {"ids": NAMES.astype(object), "scores": SCORES}), {}),
    "Hugging Face pipeline": (
        put(json.dumps([ANSWERS[u] for u in IDS]).encode()),
        {"order": "protocol"},
    ),
    "a number a line": (put(in_order("{s}")), {"order": "protocol"}),
    "two logits a line": (put(in_order("{m} {s}")), {"order": "protocol", "column": "2-1"}),
    "npy vector": (saved(np.save, LOGIT), {"order": "protocol"}),
    "mat vector": (lambda path: savemat(path, {"llr": LOGIT}), {"order": "protocol"}),
}

REFUSED: dict[str, tuple[Written, dict[str, Any], str]] = {
    "two logits": (put(lines("{u} {m} {s}")), {}, "which column is the score"),
    "the label for the score": (put(lines("{u} {s} {g}")), {"column": "3"}, "label or a decision"),
    "higher for spoof": (put(lines("{u},{q}", "file,fake_prob")), {}, "higher for spoof"),
    "inverted": (put(lines("{u} {m}")), {}, "--higher-is-spoof"),
    "0/1 labels of other rows": (
        put(b"".join(b"%s %s %d\n" % (r["u"].encode(), r["s"].encode(), r["n"] % 2) for r in ROWS)),
        {},
        "label",
    ),
    "words of other rows": (
        put("".join(f"{r['u']} {r['s']} {ROWS[-i]['k']}\n" for i, r in enumerate(ROWS)).encode()),
        {},
        "label",
    ),
    "row numbers": (put(lines("{n},{s}", ",score")), {}, "row numbers"),
    "no ids": (put(in_order("{s}")), {}, "--order protocol"),
    "npy vector": (saved(np.save, LOGIT), {}, "--order protocol"),
    "fewer than the keys": (
        put(b"".join(in_order("{s}").splitlines(True)[1:])),
        {"order": "protocol"},
        "47 scores, but the keys list 48 trials",
    ),
    "ids in an order": (put(TEXT), {"order": "protocol"}, "looks like ids"),
    "decimal commas": (put(TEXT.replace(b".", b",")), {}, "decimal comma"),
    "Feather": (lambda path: feather.write_feather(FRAME, str(path)), {}, "Arrow.*to_csv"),
    "HDF5": (put(b"\x89HDF\r\n\x1a\n" + bytes(99)), {}, "HDF5.*to_csv"),
    "mat 7.3": (put(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512)), {}, "'-v7'"),
    "SQLite": (database, {}, "SQLite.*to_csv"),
    "pickle": (put(pickle.dumps(RECORDS)), {}, "pickle.*numpy.savez"),
    "PyTorch": (put(zipped("archive/data.pkl", "archive/version")), {}, "PyTorch.*as text"),
    "Excel": (put(zipped("[Content_Types].xml", "xl/workbook.xml")), {}, "Excel.*as CSV"),
    "zip of several": (put(zipped("a.txt", "b.txt")), {}, "archive of 2 files .*unpack"),
    "tar": (put(tarred()), {}, "tar archive; unpack"),
    "tar.gz": (put(gzip.compress(tarred())), {}, "tar archive; unpack"),
    "7-zip": (put(b"7z\xbc\xaf\x27\x1c" + bytes(99)), {}, "7-zip archive; unpack"),
    "zstd": (put(b"\x28\xb5\x2f\xfd" + bytes(99)), {}, "zstd.*gz, bz2 and xz are"),
    "Hugging Face datasets": (dataset, {}, "to_csv"),
    "HTML": (put(b"<!DOCTYPE html><html></html>"), {}, "HTML"),
    "JSON cut short": (put(json.dumps(RECORDS).encode()[:-20]), {}, r":1:\d+: begins as JSON"),
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """A judge by a corpus of these trials."""
    place = tmp_path_factory.mktemp("field")
    keys = "".join(f"{u},{k}\n" for u, k in zip(IDS, WORDS, strict=True))
    (place / "list.csv").write_text("file,label\n" + keys)
    (place / "field.toml").write_text(CARD)
    return Evaluator(
        EvaluationRequest(
            corpus_cards.parse_corpus_card(place / "field.toml"), "test", place, replicates=5
        )
    )


def test_the_eer():
    """Of the keys themselves, without a file: five of each class on the wrong side."""
    thresholds = np.sort(LOGIT)
    miss = np.array([(LOGIT[~IS_SPOOF] < t).mean() for t in thresholds])
    false = np.array([(LOGIT[IS_SPOOF] >= t).mean() for t in thresholds])
    at = np.abs(miss - false).argmin()
    assert (miss[at] + false[at]) / 2 == EER


def test_forms_that_are_read(judge, tmp_path, subtests):
    for number, (name, (write, asked)) in enumerate(READ.items()):
        with subtests.test(name=name):
            path = tmp_path / f"scores{number}"
            write(path)
            bonafide, spoof = judge.read_scores(path, ReadOptions(**asked)).split_classes()
            assert eer_by_class(bonafide, spoof).eer == EER


def test_forms_that_are_refused(judge, tmp_path, subtests):
    for number, (name, (write, asked, message)) in enumerate(REFUSED.items()):
        with subtests.test(name=name):
            path = tmp_path / f"scores{number}"
            write(path)
            with pytest.raises(BenchError, match=message) as caught:
                judge.read_scores(path, ReadOptions(**asked))
            assert str(path) in str(caught.value)
