"""Span labels against a reading of one token after another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bench.data.lines import Lines
from bench.data.spans import parse_spans
from bench.data.subset import Span
from bench.issues import Issues

TAGS = {"T": "bonafide", "F": "spoof"}

tilings = st.lists(st.tuples(st.integers(1, 400), st.sampled_from("TF")), min_size=1, max_size=12)


def text_of(tiling: list[tuple[int, str]]) -> str:
    """Write centiseconds and tags as HAD does."""
    at, tokens = 0, list[str]()
    for length, tag in tiling:
        tokens.append(f"{at / 100:.2f}-{(at + length) / 100:.2f}-{tag}")
        at += length
    return "/".join(tokens)


def lines(*texts: str) -> Lines:
    table = pd.DataFrame({"spans": pd.Series(texts, dtype="str")})
    return Lines("x.txt", table, np.arange(1, len(texts) + 1))


@given(st.lists(tilings, min_size=0, max_size=6))
def test_parses_as_a_token_at_a_time_would(utterances: list[list[tuple[int, str]]]):
    texts = [text_of(tiling) for tiling in utterances]
    issues = Issues()
    found = parse_spans(lines(*texts), "spans", "/", TAGS, issues)
    expected = [
        tuple(
            Span(float(start), float(end), TAGS[tag])
            for start, end, tag in (token.split("-") for token in text.split("/"))
        )
        for text in texts
    ]
    assert found.spans == expected
    assert list(issues) == []


@given(st.lists(tilings, min_size=1, max_size=6), st.data())
def test_a_gap_anywhere_leaves_out_that_line_alone(
    utterances: list[list[tuple[int, str]]], data: st.DataObject
):
    texts = [text_of(tiling) for tiling in utterances]
    broken = data.draw(st.integers(0, len(texts) - 1))
    start, end, tag = texts[broken].rpartition("/")[2].split("-")
    late = f"{float(end) + 0.02:.2f}-{float(end) + 0.5:.2f}-{tag}"
    texts[broken] += f"/{late}"
    issues = Issues()
    found = parse_spans(lines(*texts), "spans", "/", TAGS, issues)
    assert found.lines.numbers.tolist() == [n for n in range(1, len(texts) + 1) if n != broken + 1]
    assert len(found.spans) == len(texts) - 1
    (issue,) = issues
    assert issue.examples == (f"x.txt:{broken + 1}",)
    assert float(start) < float(end)
