"""Scores as NumPy and MATLAB save them: arrays of ids and scores, records, structures, vectors."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from bench.errors import BenchError
from bench.evaluation.ids import IdForm, clean_ids, reduce_ids
from tests.errors import raises_code
from tests.evaluation.listed import read

IDS = ["LA_E_1000001", "LA_E_1000002", "LA_E_1000003"]
SCORES = np.array([1.5, -2.25, 3e-05])
WORDS = np.array(["bonafide", "spoof", "bonafide"])
OBJECTS = np.array(IDS, dtype=object)
CELLS = OBJECTS[:, None]

NPZ = {
    "ids and scores": {"ids": np.array(IDS), "scores": SCORES},
    "float32": {"filenames": np.array(IDS), "scores": SCORES.astype(np.float32)},
    "objects, as pandas has them": {"utt": OBJECTS, "score": SCORES},
    "bytes": {"files": np.array([u.encode() for u in IDS]), "scores": SCORES},
    "columns": {"ids": np.array(IDS)[:, None], "scores": SCORES[:, None]},
    "unnamed": {"arr_0": np.array(IDS), "arr_1": SCORES},
    "labels": {"ids": np.array(IDS), "scores": SCORES, "labels": WORDS},
    "others beside": {
        "ids": np.array(IDS),
        "scores": SCORES,
        "eer": np.array(0.1),
        "x": np.ones(9),
    },
}
NPY = {
    "records": np.array(
        list(zip(IDS, SCORES, strict=True)), dtype=[("file", "U20"), ("score", "f8")]
    ),
    "text": np.array(list(zip(IDS, map(str, SCORES), strict=True))),
    "objects": np.array(list(zip(IDS, SCORES.tolist(), strict=True)), dtype=object),
    "a dictionary": np.array({"ids": IDS, "scores": SCORES.tolist()}, dtype=object),
    "a dictionary of arrays": np.array({"ids": np.array(IDS), "scores": SCORES}, dtype=object),
}
MAT = {
    "cells and a vector": {"ids": CELLS, "scores": SCORES[:, None]},
    "a row": {"ids": CELLS.T, "scores": SCORES[None, :]},
    "characters": {"ids": np.array([*IDS[:2], "LA_E_1000003"]), "score": SCORES},
    "a structure": {"result": {"utt": CELLS, "llr": SCORES, "label": WORDS.astype(object)}},
    "structures": {
        "s": np.array(
            [(u, float(s)) for u, s in zip(IDS, SCORES, strict=True)],
            dtype=[("id", object), ("score", object)],
        )
    },
    "others beside": {"ids": CELLS, "scores": SCORES, "config": {"lr": 0.1}, "x": SCORES * 1j},
    "vectors beside": {"ids": CELLS, "scores": SCORES, "eer": 0.1, "thresholds": np.ones(99)},
}


def held(found):
    """The scores by id, without folders and suffixes."""
    names = reduce_ids(clean_ids(found.names), IdForm(1, False)).to_pylist()
    return {names[int(r)]: s for r, s in zip(found.row, found.score, strict=True)}


def saved(tmp_path, content):
    path = tmp_path / "scores.mat"
    savemat(path, content)
    return path


def test_npz_of_parallel_arrays(tmp_path, subtests):
    for name, content in NPZ.items():
        for save in [np.savez, np.savez_compressed]:
            with subtests.test(name=name, save=save):
                save(tmp_path / "s.npz", **content)
                found = read(tmp_path / "s.npz")
                assert found.kind == "utterances"
                assert held(found) == pytest.approx(dict(zip(IDS, SCORES, strict=True)))
                assert found.bonafide is None or found.bonafide.tolist() == [True, False, True]


def test_npy(tmp_path, subtests):
    for name, content in NPY.items():
        with subtests.test(name=name):
            np.save(tmp_path / "s.npy", content)
            assert held(read(tmp_path / "s.npy")) == dict(zip(IDS, SCORES, strict=True))


def test_mat(tmp_path, subtests):
    for name, content in MAT.items():
        for compressed in [False, True]:
            with subtests.test(name=name, compressed=compressed):
                savemat(tmp_path / "s.mat", content, do_compression=compressed)
                found = read(tmp_path / "s.mat")
                assert held(found) == dict(zip(IDS, SCORES, strict=True))
                assert "MATLAB variables" in found.taken


@pytest.mark.parametrize("encoding", [1, 2, 16])
def test_text_of_each_encoding_of_one_byte_is_read(tmp_path, encoding):
    """miINT8, miUINT8 and miUTF8, of the format's description, table 1-1."""
    path = saved(tmp_path, MAT["cells and a vector"])
    tag = struct.pack("<II", 16, len(IDS[0]))
    content = path.read_bytes()
    assert content.count(tag) == len(IDS)
    path.write_bytes(content.replace(tag, struct.pack("<II", encoding, len(IDS[0]))))
    assert held(read(path)) == dict(zip(IDS, SCORES, strict=True))


def test_several_arrays_of_scores(tmp_path):
    content = {"ids": np.array(IDS), "first": -SCORES, "second": SCORES}
    np.savez(tmp_path / "s.npz", **content)
    for path in (tmp_path / "s.npz", saved(tmp_path, content)):
        with raises_code("scores.which-column"):
            read(path)
        assert read(path, column="second").score.tolist() == SCORES.tolist()


def test_logits_in_two_columns(tmp_path):
    content = {"ids": np.array(IDS), "logits": np.stack([-SCORES, SCORES], axis=1)}
    np.savez(tmp_path / "s.npz", **content)
    with pytest.raises(BenchError, match=r"'logits\[1\]' .*--column 2-3"):
        read(tmp_path / "s.npz")
    assert read(tmp_path / "s.npz", column="3-2").score.tolist() == (2 * SCORES).tolist()


def test_ids_that_are_whole_numbers(tmp_path):
    np.savez(tmp_path / "s.npz", ids=np.array([7, 3, 11]), scores=SCORES)
    assert read(tmp_path / "s.npz", id_column="ids").names.to_pylist() == ["7", "3", "11"]


def test_packed(tmp_path):
    file = io.BytesIO()
    savemat(file, MAT["cells and a vector"])
    (tmp_path / "s.mat.gz").write_bytes(gzip.compress(file.getvalue()))
    assert held(read(tmp_path / "s.mat.gz")) == dict(zip(IDS, SCORES, strict=True))


def test_other_matlab_files(tmp_path, subtests):
    cases = [
        ({"ids": CELLS, "scores": SCORES[:2]}, "equally long: 'ids' has 3, 'scores' has 2"),
        ({"a": SCORES, "b": SCORES}, r"which variable .* 'a' of 3, 'b' of 3; say --column NAME"),
        ({"eer": 0.5}, "'eer' of ;"),
        ({"scores": SCORES}, r"no column of utterance ids.*--order protocol"),
        ({"ids": CELLS, "scores": {"a": {"b": 1}}}, "'scores' is a table, string array, structure"),
        ({"ids": np.array([["a", np.ones(2)]], object)}, "'ids': cell 2 holds 2 values"),
    ]
    for content, message in cases:
        with subtests.test(message=message):
            path = saved(tmp_path, content)
            with pytest.raises(BenchError, match=message) as caught:
                read(path)
            assert str(caught.value).startswith(str(path))


def test_any_damaged_byte_of_a_matlab_file_is_met(tmp_path):
    """The text's kind among them, at which SciPy's reader ends the process."""
    path = saved(tmp_path, MAT["cells and a vector"])
    content = path.read_bytes()
    for at in range(128, len(content), 3):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        try:
            found = read(path)
        except BenchError:
            continue
        assert len(found) <= 3


def test_cut_matlab_files(tmp_path):
    path = saved(tmp_path, MAT["a structure"])
    content = path.read_bytes()
    for end in range(130, len(content) - 8, 31):
        path.write_bytes(content[:end])
        with pytest.raises(BenchError, match=r"scores\.mat"):
            read(path)


def test_other_arrays_are_refused(tmp_path, subtests):
    cases = [
        np.zeros((3, 9)),
        np.zeros((2, 2, 2)),
        np.array(0.5),
        np.array([1 + 2j]),
        np.array([("a", (1.0, 2.0))], dtype=[("id", "U3"), ("score", "f8", 2)]),
        np.zeros(0),
    ]
    for number, content in enumerate(cases):
        with subtests.test(number=number):
            np.save(tmp_path / "s.npy", content)
            with pytest.raises(BenchError, match=r"s\.npy"):
                read(tmp_path / "s.npy")


def test_no_code_of_an_array_of_objects_runs(tmp_path):
    class Touch:
        def __reduce__(self):
            return open, (str(tmp_path / "trap"), "w")

    content = np.array([["u1", 0.5], [Touch(), 1.0]], dtype=object)
    file = io.BytesIO()
    np.save(file, content, allow_pickle=True)
    (tmp_path / "s.npy").write_bytes(file.getvalue())
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("ids.npy", file.getvalue())
    (tmp_path / "s.pkl").write_bytes(pickle.dumps(content.tolist()))
    for name in ("s.npy", "s.npz", "s.pkl"):
        with pytest.raises(BenchError):
            read(tmp_path / name)
    assert not (tmp_path / "trap").exists()
