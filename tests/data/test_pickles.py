"""PartialSpoof's pickles are read, and nothing that a forged one asks for is ever run."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections import OrderedDict, defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from layouts import save_vectors

from bench.data.pickles import read_string_vectors
from bench.errors import BenchError
from tests.errors import raises_code

VECTORS = {"LA_T_0000001": ["1", "1", "1"], "CON_T_0000001": ["1", "0"]}


def header() -> bytes:
    """Return the header of a `.npy` file of one object."""
    file = io.BytesIO()
    content = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, content)
    return file.getvalue()


def write(path: Path, payload: bytes) -> Path:
    path.write_bytes(header() + payload)
    return path


def as_lists(path: Path) -> dict[str, list[str]]:
    return {name: vector.tolist() for name, vector in read_string_vectors(path).items()}


def boxed(content: object) -> np.ndarray:
    box = np.empty((), dtype=object)
    box[()] = content
    return box


def test_reads_what_the_generator_of_the_corpus_saves(tmp_path: Path):
    path = tmp_path / "train_seglab_0.16.npy"
    save_vectors(path, VECTORS)
    assert b"defaultdict" in path.read_bytes()
    assert as_lists(path) == VECTORS


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_reads_every_protocol_and_both_names_of_numpys_core(tmp_path: Path, protocol: int):
    for package, kind, width in product(
        ("numpy.core", "numpy._core"),
        (dict, lambda items: defaultdict(list, items)),
        ("<U1", "<U21", ">U3"),
    ):
        content = kind({name: np.array(v, dtype=width) for name, v in VECTORS.items()})
        payload = rename_core(pickle.dumps(boxed(content), protocol=protocol), package)
        assert as_lists(write(tmp_path / "x.npy", payload)) == VECTORS, (package, kind, width)


def rename_core(payload: bytes, package: str) -> bytes:
    """Name NumPy's core as the version that has `package` would, in protocols of either kind."""
    old, new = b"numpy._core.multiarray", f"{package}.multiarray".encode()
    assert old in payload
    framed = {bytes([len(old)]) + old: bytes([len(new)]) + new}  # SHORT_BINUNICODE
    for before, after in framed.items():
        payload = payload.replace(b"\x8c" + before, b"\x8c" + after)
    payload = payload.replace(b"c" + old + b"\n", b"c" + new + b"\n")
    # A frame's length counts the bytes within: drop frames, which are optional.
    frames = [
        at for op, _, at in pickletools.genops(payload) if op.name == "FRAME" and at is not None
    ]
    for at in reversed(frames):
        payload = payload[:at] + payload[at + 9 :]
    return payload


class Forged:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function: object, *arguments: object):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


CALLS = [
    (os.system, ("touch MARK",), "posix.system"),
    (eval, ("open('MARK', 'w')",), "builtins.eval"),
    (exec, ("open('MARK', 'w')",), "builtins.exec"),
    (getattr, ("np", "load"), "builtins.getattr"),
    (np.load, ("MARK",), "numpy.load"),
    (np.fromfile, ("MARK",), "numpy.fromfile"),
    (np.lib.format.open_memmap, ("MARK", "w+"), "numpy.lib.format.open_memmap"),
    (open, ("MARK", "w"), "open"),
    (bytearray, (3,), "builtins.bytearray"),
    (OrderedDict, (), "collections.OrderedDict"),
]
PLACES = {
    "bare": lambda forged: forged,
    "value": lambda forged: boxed({"LA_T_0000001": forged}),
    "key": lambda forged: boxed({forged: np.array(["1"])}),
    "nested": lambda forged: boxed({"LA_T_0000001": [{"a": (forged,)}]}),
    "in an array": lambda forged: boxed({"LA_T_0000001": np.array([forged] * 2, dtype=object)}),
}


@pytest.mark.parametrize("place", PLACES)
def test_refuses_a_call_of_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
):
    monkeypatch.chdir(tmp_path)
    for (function, arguments, asked), protocol in product(CALLS, (2, 4)):
        content = PLACES[place](Forged(function, *arguments))
        path = write(tmp_path / "x.npy", pickle.dumps(content, protocol=protocol))
        # `open` and `getattr` have other homes in old protocols; the name is what counts.
        with raises_code("labels.vector-file", asked.rpartition(".")[2]):
            read_string_vectors(path)
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize(
    "payload",
    [
        b"cos\nsystem\n(S'touch MARK'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        # Names with dots, which protocol 4 would follow by getattr.
        b"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x19_reconstruct.__globals__\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x0blist.append\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__class__x\x93.",
        # INST and OBJ, the old ways to make an instance.
        b"(S'touch MARK'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch MARK'\no.",
        # Persistent ids and extension codes.
        b"Psome id\n.",
        b"\x80\x02\x82\x01.",
        b"",
        b"\x80",
        b"garbage",
    ],
)
def test_refuses_hand_written_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes
):
    monkeypatch.chdir(tmp_path)
    with raises_code("labels.vector-file"):
        read_string_vectors(write(tmp_path / "x.npy", payload))
    assert not (tmp_path / "MARK").exists()


def test_forged_state_of_a_stand_in_is_refused(tmp_path: Path):
    array = pickle.dumps(boxed({"a": np.array(["1", "0"])}), protocol=2)
    for before, after in (
        (b"X\x02\x00\x00\x00U1", b"X\x02\x00\x00\x00O8"),  # strings declared objects
        (b"X\x02\x00\x00\x00U1", b"X\x02\x00\x00\x00i8"),
        (b"X\x02\x00\x00\x00U1", b"X\x02\x00\x00\x00V8"),
        (b"X\x02\x00\x00\x00U1", b"X\x02\x00\x00\x00U9"),  # longer than its bytes
        (b"K\x02\x85", b"K\x09\x85"),  # another shape than its bytes
        (b"latin1", b"utf-16"[:6]),
    ):
        assert before in array
        with raises_code("labels.vector-file"):
            read_string_vectors(write(tmp_path / "x.npy", array.replace(before, after)))


def test_refuses_other_contents_than_vectors_of_strings(tmp_path: Path, subtests: pytest.Subtests):
    cases = [
        {"a": np.array([1, 0])},
        {"a": np.array([True])},
        {"a": np.array([b"1"])},
        {"a": ["1", "0"]},
        {"a": "1"},
        {3: np.array(["1"])},
        {"a": np.array([["1"]])},
        ["1", "0"],
        "text",
    ]
    for number, content in enumerate(cases):
        with subtests.test(number=number):
            path = tmp_path / "x.npy"
            np.save(path, boxed(content), allow_pickle=True)
            with pytest.raises(BenchError, match=r"x\.npy"):
                read_string_vectors(path)


def test_refuses_files_that_hold_no_object(tmp_path: Path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(3))
    with raises_code("labels.vector-file", "shape"):
        read_string_vectors(path)
    path.write_bytes(b"PK\x03\x04 an archive, not an array")
    with raises_code("labels.vector-file"):
        read_string_vectors(path)
    with raises_code("file.unreadable"):
        read_string_vectors(tmp_path / "absent.npy")


def exhausts_memory(payload: bytes) -> bool:
    """Return whether a memo or frame far beyond the program is named: Python allocates those."""
    try:
        return any(
            isinstance(argument, int)
            and argument > 1000
            and ("PUT" in op.name or "FRAME" in op.name)
            for op, argument, _ in pickletools.genops(payload)
        )
    except ValueError:  # cut short or unknown from here on, and so it is for the unpickler
        return False


@pytest.mark.rows
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_anything_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    payload = bytearray(pickle.dumps(boxed({"a": np.array(["1", "0"], dtype="<U21")}), protocol=4))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    assume(not exhausts_memory(bytes(payload)))
    path = write(tmp_path_factory.mktemp("p") / "x.npy", bytes(payload))
    try:
        vectors = read_string_vectors(path)
    except BenchError:
        return
    assert all(vector.dtype.kind == "U" for vector in vectors.values())
