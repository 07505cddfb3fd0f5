"""What utterances go through: in time, of the same length, the same every time, and audible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.synthetic.channels import (
    ASVSPOOF5,
    ASVSPOOF2021DF,
    ASVSPOOF2021LA,
    WEB,
    Channels,
    Coder,
    asvspoof5_configuration,
)
from bench.synthetic.clip import Pcm, PlannedClip, Segment, Speaker, WrittenClip
from bench.synthetic.gender import detect_genders
from bench.synthetic.source_filter import SourceFilter
from bench.synthetic.splice import is_loud, to_pcm
from bench.units import BONAFIDE

NAMED: dict[str, Channels] = {
    **{f"2021 LA {name}": through for name, through in ASVSPOOF2021LA.items()},
    **{f"2021 DF {name}": through for name, through in ASVSPOOF2021DF.items()},
    **{f"ASVspoof 5 {name}": through for name, through in ASVSPOOF5.items()},
    **{f"web {n}": through for n, through in enumerate(WEB)},
}
NARROW = [
    *(f"2021 LA {name}" for name in ("alaw", "pstn", "ulaw", "gsm")),
    *(f"ASVspoof 5 {('C' + n, 3)}" for n in ("08", "09", "10", "11")),
]


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """An odd number of samples, so that no block of any codec is full."""
    return to_pcm(SourceFilter(5, 0).speak(np.random.default_rng(1), 12_345))


def through(channels: Channels, speech: Pcm) -> Pcm:
    for channel in channels:
        speech = channel(speech)
    return speech


@pytest.mark.rows
@pytest.mark.parametrize("corpus", ["2021 LA", "2021 DF", "ASVspoof 5", "web"])
def test_a_channel_keeps_length_and_time(corpus: str, speech: Pcm):
    for name, channels in NAMED.items():
        if name.startswith(corpus):
            heard = through(channels, speech)
            assert (heard.dtype, len(heard)) == (np.int16, len(speech)), name
            a, b = speech.astype(float), heard.astype(float)
            spectrum = np.conj(np.fft.rfft(a, 2 * len(a))) * np.fft.rfft(b, 2 * len(a))
            correlation = np.fft.irfft(spectrum)
            delay = abs(np.argmax(correlation) + len(a)) % (2 * len(a)) - len(a)
            assert delay in (-2, -1, 0, 1, 2), name
            assert correlation.max() > 0.7 * np.linalg.norm(a) * np.linalg.norm(b), name
            assert (heard == speech).all() == (not channels), name


@pytest.mark.parametrize("name", ["2021 LA opus", "2021 DF mp3m4a", "2021 DF low_ogg", "web 1"])
def test_a_channel_gives_the_same_every_time(name: str, speech: Pcm):
    assert (through(NAMED[name], speech) == through(NAMED[name], speech)).all()


def test_a_narrow_band_has_nothing_above_4_khz(speech: Pcm, subtests: pytest.Subtests):
    def high(wave: Pcm) -> float:
        power = np.abs(np.fft.rfft(wave.astype(float))) ** 2
        return float(power[int(len(power) * 0.54) :].sum() / power.sum())

    for name in NARROW:
        with subtests.test(name=name):
            assert high(through(NAMED[name], speech)) < 0.02 * high(speech)


def test_the_rate_of_a_coder_is_what_it_says(monkeypatch: pytest.MonkeyPatch, speech: Pcm):
    """Opus and MP3 by the size of what libsndfile writes, within what the containers add."""
    sizes: list[float] = []
    long = np.tile(speech, 12)
    seen = soundfile.write

    def count(file, data, rate, **options):
        seen(file, data, rate, **options)
        sizes.append(len(file.getvalue()) * 8 / (len(data) / rate) / 1000)

    monkeypatch.setattr(soundfile, "write", count)
    for codec, quality, kbit_s in (("C01", 4, 24), ("C05", 1, 40), ("C05", 5, 160)):
        through(ASVSPOOF5[codec, quality], long)
        assert sizes.pop() == pytest.approx(kbit_s, rel=0.15)
        assert f",{quality},{kbit_s}" in " ".join(
            line for line in asvspoof5_configuration() if line.startswith(f"C{int(codec[1:])},")
        )


def test_silence_comes_out_as_silence_of_the_same_length():
    for subtype in ("ALAW", "GSM610"):
        heard = Coder("WAV", subtype, 8000)(np.zeros(1001, np.int16))
        assert len(heard) == 1001
        assert np.abs(heard).max() < 50


def test_what_is_not_speech_is_found_by_its_energy():
    rng = np.random.default_rng(0)
    wave = rng.normal(0, 0.1, 1600)
    wave[320:800] *= 0.01  # 40 dB down, in whole frames of 160 samples
    expected = np.ones(1600, bool)
    expected[320:800] = False
    assert (is_loud(wave) == expected).all()
    assert (is_loud(to_pcm(wave)[:1500]) == expected[:1500]).all()
    assert is_loud(np.zeros(500)).all()


def test_gender_is_read_off_the_pitch(tmp_path: Path):
    time = np.arange(16_000) / 16_000
    made: list[WrittenClip] = []
    for number, pitch_hz in ((1, 110), (2, 220), (3, 0)):
        harmonics = np.arange(1, 20)[:, np.newaxis]
        tone = (np.sin(2 * np.pi * harmonics * pitch_hz * time) / harmonics).sum(axis=0) / 10
        soundfile.write(tmp_path / f"{number}.wav", tone, 16_000)
        speaker = Speaker(number, SourceFilter(number, 0))
        clip = PlannedClip(f"{number}", f"{number}.wav", speaker, f"{number}", None)
        made.append(WrittenClip(clip, 16_000, (Segment(0, 16_000, BONAFIDE),)))
    assert detect_genders(tmp_path, made) == {1: "M", 2: "F", 3: "M"}
