"""Cuts, joins and frame labels of the miniatures, against slow references."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.synthetic.clip import Fade, FadeCurve, Segment, SpoofRecipe, Wave
from bench.synthetic.partialspoof import RESOLUTIONS_S
from bench.synthetic.splice import CURVES, cut_pieces, make_frame_labels, splice_pieces, to_pcm
from bench.units import BONAFIDE, CLASSES, SPOOF


def same(wave: Wave) -> Wave:
    return wave


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Segment, ...]:
    """Pieces of alternating class over at most half a second."""
    lengths = draw(st.lists(st.integers(1, 3000), min_size=1, max_size=5))
    first = draw(st.integers(0, 1))
    edges = [0, *np.cumsum(lengths).tolist()]
    return tuple(
        Segment(edges[i], edges[i + 1], CLASSES[(first + i) % 2]) for i in range(len(lengths))
    )


@given(cuts(), st.sampled_from(RESOLUTIONS_S))
@settings(max_examples=60, deadline=None)
def test_a_frame_is_spoof_where_one_of_its_samples_is(
    cut: tuple[Segment, ...], resolution_s: float
):
    spoofed = [piece.label == SPOOF for piece in cut for _ in range(piece.start, piece.end)]
    frame = round(resolution_s * 16_000)
    expected = [
        "0" if any(spoofed[start : start + frame]) else "1"
        for start in range(0, len(spoofed), frame)
    ]
    assert make_frame_labels(cut, resolution_s).tolist() == expected


@given(cuts())
@settings(max_examples=60, deadline=None)
def test_a_coarser_frame_is_spoof_where_one_of_its_finer_ones_is(cut: tuple[Segment, ...]):
    finest = make_frame_labels(cut, RESOLUTIONS_S[0])
    for doubling, resolution_s in enumerate(RESOLUTIONS_S):
        ratio = 2**doubling
        coarse = [min(finest[i : i + ratio]) for i in range(0, len(finest), ratio)]
        assert make_frame_labels(cut, resolution_s).tolist() == coarse


@given(
    st.integers(0, 2**32),
    st.integers(200, 400),
    st.sampled_from([1, 8, 160]),
    st.sampled_from([SpoofRecipe.for_whole_clip(same), SpoofRecipe(same, Fade("linear", 0))]),
)
@settings(max_examples=60, deadline=None)
def test_pieces_alternate_and_cover_the_clip(seed: int, hops: int, grid: int, forgery: SpoofRecipe):
    rng = np.random.default_rng(seed)
    speech = rng.standard_normal(hops * 160) * 0.1
    cut = cut_pieces(rng, speech, forgery, grid)
    assert len(cut) in forgery.pieces
    assert cut[0].start == 0
    assert cut[-1].end == len(speech)
    assert all(a.end == b.start and a.label != b.label for a, b in itertools.pairwise(cut))
    assert all(piece.start % grid == 0 and piece.end % grid == 0 for piece in cut)
    assert min(piece.end - piece.start for piece in cut) >= 0.15 * 16_000
    assert any(piece.label == SPOOF for piece in cut)


def test_a_boundary_is_drawn_to_a_quiet_place():
    """With a hush of 10 ms every 100 ms, each boundary, free to move 50 ms, is in one."""
    rng = np.random.default_rng(0)
    speech = rng.standard_normal(48_000) * 0.1
    hush = np.arange(48_000) % 1600 < 160
    speech[hush] = 0.0
    cut = cut_pieces(rng, speech, SpoofRecipe(same, Fade("linear", 0), pieces=(5,)), 1)
    assert [hush[piece.start] for piece in cut[1:]] == [True] * 4


def test_a_join_leaves_the_rest_alone_and_matches_the_level(subtests: pytest.Subtests):
    for curve in CURVES:
        for length in [0, 160]:
            with subtests.test(curve=curve, length=length):
                rng = np.random.default_rng(0)
                real = to_pcm(rng.standard_normal(16_000) * 0.05)
                fake = rng.standard_normal(16_000) * 0.4
                cut = (
                    Segment(0, 4000, SPOOF),
                    Segment(4000, 8000, BONAFIDE),
                    Segment(8000, 12_000, SPOOF),
                    Segment(12_000, 16_000, BONAFIDE),
                )
                joined = splice_pieces(real, fake, cut, Fade(curve, length))
                for piece in cut:
                    here = slice(piece.start, piece.end)
                    if piece.label == BONAFIDE:
                        assert np.array_equal(joined[here], real[here])
                        continue
                    middle = slice(piece.start + length, piece.end - length)
                    scale = np.std(real[here]) / np.std(fake[here])
                    assert joined[middle] == pytest.approx(fake[middle] * scale, rel=0.01, abs=2)
                assert np.array_equal(
                    joined, splice_pieces(real, fake * 0.01, cut, Fade(curve, length))
                )


@pytest.mark.parametrize("curve", CURVES)
def test_a_fade_runs_from_the_speech_to_the_fake_inside_the_piece(curve: FadeCurve):
    """Between two constants the joined signal is the weight itself."""
    real, fake = to_pcm(np.full(1000, 0.5)), np.full(1000, -0.5)
    cut = (Segment(0, 400, BONAFIDE), Segment(400, 800, SPOOF), Segment(800, 1000, BONAFIDE))
    joined = splice_pieces(real, fake, cut, Fade(curve, 100)) / 32768.0
    weight = 0.5 - joined
    assert weight[:400] == pytest.approx(np.zeros(400))
    assert weight[500:700] == pytest.approx(np.ones(200))
    assert (np.diff(weight[399:501]) > 0).all()
    assert weight[400:500] == pytest.approx(weight[700:800][::-1], abs=1e-4)
    assert weight[400] < 0.1


def test_no_fade_at_the_ends_of_the_clip():
    real, fake = to_pcm(np.full(400, 0.5)), np.full(400, -0.5)
    joined = splice_pieces(real, fake, (Segment(0, 400, SPOOF),), Fade("cosine", 100))
    assert (joined == -16_384).all()
