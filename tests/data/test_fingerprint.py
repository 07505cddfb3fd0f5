"""The fingerprint is independent of order, place and layout, and changes with every label."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import layouts
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.fingerprint import compute_fingerprint
from bench.data.readers import protocol as had_reader
from bench.data.subset import FrameVectors, Span, Spans, Subset
from bench.specs.corpus import CorpusCard

TABLE = pd.DataFrame(
    {
        "utterance": ["b", "a", "c"],
        "path": ["x/b.wav", "x/a.wav", "x/c.wav"],
        "label": ["spoof", "bonafide", "spoof"],
        "speaker": ["1", "2", ""],
        "attack": ["A1", "", "A2"],
        "duration_s": [0.04, np.nan, 0.02],
    }
)
FRAMES = FrameVectors(
    0.02, {"a": np.array([False]), "b": np.array([True, False]), "c": np.array([True])}
)
SPANS = Spans(
    {
        "a": (Span(0.0, 1.0, "bonafide"),),
        "b": (Span(0.0, 0.5, "spoof"), Span(0.5, 1.0, "bonafide")),
        "c": (Span(0.0, 1.0, "spoof"),),
    }
)


def subset(table: pd.DataFrame = TABLE, timing: FrameVectors | Spans | None = FRAMES) -> Subset:
    return Subset("x", "train", Path("/somewhere"), table, timing)


def test_is_sixteen_digits_and_stays_what_it_was():
    """Written down once: a change here makes every recorded fingerprint worthless."""
    assert compute_fingerprint(subset()) == "2ef800811e58b391"
    assert compute_fingerprint(subset(timing=SPANS)) == "dc9e42a7f40d747c"
    assert compute_fingerprint(subset(timing=None)) == "f1a87105f569df50"


def test_is_the_sha256_of_what_its_docstring_says():
    """Built here byte by byte, without pandas."""
    rows = sorted(zip(*(TABLE[name].tolist() for name in TABLE.columns), strict=True))
    expected = b""
    for name in ("attack", "duration_s", "label", "speaker", "utterance"):
        column = [row[list(TABLE.columns).index(name)] for row in rows]
        expected += name.encode() + b"\0"
        if name == "duration_s":
            expected += np.array(column, dtype="<f8").tobytes()
        else:
            expected += "\n".join(column).encode()
    expected += b"frames 0.02\0" + np.array([1.0, 2.0, 1.0], dtype="<f8").tobytes()
    expected += bytes([0, 1, 0, 1])
    assert compute_fingerprint(subset()) == hashlib.sha256(expected).hexdigest()[:16]


@pytest.mark.rows
@given(order=st.permutations([0, 1, 2]), columns=st.permutations(list(TABLE.columns)))
def test_order_of_rows_and_columns_root_path_and_dtype_play_no_part(
    order: list[int], columns: list[str]
):
    table = TABLE.iloc[order][columns]
    assert compute_fingerprint(subset(table)) == compute_fingerprint(subset())
    assert compute_fingerprint(subset(table.astype({"speaker": object}))) == compute_fingerprint(
        subset()
    )
    moved = table.assign(path="elsewhere.wav")
    there = dataclasses.replace(subset(moved), root=Path("/else"))
    assert compute_fingerprint(there) == compute_fingerprint(subset())


def test_every_column_counts(subtests: pytest.Subtests):
    for column in ["utterance", "label", "speaker", "attack", "duration_s"]:
        with subtests.test(column=column):
            changed = TABLE.copy()
            changed.loc[2, column] = 0.5 if column == "duration_s" else "cc"
            timing = FrameVectors(0.02, {**FRAMES.spoof, "cc": FRAMES.spoof["c"]})
            assert compute_fingerprint(subset(changed, timing)) != compute_fingerprint(subset())


def test_every_label_counts(subtests: pytest.Subtests):
    cases = [
        FrameVectors(0.04, FRAMES.spoof),
        FrameVectors(0.02, {**FRAMES.spoof, "a": np.array([True])}),
        FrameVectors(0.02, {**FRAMES.spoof, "a": np.array([False, False])}),
        # The same frames in a row, shared out otherwise.
        FrameVectors(
            0.02, {"a": np.array([False, True]), "b": np.array([False]), "c": np.array([True])}
        ),
        SPANS,
        None,
    ]
    for number, timing in enumerate(cases):
        with subtests.test(number=number):
            assert compute_fingerprint(subset(timing=timing)) != compute_fingerprint(subset())


@pytest.mark.parametrize(
    "span", [Span(0.0, 1.0, "spoof"), Span(0.0, 0.9, "bonafide"), Span(0.1, 1.0, "bonafide")]
)
def test_every_span_counts(span: Span):
    changed = Spans({**SPANS.spans, "a": (span,)})
    assert compute_fingerprint(subset(timing=changed)) != compute_fingerprint(subset(timing=SPANS))


def test_copies_of_had_that_are_nested_otherwise_are_equal(tmp_path: Path, had_card: CorpusCard):
    roots = [layouts.had(tmp_path / nested, nested=nested) for nested in ("conbine", "a/conbine")]
    first, second = (had_reader.read_split(had_card, root, "train", None) for root in roots)
    assert first.table["path"].tolist() != second.table["path"].tolist()
    assert compute_fingerprint(first) == compute_fingerprint(second)
