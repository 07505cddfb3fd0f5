"""Our own breath detector: made breaths, what is none, real recordings, a plain reference."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pyworld
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.audio import read_wave
from bench.models.breath.dsp import detect_breaths
from bench.specs.breath.dsp import Dsp
from bench.specs.corpus import Audio
from tests.models.breath import made_breaths, plain_dsp
from tests.models.breath.made_breaths import RATE, made, noise, voice

SPEC = Dsp(kind="dsp")
ANY_RATE = Audio(other_rates="resample")


def changed(**settings: float) -> Dsp:
    return SPEC.model_copy(update=settings)


def phrase(middle: np.ndarray) -> np.ndarray:
    """Return `middle` between two voices with pauses before and after each."""
    pause, speech = np.zeros(4800), voice(0.8, 130)
    parts = [pause, speech, pause, middle, pause, speech, pause]
    wave = np.concatenate(parts)
    room = 1e-3 * np.random.default_rng(5).standard_normal(len(wave))
    return (0.1 * (wave + room)).astype(np.float32)


def test_finds_made_breaths_and_nothing_else():
    found = wanted = hits = 0
    for seed in range(20):
        wave, breaths = made(seed)
        heard = [tuple(times) for times in detect_breaths(wave, SPEC)]
        found, wanted = found + len(heard), wanted + len(breaths)
        hits += sum(any(made_breaths.iou(one, other) > 0.75 for other in heard) for one in breaths)
    assert wanted == 40
    assert hits / wanted >= 0.95
    assert hits / found >= 0.95


@pytest.mark.parametrize("seed", range(3))
def test_is_the_plain_reference(seed):
    wave = made(seed).wave
    np.testing.assert_allclose(
        detect_breaths(wave, SPEC), plain_dsp.intervals(wave, SPEC), atol=1e-6
    )


@pytest.mark.rows
def test_follows_its_settings_as_the_reference_does(subtests):
    cases = [
        {"neighbour_s": 0.0, "max_centroid_hz": 2500.0},
        {"max_periodicity": 0.3, "longest_gap_s": 0.0},
        {"pitch_window_s": 0.02},
        {"shortest_s": 0.0, "longest_s": 0.3},
        {"high_pass_hz": 600.0, "min_level": 0.3},
    ]
    for changes in cases:
        with subtests.test(changes=changes):
            wave, spec = made(7).wave, changed(**changes)
            np.testing.assert_allclose(
                detect_breaths(wave, spec),
                np.reshape(plain_dsp.intervals(wave, spec), (-1, 2)),
                atol=1e-6,
            )


def test_silence_has_no_breath(subtests):
    for seconds in [0.0, 0.02, 0.025, 0.05, 2.0]:
        with subtests.test(seconds=seconds):
            assert detect_breaths(
                np.zeros(round(seconds * RATE), dtype=np.float32), SPEC
            ).shape == (0, 2)


def test_steady_noise_has_no_breath():
    for low_hz, high_hz in ((800, 3000), (50, 7900)):
        steady = noise(np.random.default_rng(1), 4.0, low_hz, high_hz)[1600:-1600]
        assert not len(detect_breaths(steady.astype(np.float32), SPEC))


def not_breaths() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    click = np.zeros(6400)
    click[::1600] = 3.0
    return {
        "nothing": np.zeros(6400),
        "clicks": click,
        "rumble": 0.3 * noise(rng, 0.4, 40, 110),
        "fricative": 0.2 * noise(rng, 0.3, 4500, 7500),
        "weak fricative": 0.03 * noise(rng, 0.3, 4500, 7500),
        "weak voice": 0.03 * voice(0.4, 110),
        "as loud as speech": noise(rng, 0.4, 800, 3000),
        "too short": 0.03 * noise(rng, 0.08, 800, 3000),
        "too long": 0.03 * noise(rng, 1.6, 800, 3000),
    }


def test_is_no_breath(subtests):
    for what in not_breaths():
        with subtests.test(what=what):
            assert not len(detect_breaths(phrase(not_breaths()[what]), SPEC))


def test_rumble_hides_no_breath():
    breath = 0.04 * noise(np.random.default_rng(3), 0.4, 800, 3000)
    wave = phrase(breath)
    (alone,) = detect_breaths(wave, SPEC)
    rumble = 0.02 * noise(np.random.default_rng(4), len(wave) / RATE, 20, 60)
    (hidden,) = detect_breaths(wave + rumble.astype(np.float32), SPEC)
    assert made_breaths.iou(tuple(alone), tuple(hidden)) > 0.9
    assert len(detect_breaths(wave + rumble.astype(np.float32), changed(high_pass_hz=10.0))) != 1


def test_the_edge_of_a_fricative_is_no_breath():
    rng = np.random.default_rng(6)
    edge = 0.04 * noise(rng, 0.25, 800, 3000)
    hiss = 0.3 * noise(rng, 0.2, 5000, 7500)
    wave = phrase(np.concatenate([edge, hiss]))
    assert not len(detect_breaths(wave, SPEC))
    assert len(detect_breaths(wave, changed(neighbour_s=0.0))) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(-12, 12))
def test_gain_plays_no_part(exponent):
    wave = made(11).wave
    np.testing.assert_array_equal(
        detect_breaths(wave * np.float32(2.0**exponent), SPEC), detect_breaths(wave, SPEC)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 20_000), st.floats(0, 1))
def test_intervals_are_in_order_apart_and_within(seed, samples, silent):
    rng = np.random.default_rng(seed)
    wave = rng.standard_normal(samples) * (rng.random(samples) > silent) * rng.random()
    found = detect_breaths(wave.astype(np.float32), SPEC)
    assert found.dtype == np.float32
    times = found.ravel()
    assert (np.diff(times) > 0).all()
    assert ((times >= 0) & (times <= samples / RATE)).all()
    lengths = found[:, 1] - found[:, 0]
    assert ((lengths > SPEC.shortest_s - 1e-4) & (lengths < SPEC.longest_s + 1e-4)).all()


def test_a_recording_and_its_vocoded_copy_breathe_alike(shared: Path):
    """The breath pauses of one sentence, between the words by their published alignment."""
    pair = shared / "speech" / "pairs" / "nii_wave-replacement"
    name = "11463_11657_000002"
    real, copy = (
        detect_breaths(read_wave(pair / kind / f"{name}.flac", ANY_RATE), SPEC)
        for kind in ("real", "voc")
    )
    assert len(real) == len(copy) == 4
    for one, other in zip(real, copy, strict=True):
        assert made_breaths.iou(tuple(one), tuple(other)) > 0.8
    aligned = json.loads((pair / "json" / f"{name}.json").read_text(encoding="utf-8"))
    words = [word for part in aligned["segments"] for word in part["words"]]
    pauses = [
        (before["end"], after["start"])
        for before, after in pairwise(words)
        if after["start"] - before["end"] > 0.5
    ]
    assert len(pauses) == 2
    for pause in pauses:  # after "bleak," and "cheek,", whose ends the alignment puts too late
        assert any(pause[0] - 0.1 < start and end < pause[1] for start, end in real)


@pytest.mark.rows
def test_few_of_the_frames_found_in_real_speech_are_voiced(shared: Path):
    """WORLD says what is voiced. Speaker 3331 is left out: mains hum, a voice to WORLD."""
    place = shared / "speech"
    files = [*place.glob("librispeech/*/*[05].flac"), *place.glob("ljspeech/*[02468].wav")]
    marked = voiced = heard_s = 0.0
    for path in sorted(file for file in files if file.parent.name != "3331"):
        wave = read_wave(path, ANY_RATE)
        heard_s += len(wave) / RATE
        found = detect_breaths(wave, SPEC)
        if not len(found):
            continue
        pitch, time = pyworld.dio(wave.astype(float), RATE, frame_period=10)
        # Love Train's decision, by energy in bands; where it says unvoiced, nothing is periodic.
        aperiodicity = pyworld.d4c(wave.astype(float), pitch, time, RATE, threshold=0.85)
        is_voiced = (pitch > 0) & (aperiodicity[:, 0] < 0.999)
        within = np.any([(time >= start) & (time < end) for start, end in found], axis=0)
        marked += within.sum()
        voiced += (within & is_voiced).sum()
    assert 0.01 < marked / 100 / heard_s < 0.08
    assert voiced / marked < 0.05


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"min_level = 0\.7: should be less than max_"):
        Dsp(kind="dsp", min_level=0.7)
    with pytest.raises(ValueError, match="more than one period of min_pitch_hz = 60"):
        Dsp(kind="dsp", pitch_window_s=0.01)
