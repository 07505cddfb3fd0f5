"""Parse span labels `START-END-LABEL` in seconds, as in HAD and LlamaPartialSpoof."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.data.lines import Lines
from bench.data.subset import Span
from bench.issues import Issues
from bench.specs.corpus import Class
from bench.units import BONAFIDE, SPOOF

TOLERANCE_S = 0.01 + 1e-6
"""How far two spans may be apart or overlap: one step of HAD's two decimals, below every resolution
in use."""


class LabelledLines(NamedTuple):
    """The lines whose spans are sound, and the spans of each."""

    lines: Lines
    spans: list[tuple[Span, ...]]


def parse_spans(
    lines: Lines, field: str, separator: str, words: Mapping[str, str], issues: Issues
) -> LabelledLines:
    """Parse `field` of every line: spans joined by `separator`, their labels among `words`.

    Spans must start at zero, follow one another and hold some time; lines where they do not are
    noted and left out. A span of no length holds no sample and is dropped.
    """
    lines = _keep_well_formed(lines, field, separator, words, issues)
    texts = lines.list_column(field)
    if not texts:
        return LabelledLines(lines, [])
    counts = np.array([text.count(separator) + 1 for text in texts])
    flat = separator.join(texts).replace(separator, "-").split("-")
    starts = np.array(flat[0::3], dtype=float)
    ends = np.array(flat[1::3], dtype=float)
    edges = np.concatenate([[0], np.cumsum(counts)])
    sound = _find_sound(lines, starts, ends, edges, issues)
    labels = map(words.__getitem__, flat[2::3])
    spans = list(map(Span, starts.tolist(), ends.tolist(), labels))
    empty = bool((starts == ends).any())
    pieces = [tuple(spans[first:last]) for first, last in pairwise(edges.tolist())]
    if empty:
        pieces = [tuple(s for s in piece if s.start_s < s.end_s) for piece in pieces]
    return LabelledLines(lines.keep_rows(sound), [pieces[i] for i in sound])


def parse_regions(
    lines: Lines,
    field: str,
    label: Class,
    find_class: Callable[[str], Class | None] | None,
    issues: Issues,
) -> LabelledLines:
    """Parse `field` of every line: starts and ends of regions of the class `label`, with blanks.

    What is between them, up to the column `duration_s`, is of the other class. Regions must follow
    one another within the utterance; lines where they do not are noted and left out. A region of no
    length is dropped. With `find_class`, the class of a word of column `label`, they are a video's
    (`SpanText.of_video`).
    """
    other: Class = BONAFIDE if label == SPOOF else SPOOF
    rows: list[int] = []
    spans: list[tuple[Span, ...]] = []
    wrong: list[str] = []
    of_video = find_class is not None
    words = lines.list_column("label")
    texts = zip(lines.list_column(field), lines.list_column("duration_s"), words, strict=True)
    for row, (text, duration, word) in enumerate(texts):
        unchanged = find_class is not None and find_class(word) != label
        edges = _read_edges([] if unchanged else text.split(), duration, of_video)
        if edges is None:
            wrong.append(f"{lines.name_line(row)}: {text!r} of {duration} s")
            continue
        classes = (label if number % 2 else other for number in range(len(edges)))
        parts = (Span(*ends, one) for ends, one in zip(pairwise(edges), classes, strict=False))
        rows.append(row)
        spans.append(tuple(part for part in parts if part.start_s < part.end_s))
    what = "malformed regions, should be `START END` in seconds, each behind the one before"
    issues.add("error", "labels.malformed-span", what, ids=wrong)
    return LabelledLines(lines.keep_rows(rows), spans)


def _read_edges(texts: Sequence[str], duration: str, may_exceed: bool) -> list[float] | None:
    """Return 0, the edges of the regions, and the end; None where they are none.

    Edges may be a rounding behind the end or, if they `may_exceed` it, anywhere there.
    """
    try:
        inner, end = [float(text) for text in texts], float(duration)
    except ValueError:
        return None
    edges = [0.0, *(min(edge, end) for edge in inner), end]
    last = np.inf if may_exceed else end + TOLERANCE_S
    in_order = all(first <= second for first, second in pairwise([0.0, *inner, last]))
    return edges if len(inner) % 2 == 0 and in_order and np.isfinite(end) and end > 0 else None


def check_ends(table: pd.DataFrame, ends_s: Sequence[float], issues: Issues) -> None:
    """Note utterances of which the last span does not end where `duration_s` says."""
    rows = zip(table["utterance"].tolist(), table["duration_s"].tolist(), ends_s, strict=True)
    ids = [
        f"{utterance}: {end_s} s of {duration_s} s"
        for utterance, duration_s, end_s in rows
        if abs(end_s - duration_s) > TOLERANCE_S
    ]
    what = "last span ends elsewhere than the utterance"
    issues.add("error", "labels.duration-mismatch", what, ids=ids)


def _keep_well_formed(
    lines: Lines, field: str, separator: str, words: Mapping[str, str], issues: Issues
) -> Lines:
    number = r"\d+(?:\.\d+)?"
    one = f"{number}-{number}-(?:{'|'.join(map(re.escape, words))})"
    whole = re.compile(f"{one}(?:{re.escape(separator)}{one})*")
    texts = lines.list_column(field)
    wrong = [i for i, text in enumerate(texts) if not whole.fullmatch(text)]
    if not wrong:
        return lines
    single = re.compile(one)
    places = [
        f"{lines.name_line(i)}: {token!r}"
        for i in wrong
        for token in texts[i].split(separator)
        if not single.fullmatch(token)
    ]
    form = f"START-END-LABEL in seconds, LABEL {' or '.join(words)}"
    issues.add("error", "labels.malformed-span", f"malformed span, should be `{form}`", ids=places)
    return lines.keep_rows(sorted(set(range(len(lines))) - set(wrong)))


def _find_sound(
    lines: Lines, starts: np.ndarray, ends: np.ndarray, edges: np.ndarray, issues: Issues
) -> Sequence[int]:
    """Return the rows whose spans tile the time from zero on."""
    previous = np.concatenate([[0.0], ends[:-1]])
    previous[edges[:-1]] = 0.0
    faulty = (ends < starts) | (np.abs(starts - previous) > TOLERANCE_S)
    rows = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    bad = np.bincount(rows[faulty], minlength=len(edges) - 1) > 0
    bad |= np.bincount(rows, weights=ends > starts, minlength=len(edges) - 1) == 0
    what = f"spans do not follow one another from 0 s on (gap or overlap above {TOLERANCE_S:.2f} s)"
    ids = [lines.name_line(i) for i in np.flatnonzero(bad).tolist()]
    issues.add("error", "labels.gap", what, ids=ids)
    return np.flatnonzero(~bad).tolist()
