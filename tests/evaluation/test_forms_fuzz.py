"""Whatever the file holds, it is read or refused; nothing else comes out, and no row is lost."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from bench.errors import BenchError
from bench.evaluation.forms import ScoreFile
from bench.evaluation.ids import clean_ids
from tests.evaluation.listed import read

FEW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TEXT = b"".join(b"LA_E_%07d A07 %s %.6f\n" % (i, b"spoof", i / 7) for i in range(12))
TABLE = b"filename,cm-score\n" + b"".join(b'"d/%d.wav",%g\n' % (i, i / 7) for i in range(12))
FRAMES = b"".join(b"u%d\t%.2f\t%g\n" % (i // 4, i % 4 * 0.02, i / 7) for i in range(12))


def _saved(save, content, *args):
    file = io.BytesIO()
    save(file, content, *args)
    return file.getvalue()


VECTORS = {f"u{i}": np.arange(4, dtype=np.float32) for i in range(3)}


def _zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scores.txt", content)
    return file.getvalue()


IDS_12 = [f"u{i}" for i in range(12)]
PARALLEL = {"ids": np.array(IDS_12, dtype=object), "scores": np.arange(12) / 7}
GOOD = {
    "text": TEXT,
    "table": TABLE,
    "frames": FRAMES,
    "UTF-16": TEXT.decode().encode("utf-16"),
    "gz": gzip.compress(TEXT, mtime=0),
    "bz2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zip": _zipped(TEXT),
    "npy": _saved(np.save, np.array(VECTORS, dtype=object), True),
    "npz": _saved(lambda file, content: np.savez(file, **content), VECTORS),
    "parallel": _saved(lambda file, content: np.savez(file, **content), PARALLEL),
    "records": _saved(np.save, np.array([*zip(*PARALLEL.values(), strict=True)], dtype=object)),
    "mat": _saved(savemat, PARALLEL),
    "json": json.dumps({u: i / 7 for i, u in enumerate(IDS_12)}, indent=1).encode(),
    "json lines": "".join(json.dumps({"id": u, "score": 0.5}) + "\n" for u in IDS_12).encode(),
    "json frames": json.dumps({k: v.tolist() for k, v in VECTORS.items()}).encode(),
    "parquet": _saved(
        lambda file, table: pq.write_table(table, file),
        pa.table({"utterance": [f"u{i}" for i in range(12)], "score": [i / 7 for i in range(12)]}),
    ),
}


def answer(path, content):
    """Return what `read` gives, or None where it refuses."""
    path.write_bytes(content)
    found = refusal = None
    try:
        found = read(path, resolution_s=0.02)
    except BenchError as error:
        refusal = str(error)
    if found is None:
        assert str(path) in refusal
        assert max(map(len, refusal.split("\n"))) < 1000
        return None
    assert isinstance(found, ScoreFile)
    assert len(found.row) == len(found.score) > 0
    assert found.row.max() < len(found.names)
    assert found.score.dtype == np.float64
    if found.kind == "frames":
        assert (found.end > found.start).all()
    return found


@FEW
@given(st.binary(max_size=300))
@example(b"a\x00b 1\n")
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"#\n")
@example(b'"\n')
@example(b"1\n")
def test_any_bytes(tmp_path, content):
    answer(tmp_path / "any", content)


@FEW
@given(st.text(alphabet="ab1.,;\t\n\r \"'#-e/\\", max_size=200))
def test_any_text(tmp_path, content):
    answer(tmp_path / "any", content.encode())


@pytest.mark.parametrize("name", GOOD)
@settings(parent=FEW, max_examples=60)
@given(data=st.data())
def test_mutated_files(tmp_path, name, data):
    content = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        match data.draw(st.sampled_from(["set", "cut", "insert", "double"])):
            case "set":
                content[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 30))]
            case "insert":
                content[at:at] = data.draw(st.binary(max_size=5))
            case _:
                content += content[at:]
    answer(tmp_path / "mutated", bytes(content))


def test_good_files(tmp_path, subtests):
    for name in GOOD:
        with subtests.test(name=name):
            assert len(answer(tmp_path / "good", GOOD[name])) == 12


IDS = st.text(alphabet="abXY019_", min_size=1, max_size=8).map("u".__add__)
NUMBERS = st.floats(allow_nan=False, width=32)


@FEW
@given(
    rows=st.dictionaries(IDS, NUMBERS, min_size=1, max_size=20),
    separator=st.sampled_from([" ", "\t", ",", ";", "   ", " \t"]),
    end=st.sampled_from(["\n", "\r\n", "\n\n", " \n"]),
    header=st.sampled_from(["", "utt{}score{}"]),
)
def test_what_is_written_is_read(tmp_path, rows, separator, end, header):
    text = header.format(separator, end)
    text += "".join(f"{name}{separator}{score!r}{end}" for name, score in rows.items())
    found = answer(tmp_path / "written", text.encode())
    assert found is not None
    names = clean_ids(found.names).to_pylist()
    assert {names[i]: s for i, s in zip(found.row, found.score, strict=True)} == rows
