"""Headers against libsndfile's, truncation that libsndfile hides, and samples at 16 kHz."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import truncate, wav

from bench.corpora.audio import header, read_wave
from bench.errors import BenchError
from bench.specs.corpus import Audio

STRICT = Audio()
RESAMPLING = Audio(other_rates="resample")


def noise(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    wave = np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels))
    return wave[:, 0] if channels == 1 else wave


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16))


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(0, 3000),
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    channels=st.integers(1, 3),
    subtype=st.sampled_from(["PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW", "IMA_ADPCM"]),
    form=st.sampled_from(["WAV", "WAVEX", "RF64", "FLAC"]),
)
def test_headers_say_what_libsndfile_says(
    tmp_path_factory: pytest.TempPathFactory,
    samples: int,
    rate: int,
    channels: int,
    subtype: str,
    form: str,
):
    if not soundfile.check_format(form, subtype) or (form == "FLAC" and not samples):
        return
    if subtype == "IMA_ADPCM" and channels > 2:
        return
    path = tmp_path_factory.mktemp("audio") / "x.wav"
    soundfile.write(path, noise(samples, channels), rate, subtype=subtype, format=form)
    info = soundfile.info(str(path))
    found = header(path)
    assert found[:4] == (info.samplerate, info.channels, info.frames, 0)
    assert found.duration_s == info.frames / info.samplerate


@settings(max_examples=40, deadline=None)
@given(missing=st.integers(1, 3000))
def test_every_truncation_is_seen_and_refused(
    tmp_path_factory: pytest.TempPathFactory, missing: int
):
    path = tmp_path_factory.mktemp("audio") / "x.wav"
    wav(path, 0.1)
    truncate(path, missing)
    found = header(path)
    assert found.samples == 1600
    assert found.bytes_missing == missing
    assert soundfile.info(str(path)).frames < 1600  # what hides it
    with pytest.raises(BenchError, match=f"x.wav: is truncated: {missing:,} bytes.*again"):
        read_wave(path, STRICT)


def test_a_file_cut_in_its_header_is_refused(tmp_path: Path):
    path = tmp_path / "x.wav"
    wav(path, 0.1)
    truncate(path, 3200 + 10)
    with pytest.raises(BenchError, match=r"ends before its audio begins \(34 bytes\)"):
        header(path)


@pytest.mark.parametrize("length", [0x7FFF_F024, 0xFFFF_FFFF])
def test_a_streamed_file_ends_where_it_ends(tmp_path: Path, length: int):
    path = tmp_path / "x.wav"
    path.write_bytes(riff(FMT, b"data" + struct.pack("<I", length) + b"\1\0" * 50))
    assert header(path) == (16_000, 1, 50, 0, "WAV")


def test_other_chunks_before_the_audio_are_passed_over(tmp_path: Path):
    path = tmp_path / "x.wav"
    odd = chunk(b"LIST", b"x" * 5001)
    path.write_bytes(riff(odd, FMT, odd, chunk(b"data", b"\1\0" * 50), odd))
    assert header(path) == (16_000, 1, 50, 0, "WAV")
    assert len(read_wave(path, STRICT)) == 50


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty .0 bytes.: unpack or copy it again"),
        (b"not audio at all, but long enough for a header", "is no audio file"),
        (riff(chunk(b"data", b"\1\0")), "its header is broken"),
        (riff(FMT[:20] + b"\0\0" + FMT[22:], chunk(b"data", b"\1\0")), "its header is broken"),
        (riff(FMT), "ends before its audio begins"),
        (b"RIFF", "is no audio file"),
    ],
)
def test_broken_files_are_named_with_the_remedy(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=f"x.wav: {said}"):
        header(path)
    with pytest.raises(BenchError, match=f"x.wav: {said}"):
        read_wave(path, STRICT)


def test_an_absent_file_is_named(tmp_path: Path):
    with pytest.raises(BenchError, match=r"x\.wav: cannot be read: No such file"):
        read_wave(tmp_path / "x.wav", STRICT)


def test_stereo_is_refused(tmp_path: Path):
    wav(tmp_path / "x.wav", 0.1, channels=2)
    with pytest.raises(BenchError, match=r"x\.wav: has 2 channels, should have one"):
        read_wave(tmp_path / "x.wav", RESAMPLING)


def test_another_rate_is_refused_unless_the_card_resamples(tmp_path: Path):
    path = tmp_path / "x.wav"
    wav(path, 1.0, rate=44_100)
    with pytest.raises(BenchError, match=r"x\.wav: is at 44100 Hz, should be at 16000 Hz"):
        read_wave(path, STRICT)
    wave = read_wave(path, RESAMPLING)
    assert wave.dtype == np.float32
    assert wave.shape == (16_000,)
    # The tone of 440 Hz is still one, a wrong rate would move it.
    time_s = np.arange(16_000) / 16_000
    expected = 0.1 * np.sin(2 * np.pi * 440 * time_s)
    assert np.abs(wave - expected)[200:-200].max() < 1e-3
    assert np.array_equal(read_wave(path, RESAMPLING, 100, 900), wave[100:900])


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 1500), stop=st.none() | st.integers(0, 1500), seed=st.integers(0, 2**16)
)
def test_a_piece_is_the_slice_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, start: int, stop: int | None, seed: int
):
    path = tmp_path_factory.mktemp("audio") / "x.wav"
    wave = noise(1000, seed=seed)
    soundfile.write(path, wave, 16_000, subtype="FLOAT")
    piece = read_wave(path, STRICT, start, stop)
    assert piece.dtype == np.float32
    assert np.array_equal(piece, wave.astype(np.float32)[start:stop])


def test_a_truncated_flac_is_refused(tmp_path: Path):
    path = tmp_path / "x.flac"
    soundfile.write(path, noise(40_000), 16_000)
    truncate(path, path.stat().st_size // 2)
    with pytest.raises(BenchError, match=r"x\.flac: (cannot be decoded|ends \d+ samples early)"):
        read_wave(path, Audio(suffix=".flac"))


def test_real_recordings(shared: Path):
    """A real FLAC of ASVspoof 2019 LA with its published length, and LJ Speech at 22,050 Hz."""
    flac = shared / "protocols/asvspoof2019_la/audio/LA_T_1272637.flac"
    assert header(flac) == (16_000, 1, 46_392, 0, "FLAC")
    assert len(read_wave(flac, STRICT)) == 46_392
    lj = shared / "speech/ljspeech/LJ001-0002.wav"
    found = header(lj)
    info = soundfile.info(str(lj))
    assert found == (info.samplerate, info.channels, info.frames, 0, "WAV")
    wave = read_wave(lj, RESAMPLING)
    assert abs(len(wave) / 16_000 - found.duration_s) < 1 / 16_000
