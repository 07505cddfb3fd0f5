"""RawBoost against a slow implementation from its description, and its statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from slow_rawboost import plain_rawboost, response_of, slow_rawboost, torch_clips

from bench.errors import BenchError
from bench.models.augment import notches
from bench.models.augment.rawboost import (
    DrawnNoise,
    add_noise,
    apply_rawboost,
    draw_noise,
    stack_draws,
    white_noise,
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
                    ours, slow_rawboost(speech(), spec(algorithm), rng(seed)), rtol=0, atol=1e-5
                )
                assert np.abs(ours - speech()).max() > 1e-3


@pytest.mark.parametrize(
    "settings", [{"notches": 1, "max_taps": 11}, {"notches": 7, "max_taps": 301}, {"orders": 1}]
)
def test_it_is_so_with_short_and_long_filters(settings: dict[str, Any]) -> None:
    ours = apply_rawboost(speech(), spec(4, **settings), rng(2))
    slow = slow_rawboost(speech(), spec(4, **settings), rng(2))
    np.testing.assert_allclose(ours, slow, rtol=0, atol=1e-5)


def test_how_a_wave_lies_in_memory_changes_nothing() -> None:
    fixed = speech()
    fixed.flags.writeable = False
    expected = apply_rawboost(speech(), spec(), rng())
    for wave in (fixed, speech()[::-1].copy()[::-1], speech().astype(np.float64)):
        np.testing.assert_array_equal(apply_rawboost(wave, spec(), rng()), expected)


def test_it_is_so_on_a_real_recording(official: Path) -> None:
    samples, rate_hz = soundfile.read(official / "asvspoof2019_la/audio/LA_T_1272637.flac")
    wave = samples.astype(np.float32)
    assert rate_hz == RATE_HZ
    ours = apply_rawboost(wave, spec(4), rng(3))
    np.testing.assert_allclose(ours, slow_rawboost(wave, spec(4), rng(3)), rtol=0, atol=1e-5)


def test_draws_are_in_the_documented_order() -> None:
    raw, length = rng(7), 5000
    drawn = draw_noise(spec(), rng(7), length)
    bands, gains, factors, keys, levels = (part[0].numpy() for part in drawn)

    def expect_notches(cascades: int, at: int) -> None:
        for number in range(at, at + cascades):
            for low, high, half in bands[number]:
                centre, width = raw.uniform(20.0, 8000.0), raw.uniform(100.0, 1000.0)
                taps = int(raw.uniform(10, 100))
                assert low * 8000 == pytest.approx(max(1e-3, centre - width / 2), abs=1e-3)
                assert high * 8000 == pytest.approx(min(8000 - 1e-3, centre + width / 2), abs=1e-3)
                assert 2 * half + 1 == taps + (taps % 2 == 0)
        decibels = 20 * np.log10(gains[at : at + cascades])
        drawn_db = [-20.0 + 15.0 * raw.random() for _ in range(cascades)]
        assert decibels[0] == 0
        np.testing.assert_allclose(decibels[1:], drawn_db[1:], atol=1e-5)

    expect_notches(5, 0)
    touched = int(length * raw.uniform(0.0, 0.10))
    at = raw.choice(length, size=touched, replace=False, shuffle=False)
    expected = np.ones(length)
    expected[at] += 2 * raw.uniform(-1, 1, touched) * raw.uniform(-1, 1, touched)
    np.testing.assert_allclose(factors, expected, rtol=1e-6)
    assert keys == raw.integers(2**63)
    expect_notches(1, 5)
    assert 20 * np.log10(levels) == pytest.approx(-raw.uniform(10.0, 40.0), abs=1e-5)


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


def amplitudes_of(drawn: DrawnNoise, a_spec: RawBoost) -> np.ndarray:
    return notches.cascade_amplitudes(drawn.bands, drawn.gains, a_spec)[0].numpy()


@given(
    st.floats(1, 8000), st.floats(1, 3000), st.integers(0, 59), st.floats(-30, 10), st.booleans()
)
def test_filters_are_those_of_firwin(
    centre_hz: float, width_hz: float, half: int, gain_db: float, two: bool
) -> None:
    edges = np.clip([centre_hz - width_hz / 2, centre_hz + width_hz / 2], 1e-3, 7999.999) / 8000
    one, other = (*edges, half), (2750 / 8000, 3250 / 8000, 25)
    bands = np.array([[[one, other] if two else [one]]], dtype=np.float32)
    gain = 10 ** (gain_db / 20)
    a_spec = spec(max_taps=119, notches=len(bands[0, 0]))
    ours = notches.cascade_amplitudes(torch.from_numpy(bands), torch.tensor([[gain]]), a_spec)[0, 0]
    response = response_of(bands[0, 0], gain, RATE_HZ)
    block = 2 * (len(ours) - 1)
    frequencies = 2 * np.pi * np.arange(len(ours)) / block
    expected = (
        np.exp(1j * frequencies * (len(response) // 2))
        * signal.freqz(response, worN=frequencies)[1]
    )
    assert np.abs(expected.imag).max() < 1e-5 * gain
    np.testing.assert_allclose(ours.numpy() / gain, expected.real / gain, atol=2e-5)


def test_the_largest_gain_is_the_drawn_one_and_the_band_is_stopped() -> None:
    for seed in range(30):
        drawn = draw_noise(spec(), rng(seed), 1)
        amplitudes = amplitudes_of(drawn, spec())
        seen = np.abs(amplitudes[:, : -1 : (amplitudes.shape[1] - 1) // 512]).max(axis=1)
        np.testing.assert_allclose(seen, drawn.gains[0].numpy(), rtol=1e-5)

    def decibels(centre_hz: float, width_hz: float, half: int) -> tuple[np.ndarray, np.ndarray]:
        edges = (centre_hz - width_hz / 2) / 8000, (centre_hz + width_hz / 2) / 8000
        bands = torch.tensor([[[[*edges, float(half)]]]])
        gains = notches.cascade_amplitudes(bands, torch.ones(1, 1), spec(notches=1))[0, 0]
        return np.linspace(0, 8000, len(gains)), 20 * np.log10(gains.abs().numpy())

    # Hamming windows of 99 taps fall off within 530 Hz: a band of 1000 Hz is stopped in its middle.
    at_hz, wide = decibels(4000.0, 1000.0, 49)
    assert wide[np.abs(at_hz - 4000) < 200].max() < -40
    assert wide[np.abs(at_hz - 4000) > 800].min() > -0.1
    at_hz, narrow = decibels(4000.0, 100.0, 5)
    assert -2 < narrow[np.argmin(np.abs(at_hz - 4000))] < 0, "few taps make a shallow notch"


def test_filters_do_not_delay_and_reach_across_blocks(subtests: pytest.Subtests) -> None:
    length = 5000
    for place in (0, 500, 1547, 1548, length - 1):
        with subtests.test(place=place):
            drawn = draw_noise(spec(1), rng(place), length)
            amplitudes = notches.cascade_amplitudes(drawn.bands, drawn.gains, spec(1))
            impulse = torch.zeros(1, length)
            impulse[0, place] = 1.0
            out = notches.filter_powers(impulse, amplitudes[:, 1:2], spec(1))[0].numpy()
            response = response_of(drawn.bands[0, 1].numpy(), float(drawn.gains[0, 1]), RATE_HZ)
            expected = np.zeros(length + 1000)
            start = 500 + place - len(response) // 2
            expected[start : start + len(response)] = response
            np.testing.assert_allclose(out, expected[500:-500], atol=1e-6)


def test_powers_above_the_first_are_attenuated() -> None:
    gains = np.array([draw_noise(spec(1), rng(seed), 1).gains[0].numpy() for seed in range(300)])
    assert gains.shape == (300, 5)
    assert (gains[:, 0] == 1).all()
    decibels = 20 * np.log10(gains[:, 1:])
    assert decibels.min() >= -20 - 1e-5
    assert decibels.max() <= -5 + 1e-5
    assert decibels.mean() == pytest.approx(-12.5, abs=4 * 15 / np.sqrt(12 * 1200))


def test_taps_are_odd_and_of_the_whole_range() -> None:
    bands = np.concatenate([draw_noise(spec(1), rng(seed), 1).bands[0] for seed in range(200)])
    assert set((2 * bands[..., 2] + 1).ravel().astype(int)) == set(range(11, 100, 2))
    assert bands[..., :2].min() > 0
    assert bands[..., :2].max() < 1
    inside = (bands[..., 0] > 1e-3) & (bands[..., 1] < 1 - 1e-3)
    centres = 4000 * bands[..., :2].sum(axis=-1)[inside]
    assert centres.min() < 300
    assert 7700 < centres.max() <= 8000


@pytest.mark.rows
def test_stationary_noise_has_the_drawn_ratio_from_10_to_40_decibels() -> None:
    wave, ratios = speech(500).astype(np.float64), []
    for seed in range(300):
        level = float(draw_noise(spec(3), rng(seed), len(wave)).levels)
        noise = apply_rawboost(wave, spec(3), rng(seed)) - wave
        ratio_db = 10 * np.log10((wave @ wave) / (noise @ noise))
        assert ratio_db == pytest.approx(-20 * np.log10(level), abs=1e-3)
        ratios.append(ratio_db)
    assert min(ratios) >= 10 - 1e-3
    assert max(ratios) <= 40 + 1e-3
    assert np.mean(ratios) == pytest.approx(25, abs=4 * 30 / np.sqrt(12 * 300))


def test_impulses_touch_a_tenth_of_the_samples_at_most() -> None:
    wave, everywhere, shares = np.linspace(0.1, 0.3, 2000), [], []
    for seed in range(300):
        factors = draw_noise(spec(2), rng(seed), len(wave)).factors[0].numpy()
        touched = np.flatnonzero(factors != 1)
        changed = np.flatnonzero(apply_rawboost(wave, spec(2), rng(seed)) != wave.astype("f4"))
        assert set(changed) <= set(touched)
        assert np.abs(factors - 1).max() <= 2
        shares.append(len(touched) / len(wave))
        everywhere += touched.tolist()
    assert max(shares) <= 0.10
    assert np.mean(shares) == pytest.approx(0.05, abs=4 * 0.1 / np.sqrt(12 * 300))
    assert np.mean(everywhere) == pytest.approx(1000, abs=4 * 2000 / np.sqrt(12 * len(everywhere)))


def test_white_noise_is_gaussian_and_white() -> None:
    keys = torch.tensor([int(rng(seed).integers(2**63)) for seed in range(20)])
    noise = np.sqrt(2) * white_noise(keys, 10_001).numpy().astype(np.float64)
    assert noise.shape == (20, 10_001)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    assert stats.kurtosis(noise.ravel()) == pytest.approx(0, abs=4 * np.sqrt(24 / noise.size))
    flat = np.abs(np.fft.rfft(noise)[:, 1:-1]) ** 2 / noise.shape[1]
    assert stats.kstest(flat.ravel(), "expon").pvalue > 0.01, "each power of the spectrum"
    between = np.corrcoef(noise)[np.triu_indices(20, 1)]
    assert np.abs(between).max() < 4.5 / np.sqrt(noise.shape[1])
    # A key alone and a shorter clip have the same noise.
    alone = np.sqrt(2) * white_noise(keys[3:4], 77)[0].numpy().astype(np.float64)
    np.testing.assert_array_equal(alone, noise[3, :77])


def test_white_noise_is_of_splitmix64() -> None:
    """Its published first output from 0 is 0xE220A8397B1DCDAF."""
    low, high = 0x7B1DCDAF, 0xE220A839 - 2**32
    uniform = [((half >> 8) + 0.5) / 2**23 for half in (low, high)]
    expected = stats.norm.ppf((1 + np.array(uniform)) / 2) / np.sqrt(2)
    np.testing.assert_allclose(white_noise(torch.tensor([0]), 2)[0], expected, rtol=1e-5)


def test_clips_are_augmented_together_as_they_are_alone(subtests: pytest.Subtests) -> None:
    waves = [speech(6000, 1), speech(3001, 2), speech(1, 3), speech(2049, 4)]
    for algorithm in ALGORITHMS:
        with subtests.test(algorithm=algorithm):
            a_spec = spec(algorithm)
            draws = [draw_noise(a_spec, rng(i), len(wave)) for i, wave in enumerate(waves)]
            clips, lengths = torch_clips(waves, 6000)
            together = add_noise(clips, stack_draws(draws, 6000), a_spec, lengths).numpy()
            for number, (wave, ours) in enumerate(zip(waves, together, strict=True)):
                alone = apply_rawboost(wave, a_spec, rng(number))
                np.testing.assert_allclose(ours[: len(wave)], alone, rtol=0, atol=1e-6)
                assert not ours[len(wave) :].any()


def test_the_number_of_threads_changes_nothing(subtests: pytest.Subtests) -> None:
    """Processes that load audio have one, and the process that trains may have many."""
    threads = torch.get_num_threads()
    for algorithm in (3, 4, 8):
        with subtests.test(algorithm=algorithm):
            found = []
            for number in (1, 2, 7):
                torch.set_num_threads(number)
                found.append(apply_rawboost(speech(100_001), spec(algorithm), rng(4)))
            torch.set_num_threads(threads)
            np.testing.assert_array_equal(found[1], found[0])
            np.testing.assert_array_equal(found[2], found[0])


def described(wave: np.ndarray, noisy: np.ndarray) -> list[float]:
    """Return level, peak, change, crest, tilt, likeness and tails of a clip with noise."""
    change = noisy - wave
    power = np.abs(np.fft.rfft(noisy)) ** 2
    quarter = len(power) // 4
    figures = [
        np.log(np.mean(noisy**2)),
        np.abs(noisy).max(),
        np.mean(change**2) ** 0.5,
        np.abs(noisy).max() / np.sqrt(np.mean(noisy**2)),
        np.log(power[:quarter].sum() / power[quarter:].sum()),
        np.corrcoef(wave, noisy)[0, 1],
        stats.kurtosis(noisy),
    ]
    return [float(figure) for figure in figures]


@pytest.mark.slow  # a plain one takes 30 ms
def test_statistics_are_those_of_the_plain_implementation(official: Path) -> None:
    """On real speech; ours and the plain one draw from generators of their own."""
    whole, _ = soundfile.read(official / "asvspoof2019_la/audio/LA_T_1272637.flac")
    wave = whole[8000:16_000].astype(np.float32)
    for algorithm in (1, 2, 3, 4):
        a_spec = spec(algorithm)
        ours = [described(wave, apply_rawboost(wave, a_spec, rng(i))) for i in range(300)]
        plain = [described(wave, plain_rawboost(wave, a_spec, rng(9000 + i))) for i in range(300)]
        for one, other in zip(zip(*ours, strict=True), zip(*plain, strict=True), strict=True):
            assert stats.ks_2samp(one, other).pvalue > 1e-3, algorithm


def test_peaks_above_one_are_scaled_and_others_left() -> None:
    loud = apply_rawboost(2.0 * speech(), spec(1), rng())
    quiet = apply_rawboost(1e-3 * speech(), spec(1), rng())
    assert np.abs(loud).max() == pytest.approx(1.0)
    assert np.abs(quiet).max() < 2e-3
    assert abs(loud.mean()) < 1e-7
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
