"""Recordings of any rate and number of channels become 16 kHz in one channel."""

from __future__ import annotations

import numpy as np
import soundfile

from bench.data.audio import read_wave
from bench.data.recordings import as_subset, convert_recordings
from bench.specs.corpus import Audio
from tests.errors import raises_code


def tone(rate_hz: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)


def test_other_rates_and_channels_are_converted_and_said(tmp_path):
    both = np.stack([tone(44_100), np.zeros_like(tone(44_100))], axis=1)
    soundfile.write(tmp_path / "a.flac", both, 44_100)
    soundfile.write(tmp_path / "b.ogg", tone(48_000), 48_000)
    soundfile.write(tmp_path / "c.wav", tone(16_000), 16_000)
    soundfile.write(tmp_path / "d.wav", tone(8_000), 8_000)
    folder = tmp_path / "converted"
    folder.mkdir()
    names = ("a.flac", "b.ogg", "c.wav", "d.wav")
    files = convert_recordings([tmp_path / name for name in names], folder)
    a, b, c, d = files
    assert a.conversion == "mean of 2 channels, resampled from 44,100 Hz"
    assert (b.conversion, c.conversion) == ("resampled from 48,000 Hz", "")
    assert c.converted == c.path
    for file, size in ((a, 0.5), (b, 1), (c, 1), (d, 1)):
        wave = read_wave(file.converted, Audio())
        assert abs(len(wave) - 8_000) < 200
        inner = slice(500, 7_000)
        np.testing.assert_allclose(wave[inner], size * tone(16_000)[inner], atol=0.03)
    subset = as_subset(files)
    assert [subset.audio_path(i) for i in range(4)] == [file.converted for file in files]


def test_what_cannot_be_heard_is_named(tmp_path):
    (tmp_path / "text.wav").write_text("no audio at all, but text of some length")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    for name, code in (
        ("no.wav", "file.missing"),
        ("text.wav", "audio.damaged"),
        ("none.wav", "audio.empty"),
    ):
        with raises_code(code, name):
            convert_recordings([tmp_path / name], tmp_path)
