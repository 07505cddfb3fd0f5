"""The mix-frame splice: audio and labels against a loop over samples, draws, fades and levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bench.models.augment.mix_frame import draw_regions, label_hops, splice_waves
from bench.specs.augment import Splice
from bench.specs.augment.mix_frame import MixFrame
from tests.errors import raises_code

CLIP = 64_600


def spec(**settings: object) -> MixFrame:
    return MixFrame.model_validate({"kind": "mix-frame", **settings})


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def coded(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a base and an injector in which every sample says where it is from."""
    at = np.arange(1, n + 1, dtype=np.float32)
    return at, -at


@st.composite
def settings(draw: st.DrawFn) -> MixFrame:
    shares = sorted(draw(st.tuples(*[st.floats(0.01, 1.0)] * 2)))
    return spec(
        min_share=shares[0],
        max_share=shares[1],
        regions=draw(st.integers(1, 5)),
        probability=draw(st.sampled_from([0.0, 0.5, 1.0])),
    )


CASES = given(st.integers(400, 9_000), settings(), st.integers(0, 2**32))


@CASES
def test_regions_lie_in_the_clip_in_order_and_have_the_share_drawn(n, how, seed):
    found = draw_regions(n, how, seeded(seed))
    assert len(found) in ((0, how.regions) if how.probability < 1 else (how.regions,))
    edges = [0, *(edge for region in found for edge in region), n]
    assert edges == sorted(edges), "regions overlap or leave the clip"
    if found:
        lengths = [stop - start for start, stop in found]
        assert max(lengths) - min(lengths) <= 1
        assert round(how.min_share * n) <= sum(lengths) <= round(how.max_share * n)


@pytest.mark.rows
@CASES
def test_a_spliced_clip_is_what_a_loop_over_samples_makes(n, how, seed):
    """The injector's part is contiguous, from anywhere in it; all else is the base, untouched."""
    base, injector = coded(n)
    wave, labels = splice_waves(base, injector, how, seeded(seed))
    found = draw_regions(n, how, seeded(seed))
    inside = [any(start <= i < stop for start, stop in found) for i in range(n)]
    for i in range(n):
        assert (wave[i] < 0) == inside[i]
        if not inside[i]:
            assert wave[i] == base[i]
    for start, stop in found:
        assert (np.diff(-wave[start:stop]) == 1).all()
    assert labels.tolist() == [inside[320 * i + 200] for i in range((n - 400) // 320 + 1)]
    assert (wave.dtype, labels.dtype) == (np.float32, np.bool_)
    assert base.tolist() == coded(n)[0].tolist(), "the clip that was passed is changed"


@CASES
def test_labels_are_known_without_the_audio(n, how, seed):
    noise = seeded(1).standard_normal((2, n), dtype=np.float32)
    labels = splice_waves(*noise, how, seeded(seed)).injected
    assert labels.tolist() == label_hops(n, draw_regions(n, how, seeded(seed))).tolist()


def test_a_clip_of_the_paper_has_201_labels_and_the_share_of_the_digests():
    shares = []
    for seed in range(400):
        base, injector = coded(CLIP)
        wave, labels = splice_waves(base, injector, spec(), seeded(seed))
        assert labels.shape == (201,)
        share = (wave < 0).mean()
        assert abs(labels.mean() - share) <= 1.5 / 201
        assert np.count_nonzero(np.diff(labels)) <= 2, "more than one region"
        shares.append(share)
    assert 0.0999 < min(shares) < 0.105
    assert 0.295 < max(shares) < 0.3001
    assert np.mean(shares) == pytest.approx(0.2, abs=0.01)


def test_a_hop_is_injected_where_its_centre_is():
    n = 400 + 320 * 2
    for centre, hop in ((200, 0), (520, 1), (840, 2)):
        for start, stop, inside in (
            (centre, centre + 1, True),
            (centre - 10, centre, False),
            (centre + 1, centre + 10, False),
        ):
            assert label_hops(n, [(start, stop)])[hop] == inside  # type: ignore[list-item]


def test_places_in_clip_and_injector_are_uniform_and_independent():
    how, n = spec(min_share=0.25, max_share=0.25), 800
    starts, sources = [], []
    for seed in range(3000):
        base, injector = coded(n)
        wave = splice_waves(base, injector, how, seeded(seed)).wave
        starts.append(int(np.argmax(wave < 0)))
        sources.append(int(-wave[starts[-1]]) - 1)
    for places in (starts, sources):
        assert (min(places), max(places)) == (0, 600)
        counts = np.histogram(places, bins=10, range=(0, 601))[0]
        assert ((counts - 300) ** 2 / 300).sum() < 27.9  # one in a thousand at nine degrees
    assert abs(np.corrcoef(starts, sources)[0, 1]) < 4 / np.sqrt(3000)


def test_the_share_of_clips_that_are_spliced_is_the_probability():
    how = spec(probability=0.3)
    share = np.mean([bool(draw_regions(CLIP, how, seeded(seed))) for seed in range(4000)])
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5


def test_an_unspliced_clip_is_the_base():
    base, injector = coded(2000)
    wave, labels = splice_waves(base, injector, spec(probability=0.0), seeded())
    assert wave.tolist() == base.tolist()
    assert not labels.any()


@given(st.integers(0, 2**32), st.floats(0.001, 0.02), st.integers(1, 3))
def test_a_fade_is_linear_inside_the_region_and_moves_no_label(seed, crossfade_s, count):
    n, fade = 16_000, round(crossfade_s * 16_000)
    how = spec(crossfade_s=crossfade_s, regions=count, min_share=0.2)
    assume(fade > 0)
    wave, labels = splice_waves(np.zeros(n, np.float32), np.ones(n, np.float32), how, seeded(seed))
    found = draw_regions(n, how, seeded(seed))
    expected = np.zeros(n)
    for start, stop in found:
        for i in range(start, stop):
            expected[i] = min(1.0, (i - start + 1) / (fade + 1), (stop - i) / (fade + 1))
    np.testing.assert_allclose(wave, expected, atol=1e-6)
    assert labels.tolist() == label_hops(n, found).tolist()


def test_the_injector_is_brought_to_the_clips_level():
    base, injector = seeded(1).standard_normal((2, CLIP), dtype=np.float32)
    injector *= 0.02
    for level, expected in (("as-is", 0.02), ("matched", 1.0)):
        wave, _ = splice_waves(base, injector, spec(level=level), seeded(2))
        ((start, stop),) = draw_regions(CLIP, spec(), seeded(2))
        assert wave[start:stop].std() == pytest.approx(expected, rel=0.05)
        assert wave[:start].tolist() == base[:start].tolist()


@pytest.mark.parametrize("silent", [0, 1])
def test_silence_has_no_level_to_match(silent):
    clips = np.ones((2, 2000), np.float32)
    clips[silent] = 0
    wave, _ = splice_waves(*clips, spec(level="matched"), seeded())
    assert set(wave.tolist()) == {0.0, 1.0}


def test_what_cannot_be_spliced_is_refused():
    base, injector = coded(2000)
    with pytest.raises(ValueError, match="should be of one length"):
        splice_waves(base, injector[1:], spec(), seeded())
    with pytest.raises(ValueError, match="399 samples has no hop"):
        splice_waves(base[:399], injector[:399], spec(), seeded())
    with raises_code("augment.fade-too-long") as error:
        splice_waves(base, injector, spec(crossfade_s=0.02), seeded())
    assert "320 samples" in str(error.value)


def test_settings_out_of_range_are_refused(subtests):
    cases = [
        ({"min_share": 0.4}, "min_share = 0.4: should be at most max_share = 0.3"),
        ({"min_share": 0.0}, "greater than 0"),
        ({"max_share": 1.5}, "less than or equal to 1"),
        ({"regions": 0}, "greater than or equal to 1"),
        ({"crossfade_s": -0.1}, "greater than or equal to 0"),
        ({"level": "loud"}, "'as-is' or 'matched'"),
    ]
    for settings, message in cases:
        with subtests.test(settings=settings), pytest.raises(ValidationError, match=message):
            spec(**settings)


def test_a_splice_is_of_a_kind_or_absent():
    adapter = TypeAdapter(Splice)
    assert adapter.validate_python({"kind": "none"}).kind == "none"
    assert adapter.validate_python({"kind": "mix-frame"}) == spec()
