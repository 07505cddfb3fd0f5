"""Frame scores in text, Parquet and NumPy dictionaries; no code of a pickle runs."""

from __future__ import annotations

import collections
import io
import pickle
import zipfile

import numpy as np
import pytest

from bench.errors import BenchError
from bench.evaluation import score_file as scorefile
from tests.evaluation.listed import read

VECTORS = {
    "LA_E_1": np.array([0.5, -1, 2], dtype=np.float32),
    "CON_E_2": np.array([1.5, 2.5], dtype=np.float32),
}
PAIRS = {name: np.stack([-v, v / 2], axis=1) for name, v in VECTORS.items()}


def frames_of(found):
    """Return `{id: [(start, end, score), ...]}`, in samples."""
    result = collections.defaultdict(list)
    columns = (found.row, found.start, found.end, found.score)
    for row, *frame in zip(*(column.tolist() for column in columns), strict=True):
        result[found.names[row].as_py()].append(tuple(frame))
    return dict(result)


def expected(frame=320):
    return {
        name: [(i * frame, (i + 1) * frame, s) for i, s in enumerate(v.tolist())]
        for name, v in VECTORS.items()
    }


def save(path, content, **how):
    with path.open("wb") as file:
        np.save(file, np.array(content, dtype=object), allow_pickle=True, **how)
    return path


def text(tmp_path, content):
    path = tmp_path / "frames.txt"
    path.write_text(content)
    return path


class TestText:
    ROWS = "LA_E_1 {0} 0.5\nLA_E_1 {1} -1\nLA_E_1 {2} 2\nCON_E_2 {0} 1.5\nCON_E_2 {1} 2.5\n"

    def test_seconds(self, tmp_path):
        found = read(text(tmp_path, self.ROWS.format("0", "0.02", "0.04")))
        assert found.kind == "frames"
        assert frames_of(found) == expected()
        assert "starts of frames from column 2" in found.taken
        assert "frames of 0.02 s" in found.taken

    def test_indices_need_the_resolution(self, tmp_path):
        path = text(tmp_path, self.ROWS.format(0, 1, 2))
        with pytest.raises(BenchError, match="say --resolution"):
            read(path)
        found = read(path, resolution_s=0.16)
        assert frames_of(found) == expected(2560)
        assert "indices of frames of 0.16 s" in found.taken

    def test_ends(self, tmp_path):
        rows = "".join(
            f"{name},{i * 0.02:.2f},{(i + 1) * 0.02:.2f},{s}\n"
            for name, v in VECTORS.items()
            for i, s in enumerate(v)
        )
        assert frames_of(read(text(tmp_path, rows))) == expected()
        assert frames_of(read(text(tmp_path, "id,start,end,score\n" + rows))) == expected()

    def test_starts_are_rounded_to_samples(self, tmp_path):
        """0.29 / 0.01 is 28.999... in floating point."""
        rows = "".join(f"u {i / 100:.2f} {i / 7}\n" for i in range(100))
        found = read(text(tmp_path, rows))
        assert found.start.tolist() == [160 * i for i in range(100)]

    def test_backward_frames_are_refused(self, tmp_path):
        with pytest.raises(BenchError, match="row 2: the frame ends before it starts"):
            read(text(tmp_path, "id,start,end,score\nu,0,0.02,1\nu,0.04,0.02,1\n"))

    def test_odd_starts_are_refused(self, tmp_path, subtests):
        for start in ["-0.02", "nan", "inf", "1e9"]:
            with (
                subtests.test(start=start),
                pytest.raises(BenchError, match="row 2 has a frame at"),
            ):
                read(text(tmp_path, f"id,start,score\nu,0,1\nu,{start},1\n"))

    def test_one_frame_says_no_resolution(self, tmp_path):
        with pytest.raises(BenchError, match="--resolution"):
            read(text(tmp_path, "id,start,score\nu,0.5,1\nv,0.5,1\n"))


def test_our_parquet(tmp_path):
    rows = [(name, i, s) for name, v in VECTORS.items() for i, s in enumerate(v.tolist())]
    names, index, score = zip(*rows, strict=True)
    start = np.array(index) * 0.16
    columns = {
        "utterance": names,
        "speaker": [""] * 5,
        "attack": [""] * 5,
        "start_s": start,
        "end_s": start + 0.16,
        "label": ["bonafide"] * 3 + ["spoof"] * 2,
        "score": np.array(score, dtype=np.float32),
    }
    scorefile.write_scores(tmp_path / "s.parquet", columns)
    found = read(tmp_path / "s.parquet")
    assert frames_of(found) == expected(2560)
    assert found.bonafide.tolist() == [True] * 3 + [False] * 2


class TestDictionaries:
    def test_npy(self, tmp_path, subtests):
        for dtype in ["<f2", "<f4", "<f8", ">f4"]:
            with subtests.test(dtype=dtype):
                path = save(tmp_path / "s.npy", {k: v.astype(dtype) for k, v in VECTORS.items()})
                assert frames_of(read(path, resolution_s=0.02)) == expected()

    def test_npy_of_lists_and_defaultdicts(self, tmp_path):
        content = collections.defaultdict(list, {k: v.tolist() for k, v in VECTORS.items()})
        path = save(tmp_path / "s.npy", content)
        assert frames_of(read(path, resolution_s=0.02)) == expected()

    def test_npz(self, tmp_path):
        np.savez(tmp_path / "s.npz", **VECTORS)
        assert frames_of(read(tmp_path / "s.npz", resolution_s=0.02)) == expected()
        np.savez_compressed(tmp_path / "s.npz", **{k: v[:, None] for k, v in VECTORS.items()})
        assert frames_of(read(tmp_path / "s.npz", resolution_s=0.02)) == expected()

    def test_the_resolution_is_needed(self, tmp_path):
        with pytest.raises(BenchError, match="--resolution"):
            read(save(tmp_path / "s.npy", VECTORS))
        with pytest.raises(BenchError, match="whole number of samples"):
            read(save(tmp_path / "s.npy", VECTORS), resolution_s=0.00001)

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_two_columns_need_an_answer(self, tmp_path, order):
        path = save(tmp_path / "s.npy", {k: np.array(v, order=order) for k, v in PAIRS.items()})
        with pytest.raises(BenchError, match="either can be bona fide"):
            read(path, resolution_s=0.02)
        flat = np.concatenate(list(PAIRS.values()))
        for column, score in (
            ("2", flat[:, 1]),
            ("1", flat[:, 0]),
            ("2-1", flat[:, 1].astype(float) - flat[:, 0]),
        ):
            found = read(path, column=column, resolution_s=0.02)
            np.testing.assert_array_equal(found.score, score)

    def test_one_number_an_utterance(self, tmp_path):
        for content in ({"a": 0.5, "b": np.float32(1.5)}, {"a": np.array(0.5), "b": 1.5}):
            found = read(save(tmp_path / "s.npy", content))
            assert found.kind == "utterances"
            assert found.names.to_pylist() == ["a", "b"]
            assert found.score.tolist() == [0.5, 1.5]

    def test_other_content_is_refused(self, tmp_path, subtests):
        cases = [
            {},
            [1, 2],
            {"u": "text"},
            {"u": np.array(["0", "1"])},
            {"u": np.array([])},
            {"u": np.zeros((2, 3))},
            {"u": np.zeros((2, 2, 2))},
            {"u": np.zeros(2), "v": np.zeros((2, 2))},
            {3: np.zeros(2)},
            {"u": np.array([1 + 2j])},
            {"u": {"v": 1}},
        ]
        for number, content in enumerate(cases):
            with subtests.test(number=number), pytest.raises(BenchError, match=r"s\.npy"):
                read(save(tmp_path / "s.npy", content), resolution_s=0.02)

    def test_a_plain_array_has_no_ids(self, tmp_path):
        np.save(tmp_path / "s.npy", np.zeros(5))
        with pytest.raises(BenchError, match=r"no column of utterance ids.*--order protocol"):
            read(tmp_path / "s.npy", resolution_s=0.02)


class Touch:
    """Writes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_code_of_a_pickle_runs(tmp_path):
    trap = tmp_path / "trap"
    content = {"u": np.zeros(2), "v": Touch(trap)}
    plain = io.BytesIO()
    np.save(plain, np.array(content, dtype=object), allow_pickle=True)
    (tmp_path / "s.npy").write_bytes(plain.getvalue())
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(content))
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("u.npy", plain.getvalue())
    for name in ("s.npy", "bare.npy", "s.npz"):
        with pytest.raises(BenchError):
            read(tmp_path / name, resolution_s=0.02)
    assert not trap.exists()


def test_a_pytorch_checkpoint_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "best.pth", "w") as archive:
        archive.writestr("best/data.pkl", b"\x80\x02.")
        archive.writestr("best/data/0", bytes(64))
    with pytest.raises(BenchError, match="is a PyTorch file"):
        read(tmp_path / "best.pth")


def test_a_forged_shape_takes_no_memory(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr("u.npy", member)
    with pytest.raises(BenchError, match="64 bytes for an array of shape"):
        read(tmp_path / "s.npz", resolution_s=0.02)
