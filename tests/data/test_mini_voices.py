"""Speakers from recordings, the built-in voice, and the vocoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import pyworld
import soundfile

from bench.models.breath.dsp import detect_breaths as breaths
from bench.specs.breath.dsp import Dsp
from bench.synthetic.clip import Vocoder, deal_items, make_generator, split_speakers
from bench.synthetic.source_filter import BLOCK, SourceFilter, _syllable
from bench.synthetic.vocoders import (
    ASVSPOOF5,
    ASVSPOOF2019LA,
    HAD,
    LLAMAPARTIALSPOOF,
    PARTIALSPOOF_SEEN,
    PARTIALSPOOF_UNSEEN,
    VOICE_CONVERSION,
    GriffinLim,
    World,
)
from bench.synthetic.voices import find_speakers, level_wave, read_recording
from tests.errors import raises_code

ATTACKS = {**PARTIALSPOOF_SEEN, **PARTIALSPOOF_UNSEEN, **HAD, **LLAMAPARTIALSPOOF}


def tone(seconds: float, rate: int, hertz: float = 1000.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def put(file: Path, wave: np.ndarray, rate: int = 16_000) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, wave, rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five speakers, one of whom has only a short recording, one only files of another kind."""
    for speaker in "abcd":
        put(tmp_path / speaker / "chapter" / "one.flac", tone(3.0, 16_000))
        put(tmp_path / speaker / "two.wav", tone(2.5, 16_000))
    put(tmp_path / "short" / "one.wav", tone(1.0, 16_000))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no audio")
    return tmp_path


def test_a_speaker_is_the_first_folder_of_a_recording(folder: Path):
    voices = find_speakers(folder, 2.0).voices
    assert [voice.name for voice in voices] == ["a", "b", "c", "d"]
    assert {len(voice.speak(np.random.default_rng(0), 32_000)) for voice in voices} == {32_000}


def test_a_shorter_recording_is_taken_whole(folder: Path):
    lengths = {
        len(find_speakers(folder, 2.0).voices[0].speak(np.random.default_rng(i), 64_000))
        for i in range(8)
    }
    assert lengths == {40_000, 48_000}


def test_the_digest_follows_what_was_found(folder: Path):
    before = find_speakers(folder, 2.0).digest
    assert find_speakers(folder, 2.0).digest == before
    (folder / "a" / "two.wav").unlink()
    assert find_speakers(folder, 2.0).digest != before


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (22_050, 1), (48_000, 2), (8000, 2)])
def test_any_rate_and_channels_become_16_khz_mono(tmp_path: Path, rate: int, channels: int):
    put(tmp_path / "tone.wav", np.stack([tone(2.0, rate)] * channels, axis=1), rate)
    wave = read_recording(tmp_path / "tone.wav")
    assert wave.shape == (32_000,)
    assert wave[1000:-1000] == pytest.approx(tone(2.0, 16_000)[1000:-1000], abs=0.01)


def test_level_takes_off_the_offset_and_does_not_clip():
    wave = level_wave(tone(1.0, 16_000) * 0.001 + 0.2)
    assert np.mean(wave) == pytest.approx(0, abs=1e-12)
    assert np.std(wave) == pytest.approx(0.06)
    click = np.zeros(16_000)
    click[100] = 1e-3
    assert np.abs(level_wave(click)).max() == pytest.approx(0.7, rel=1e-3)


def broken(folder: Path) -> Path:
    (folder / "a" / "broken.wav").write_bytes(b"RIFF is all there is")
    return folder


def empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


@pytest.mark.parametrize(
    ("spoil", "code", "part"),
    [
        (lambda folder: folder / "nowhere", "file.missing", "nowhere: "),
        (empty, "mini.no-recordings", "empty: no recording of 2.0 s or more among 0 "),
        (lambda folder: folder / "short", "mini.no-recordings", " 2.0 s or more among 1 "),
        (broken, "audio.damaged", "broken.wav: "),
    ],
)
def test_a_folder_of_no_use_is_refused(
    folder: Path, spoil: Callable[[Path], Path], code: str, part: str
):
    with raises_code(code, part):
        find_speakers(spoil(folder), 2.0)


def test_too_few_speakers_are_refused_with_the_number_needed(folder: Path):
    with raises_code("mini.too-few-speakers", "(a)", "at least 4"):
        split_speakers(
            [voice for voice in find_speakers(folder, 2.0).voices if voice.name == "a"], 0
        )


def test_the_splits_share_no_speaker_and_leave_none_out(subtests: pytest.Subtests):
    for n in [4, 5, 10, 20, 41]:
        with subtests.test(n=n):
            voices = [SourceFilter(i, 0) for i in range(n)]
            train, dev, evaluation = split_speakers(voices, seed=3)
            assert min(len(train), len(dev)) >= 1
            assert len(evaluation) >= 2
            names = [speaker.voice.name for speaker in (*train, *dev, *evaluation)]
            assert sorted(names) == sorted(voice.name for voice in voices)


def test_deal_gives_each_its_share():
    dealt = deal_items(np.random.default_rng(0), "abc", 11)
    assert sorted(map(dealt.count, "abc")) == [3, 4, 4]


def test_each_thing_has_its_own_random_numbers():
    draws = {
        make_generator(seed, *key).integers(2**62)
        for seed in (0, 1)
        for key in (("cut", "a"), ("cut", "b"), ("source", "a"))
    }
    assert len(draws) == 6
    assert make_generator(0, "cut", "a").integers(2**62) in draws


def pitch_hz(wave: np.ndarray) -> float:
    f0, _ = pyworld.dio(wave, 16_000, f0_floor=60.0, f0_ceil=400.0)
    return float(np.median(f0[f0 > 0]))


def test_the_built_in_voice_is_a_voice():
    """Pitched, at each speaker's own pitch, with quiet places far below the loud ones."""
    waves = [SourceFilter(i, 0).speak(np.random.default_rng(5), 48_000) for i in range(1, 7)]
    pitches = [pitch_hz(wave) for wave in waves]
    assert all(70 < pitch < 300 for pitch in pitches)
    assert max(pitches) / min(pitches) > 1.3
    for i, wave in enumerate(waves, start=1):
        assert np.array_equal(wave, SourceFilter(i, 0).speak(np.random.default_rng(5), 48_000))
        assert np.abs(wave).max() <= 0.7
        power = np.add.reduceat(wave**2, np.arange(0, 48_000, 160))
        assert 10 * np.log10(np.quantile(power, 0.95) / power.min()) > 15
    other = SourceFilter(1, 1).speak(np.random.default_rng(5), 48_000)
    assert not np.array_equal(waves[0], other)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return SourceFilter(3, 0).speak(np.random.default_rng(1), 32_000)


def envelope(wave: np.ndarray) -> np.ndarray:
    return np.sqrt(np.add.reduceat(wave**2, np.arange(0, len(wave), 160)))


@pytest.mark.rows
def test_an_attack_keeps_time_and_length_and_loses_the_waveform(
    speech: np.ndarray, subtests: pytest.Subtests
):
    for name in ATTACKS:
        with subtests.test(name=name):
            made = ATTACKS[name](speech)
            assert made.shape == speech.shape
            assert np.isfinite(made).all()
            assert np.array_equal(made, ATTACKS[name](speech))
            before, after = envelope(speech), envelope(made)
            by_lag = [np.corrcoef(before[10:-10], after[10 + lag : -10 + lag or None])[0, 1]
                      for lag in range(-5, 6)]  # fmt: skip
            assert by_lag[5] > 0.8
            assert abs(int(np.argmax(by_lag)) - 5) <= 1
            assert abs(np.corrcoef(speech, made)[0, 1]) < 0.7


@pytest.mark.parametrize("wide", [GriffinLim(1024, 256, 64, 8), World()])
def test_a_band_limit_takes_the_high_band(wide: GriffinLim | World, speech: np.ndarray):
    def high(vocoder: Vocoder) -> float:
        power = np.abs(np.fft.rfft(vocoder(speech))) ** 2
        return float(power[-len(power) // 8 :].sum() / power.sum())

    assert high(replace(wide, f_max=6500.0)) < 0.02 * high(wide)


@pytest.mark.rows
def test_world_changes_what_it_is_told_to(speech: np.ndarray):
    plain = World()(speech)
    changed = [
        World(pitch="smoothed"),
        World(pitch="semitones"),
        World(excitation="pulses"),
        World(excitation="ramp"),
        World(cepstrum=20),
        World(10.0),
    ]
    for world in changed:
        assert np.std(world(speech) - plain) > 0.05 * np.std(plain), world


@pytest.mark.parametrize("excitation", ["pulses", "ramp"])
def test_without_a_measured_excitation_the_sound_is_that_of_measuring_it(
    excitation: Literal["pulses", "ramp"], speech: np.ndarray
):
    """D4C is left out where all that it finds is replaced; nothing else changes by that."""
    rough, times = pyworld.dio(speech, 16_000)
    pitch = pyworld.stonemask(speech, rough, times, 16_000)
    envelope = pyworld.cheaptrick(speech, pitch, times, 16_000)
    aperiodicity = pyworld.d4c(speech, pitch, times, 16_000)
    pulses = np.full(aperiodicity.shape[1], 1e-3)
    ramp = np.linspace(1e-3, 1.0, aperiodicity.shape[1])
    aperiodicity[pitch > 0] = pulses if excitation == "pulses" else ramp
    pitch[pitch > 0] = 2.0 ** np.log2(pitch[pitch > 0])
    made = pyworld.synthesize(pitch, envelope, aperiodicity, 16_000)[: len(speech)]
    assert (World(excitation=excitation)(speech)[: len(made)] == made).all()


def test_no_attack_is_shared():
    tables = (PARTIALSPOOF_SEEN, PARTIALSPOOF_UNSEEN, HAD, LLAMAPARTIALSPOOF)
    settings = [vocoder for table in tables for vocoder in table.values()]
    assert len(set(settings)) == len(settings)
    assert len(ATTACKS) == len(settings)
    assert len(ASVSPOOF2019LA) == 19
    assert len(set(ASVSPOOF2019LA.values())) == 17  # A16 is A04, A19 is A06
    assert len(set(ASVSPOOF5.values())) == len(ASVSPOOF5) == 32
    later = {*ASVSPOOF5.values(), *VOICE_CONVERSION.values()}
    assert len(later) == 38
    assert not later & {*settings, *ASVSPOOF2019LA.values()}


@pytest.mark.rows
def test_the_built_in_voice_breathes_where_its_own_detector_hears_it():
    """In a good share of utterances, bona fide and made again, and nowhere else."""
    detector = Dsp(kind="dsp")
    voices = [SourceFilter(number, 0) for number in range(1, 21)]
    spoken = [
        voice.speak(np.random.default_rng(seed), 32_000)
        for seed in (1, 2)
        for voice in voices
    ]  # fmt: skip
    found = [breaths(wave.astype(np.float32), detector) for wave in spoken]
    assert 0.2 < np.mean([len(times) > 0 for times in found]) < 0.6
    lengths = np.concatenate([times[:, 1] - times[:, 0] for times in found])
    assert ((lengths > 0.15) & (lengths < 0.6)).all()
    pairs = [(wave, times) for wave, times in zip(spoken, found, strict=True) if len(times)]
    for attack in ("A02", "A05"):
        again = [breaths(ATTACKS[attack](wave).astype(np.float32), detector) for wave, _ in pairs]
        assert np.mean([len(times) > 0 for times in again]) > 0.3


def test_a_breath_is_weak_unvoiced_noise_between_silences():
    rng = np.random.default_rng(0)
    syllables = [_syllable(rng) for _ in range(2000)]
    breathing = [phones for phones in syllables if any(phone.breath for phone in phones)]
    assert 0.07 < len(breathing) / len(syllables) < 0.11
    for before, breath, after, vowel in breathing:
        assert before.breath == after.breath == vowel.breath == 0
        for phone in (before, breath, after):
            assert phone.voicing == 0
            assert set(phone.hiss) == {0.0}
        assert 0.2 <= breath.blocks * BLOCK / 16_000 <= 0.5
