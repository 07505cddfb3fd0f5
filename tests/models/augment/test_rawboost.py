"""RawBoost against a slow implementation from its description, and its statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from slow_rawboost import response_of, slow_rawboost

from bench.errors import BenchError
from bench.models.augment import notches as notches_module
from bench.models.augment.notches import Notch, Notches, cascade_coefficients, filter_wave
from bench.models.augment.rawboost import (
    add_convolutive,
    add_impulsive,
    add_stationary,
    apply_rawboost,
    draw_convolutive,
    draw_impulsive,
    draw_stationary,
)
from bench.specs.augment.rawboost import RawBoost
from tests.errors import raises_code

RATE_HZ = 16_000
ALGORITHMS = range(1, 9)


def spec(algorithm: int = 4, **changes: Any) -> RawBoost:
    return RawBoost(kind="rawboost", algorithm=algorithm, **changes)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def speech(length: int = 6000, seed: int = 9) -> np.ndarray:
    """Noise with the tilt and the loudness changes of speech, peak 0.7."""
    wave = signal.lfilter([1.0], [1.0, -0.9], rng(seed).standard_normal(length))
    wave *= 1.2 + np.sin(np.arange(length) / 700)
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


def test_it_is_what_the_slow_implementation_gives(subtests: pytest.Subtests) -> None:
    for algorithm in ALGORITHMS:
        for seed in [0, 1]:
            with subtests.test(algorithm=algorithm, seed=seed):
                ours = apply_rawboost(speech(), spec(algorithm), rng(seed))
                assert ours.dtype == np.float32
                np.testing.assert_allclose(
                    ours, slow_rawboost(speech(), spec(algorithm), rng(seed)), rtol=0, atol=2e-7
                )
                assert np.abs(ours - speech()).max() > 1e-3


def test_it_is_so_on_a_real_recording(official: Path) -> None:
    samples, rate_hz = soundfile.read(official / "asvspoof2019_la/audio/LA_T_1272637.flac")
    wave = samples.astype(np.float32)
    assert rate_hz == RATE_HZ
    ours = apply_rawboost(wave, spec(4), rng(3))
    np.testing.assert_allclose(ours, slow_rawboost(wave, spec(4), rng(3)), rtol=0, atol=2e-7)


def test_draws_are_in_the_documented_order() -> None:
    ours, raw, length = rng(7), rng(7), 5000
    for order, notches in enumerate(draw_convolutive(spec(), ours)):
        for band in notches.bands:
            assert band.centre_hz == raw.uniform(20.0, 8000.0)
            assert band.width_hz == raw.uniform(100.0, 1000.0)
            taps = int(raw.uniform(10, 100))
            assert band.taps == taps + (taps % 2 == 0)
        assert notches.gain_db == (raw.uniform(-20.0, -5.0) if order else 0.0 * raw.uniform())
    impulses = draw_impulsive(spec(), ours, length)
    assert len(impulses.at) == int(length * raw.uniform(0.0, 0.10))
    raw.choice(length, size=len(impulses.at), replace=False, shuffle=False)
    products = raw.uniform(-1, 1, len(impulses.at)) * raw.uniform(-1, 1, len(impulses.at))
    np.testing.assert_array_equal(impulses.factors, 2 * products)
    hiss = draw_stationary(spec(), ours, length)
    np.testing.assert_array_equal(hiss.white, raw.standard_normal(length))
    raw.uniform(size=3 * 5 + 1)  # the filter
    assert hiss.snr_db == raw.uniform(10.0, 40.0)


def test_series_are_their_parts_one_after_the_other(subtests: pytest.Subtests) -> None:
    for algorithm, parts in [(4, (1, 2, 3)), (5, (1, 2)), (6, (1, 3)), (7, (2, 3))]:
        with subtests.test(algorithm=algorithm):
            generator, wave = rng(5), speech()
            for part in parts:
                wave = apply_rawboost(wave, spec(part), generator)
            np.testing.assert_allclose(
                apply_rawboost(speech(), spec(algorithm), rng(5)), wave, atol=1e-6
            )


def test_parallel_is_the_sum_of_its_parts_limited_to_one() -> None:
    for scale in (0.1, 1.0):
        generator, wave = rng(5), scale * speech()
        total = apply_rawboost(wave, spec(1), generator) + apply_rawboost(wave, spec(2), generator)
        total /= max(1.0, np.abs(total).max())
        np.testing.assert_allclose(apply_rawboost(wave, spec(8), rng(5)), total, atol=1e-6)


@given(st.floats(1, 8000), st.floats(1, 3000), st.integers(1, 120).map(lambda n: n | 1), st.data())
def test_filters_are_those_of_firwin(
    centre_hz: float, width_hz: float, taps: int, data: st.DataObject
) -> None:
    bands = (Notch(centre_hz, width_hz, taps), Notch(3000.0, 500.0, 51))
    notches = Notches(bands, gain_db=data.draw(st.floats(-30, 10)))
    ours = cascade_coefficients(notches, RATE_HZ)
    scale = np.abs(ours).max()
    np.testing.assert_allclose(ours / scale, response_of(notches, RATE_HZ) / scale, atol=1e-6)
    np.testing.assert_allclose(ours, ours[::-1], atol=1e-12 * scale)


def test_the_largest_gain_is_the_drawn_one_and_the_band_is_stopped() -> None:
    for seed in range(30):
        notches = notches_module.draw_notches(spec(), rng(seed), (5.0, 20.0))
        _, gains = signal.freqz(cascade_coefficients(notches, RATE_HZ), worN=512, fs=RATE_HZ)
        assert 20 * np.log10(np.abs(gains).max()) == pytest.approx(notches.gain_db, abs=1e-9)
    # Hamming windows of 99 taps fall off within 530 Hz: a band of 1000 Hz is stopped in its middle.
    one = Notches((Notch(4000.0, 1000.0, 99),), gain_db=0.0)
    at_hz, gains = signal.freqz(cascade_coefficients(one, RATE_HZ), worN=8000, fs=RATE_HZ)
    decibels = 20 * np.log10(np.abs(gains))
    assert decibels[np.abs(at_hz - 4000) < 200].max() < -40
    assert decibels[np.abs(at_hz - 4000) > 800].min() > -0.1
    narrow = Notches((Notch(4000.0, 100.0, 11),), gain_db=0.0)
    _, gains = signal.freqz(cascade_coefficients(narrow, RATE_HZ), worN=[4000.0], fs=RATE_HZ)
    assert 0.8 < abs(gains[0]) < 1, "few taps make a shallow notch"


def test_filters_do_not_delay() -> None:
    impulse = np.zeros(2000)
    impulse[500] = 1.0
    for seed in range(10):
        response = cascade_coefficients(
            notches_module.draw_notches(spec(), rng(seed), (0, 0)), RATE_HZ
        )
        out = filter_wave(impulse, response)
        assert len(out) == len(impulse)
        np.testing.assert_allclose(out[501:900], out[499:100:-1], atol=1e-12)


def test_powers_above_the_first_are_attenuated() -> None:
    gains = np.array(
        [[f.gain_db for f in draw_convolutive(spec(), rng(seed))] for seed in range(300)]
    )
    assert gains.shape == (300, 5)
    assert (gains[:, 0] == 0).all()
    assert gains[:, 1:].min() >= -20
    assert gains[:, 1:].max() <= -5
    assert gains[:, 1:].mean() == pytest.approx(-12.5, abs=4 * 15 / np.sqrt(12 * 1200))


def test_taps_are_odd_and_of_the_whole_range() -> None:
    bands = [
        band for seed in range(200) for f in draw_convolutive(spec(), rng(seed)) for band in f.bands
    ]
    assert {band.taps for band in bands} == set(range(11, 100, 2))
    centres = np.array([band.centre_hz for band in bands])
    assert 20 <= centres.min() < 60
    assert 7960 < centres.max() <= 8000


def test_stationary_noise_has_the_drawn_ratio_from_10_to_40_decibels() -> None:
    wave, ratios = speech(500).astype(np.float64), []
    for seed in range(300):
        hiss = draw_stationary(spec(), rng(seed), len(wave))
        noise = add_stationary(wave, hiss, RATE_HZ) - wave
        ratio_db = 10 * np.log10((wave @ wave) / (noise @ noise))
        assert ratio_db == pytest.approx(hiss.snr_db, abs=1e-6)
        ratios.append(ratio_db)
    assert min(ratios) >= 10
    assert max(ratios) <= 40
    assert np.mean(ratios) == pytest.approx(25, abs=4 * 30 / np.sqrt(12 * 300))


def test_impulses_touch_a_tenth_of_the_samples_at_most() -> None:
    wave, shares = np.linspace(0.1, 0.3, 2000), []
    for seed in range(300):
        impulses = draw_impulsive(spec(2), rng(seed), len(wave))
        assert len(set(impulses.at.tolist())) == len(impulses.at)
        changed = np.flatnonzero(add_impulsive(wave, impulses) != wave)
        assert set(changed) <= set(impulses.at)
        assert np.abs(impulses.factors).max(initial=0) <= 2
        shares.append(len(changed) / len(wave))
    assert max(shares) <= 0.10
    assert np.mean(shares) == pytest.approx(0.05, abs=4 * 0.1 / np.sqrt(12 * 300))
    everywhere = np.concatenate([draw_impulsive(spec(2), rng(s), 2000).at for s in range(300)])
    assert np.mean(everywhere) == pytest.approx(1000, abs=4 * 2000 / np.sqrt(12 * len(everywhere)))


def test_peaks_above_one_are_scaled_and_others_left() -> None:
    loud = add_convolutive(
        2.0 * speech().astype(np.float64), draw_convolutive(spec(), rng()), RATE_HZ
    )
    quiet = apply_rawboost(1e-3 * speech(), spec(1), rng())
    assert np.abs(loud).max() == pytest.approx(1.0)
    assert np.abs(quiet).max() < 2e-3
    assert abs(loud.mean()) < 1e-12
    assert np.abs(apply_rawboost(np.full(800, 0.999, np.float32), spec(2), rng())).max() <= 1.0


def test_the_seed_decides_and_the_input_is_left_alone(subtests: pytest.Subtests) -> None:
    for algorithm in ALGORITHMS:
        with subtests.test(algorithm=algorithm):
            wave = speech()
            first, again = (apply_rawboost(wave, spec(algorithm), rng(4)) for _ in range(2))
            np.testing.assert_array_equal(first, again)
            assert not np.array_equal(first, apply_rawboost(wave, spec(algorithm), rng(5)))
            np.testing.assert_array_equal(wave, speech())


@settings(max_examples=60)
@given(
    st.integers(1, 700),
    st.sampled_from(["silence", "constant", "impulse", "square", "noise"]),
    st.sampled_from([1e-30, 1e-4, 1.0, 1e4]),
    st.sampled_from(ALGORITHMS),
    st.integers(0, 2**32),
)
def test_any_clip_comes_out_finite_and_as_long(
    length: int, shape: str, scale: float, algorithm: int, seed: int
) -> None:
    waves = {
        "silence": np.zeros(length),
        "constant": np.ones(length),
        "impulse": np.eye(1, length)[0],
        "square": np.where(np.arange(length) % 20 < 10, 1.0, -1.0),
        "noise": rng(seed).standard_normal(length),
    }
    wave = (scale * waves[shape]).astype(np.float32)
    out = apply_rawboost(wave, spec(algorithm), rng(seed))
    assert out.shape == wave.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    if shape == "silence":
        assert not out.any()


def test_what_is_no_waveform_is_refused(subtests: pytest.Subtests) -> None:
    cases = [
        (np.array([0.0, np.nan, 0.0]), "sample 1 is nan"),
        (np.array([0.0, 0.0, -np.inf]), "sample 2 is -inf"),
        (np.zeros((2, 9)), r"got shape \(2, 9\)"),
        (np.zeros(0), "at least one sample"),
        (np.zeros(9, dtype=np.int16), "int16"),
    ]
    for wave, says in cases:
        with subtests.test(says=says), pytest.raises(BenchError, match=says):
            apply_rawboost(wave, spec(), rng())


def test_notches_above_half_the_rate_are_refused() -> None:
    with raises_code("augment.notch-too-high") as error:
        apply_rawboost(speech(), spec(), rng(), sample_rate_hz=8000)
    assert "4000.0 Hz" in str(error.value)
    assert (
        len(apply_rawboost(speech(), spec(max_centre_hz=4000.0), rng(), sample_rate_hz=8000))
        == 6000
    )
