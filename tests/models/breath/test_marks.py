"""From intervals and rules to marked hops of a clip, against loops over hops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config import Config
from bench.models.breath import build_marker
from bench.models.breath.marks import BreathMarker, ConstantMarks, Intervals, RandomMarks
from bench.specs.base import Absent
from bench.specs.breath.ones import Ones
from bench.specs.breath.random import Random
from bench.specs.breath.zeros import Zeros
from bench.specs.corpus import Audio
from tests.models.breath.made_breaths import subset

NOWHERE = Path("there is no such folder")
FILLS = st.sampled_from(["zeros", "repeat"])
CLIPS = {"start": st.integers(0, 40_000), "heard": st.integers(1, 40_000)}
LENGTHS = st.integers(0, 70_000)


def plain(
    intervals: list[tuple[int, int]], start: int, heard: int, length: int, fill: str
) -> list[bool]:
    """Mark each hop by its sample 320 i + 200; intervals are in samples."""
    inside = np.zeros(start + heard + 1, dtype=bool)
    for first, end in intervals:
        inside[first:end] = True
    clip = inside[start : start + heard]
    if fill == "repeat":
        clip = np.resize(clip, length)
    clip = np.pad(clip, (0, max(0, length - len(clip))))[:length]
    return [bool(clip[i + 200]) for i in range(0, length - 399, 320)]


@st.composite
def sample_intervals(draw) -> list[tuple[int, int]]:
    edges = sorted(draw(st.lists(st.integers(0, 80_000), max_size=12, unique=True)))
    return list(zip(edges[::2], edges[1::2], strict=False))


@given(sample_intervals(), CLIPS["start"], CLIPS["heard"], LENGTHS, FILLS)
def test_intervals_mark_as_a_loop_over_hops(intervals, start, heard, length, fill):
    times_s = np.array(intervals, dtype=np.float32).reshape(-1, 2) / 16_000
    kept = Intervals.from_utterances([np.array([[0, 9]], dtype=np.float32), times_s])
    found = kept.mark_hops(1, start, heard, length, fill)
    assert found.dtype == bool
    assert found.tolist() == plain(intervals, start, heard, length, fill)


@given(st.lists(st.integers(0, 3), max_size=8), st.randoms())
def test_rows_keep_their_intervals_in_another_order(counts, random):
    found = [np.full((n, 2), i, dtype=np.float32) for i, n in enumerate(counts)]
    rows = list(range(len(counts)))
    random.shuffle(rows)
    ordered = Intervals.from_utterances(found).reorder_rows(np.array(rows, dtype=np.int64))
    for position, row in enumerate(rows):
        np.testing.assert_array_equal(ordered.row_intervals(position), found[row])


def test_a_clip_has_the_front_ends_hops(subtests):
    for length, hops in [(64_600, 201), (64_000, 199), (400, 1), (399, 0)]:
        with subtests.test(length=length):
            for who in (
                ConstantMarks(True),
                RandomMarks(["a"], 0.5),
                Intervals.from_utterances([np.zeros((0, 2), dtype=np.float32)]),
            ):
                assert who.mark_hops(0, 0, max(length, 1), length, "zeros").shape == (hops,)


def control(spec) -> BreathMarker:
    """Return a control for audio that is nowhere."""
    return build_marker(subset(NOWHERE, ["a", "b"]), spec, Audio(), Config(work=NOWHERE))


@given(CLIPS["start"], CLIPS["heard"], LENGTHS, FILLS)
def test_constants_mark_every_hop_or_none(start, heard, length, fill):
    for kind, value in ((Zeros, False), (Ones, True)):
        marks = control(kind(kind=kind.__name__.lower())).mark_hops(0, start, heard, length, fill)
        assert marks.tolist() == [value] * len(marks)
    assert not control(Absent(kind="none")).mark_hops(1, start, heard, length, fill).any()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_chance_marks_its_share(share):
    names = [f"utterance {i}" for i in range(300)]
    chance = RandomMarks(names, share)
    marks = [chance.mark_hops(i, 0, 64_600, 64_600, "repeat") for i in range(300)]
    assert np.mean(marks) == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 60_000))
    assert 0 < share < 1 or len({m.tobytes() for m in marks}) == 1
    assert not 0 < share < 1 or len({m.tobytes() for m in marks}) == 300


@given(st.integers(0, 100), LENGTHS, FILLS)
def test_chance_is_the_utterances_own(skipped, length, fill):
    """The same 320 samples are marked wherever the clip begins and in whichever corpus."""
    spec = Random(kind="random", share=0.4)
    whole = control(spec).mark_hops(1, 0, 64_000, 64_000, "zeros")
    cut = control(spec).mark_hops(1, 320 * skipped, 320 * (198 - skipped) + 400, length, fill)
    common = min(len(cut), len(whole) - skipped)
    assert cut[:common].tolist() == whole[skipped : skipped + common].tolist()
    other = build_marker(subset(NOWHERE, ["b"]), spec, Audio(), Config(work=NOWHERE))
    assert other.mark_hops(0, 0, 64_000, 64_000, "zeros").tolist() == whole.tolist()


def test_chance_repeats_what_it_marked_and_marks_no_zeros():
    chance = RandomMarks(["a"], 0.5)
    repeated = chance.mark_hops(0, 0, 3200, 32_000, "repeat")
    assert repeated[:10].tolist() == repeated[10:20].tolist()
    assert repeated[10:].any()
    assert not RandomMarks(["a"], 1.0).mark_hops(0, 0, 3200, 32_000, "zeros")[10:].any()
