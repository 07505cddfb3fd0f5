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

from bench.data.audio import Header, read_header, read_samples, read_wave, require_whole
from bench.errors import BenchError
from bench.specs.corpus import Audio
from tests.errors import raises_code

STRICT = Audio()
RESAMPLING = Audio(other_rates="resample")


def noise(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    wave = np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels))
    return wave[:, 0] if channels == 1 else wave


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def fmt(code: int = 1, channels: int = 1, block: int = 2, bits: int = 16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, 16_000, 32_000, block, bits))


FMT = fmt()


def flac(path: Path, samples: int = 40_000) -> bytes:
    """Write a FLAC file and return what it holds."""
    soundfile.write(path, noise(samples), 16_000)
    return path.read_bytes()


def without_length(content: bytes) -> bytes:
    """Return a FLAC file whose STREAMINFO says 0 samples, as ffmpeg leaves it in a pipe."""
    assert content[:8] == b"fLaC\0\0\0\x22"  # STREAMINFO comes first, 34 bytes long
    return content[:21] + bytes([content[21] & 0xF0]) + bytes(4) + content[26:]


def first_frame(content: bytes) -> int:
    """Return where a FLAC file's audio begins."""
    at, last = 4, False
    while not last:
        last = bool(content[at] & 0x80)
        at += 4 + int.from_bytes(content[at + 1 : at + 4], "big")
    return at


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
    found = read_header(path)
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
    found = read_header(path)
    assert found.samples == 1600
    assert found.bytes_missing == missing
    assert soundfile.info(str(path)).frames < 1600  # what hides it
    with raises_code("audio.truncated", "x.wav: ", f"{missing:,} bytes"):
        read_wave(path, STRICT)


def test_a_file_cut_in_its_header_is_refused(tmp_path: Path):
    path = tmp_path / "x.wav"
    wav(path, 0.1)
    truncate(path, 3200 + 10)
    with raises_code("audio.truncated", "34 bytes"):
        read_header(path)


@pytest.mark.parametrize("length", [0x7FFF_F024, 0xFFFF_FFFF])
def test_a_streamed_file_ends_where_it_ends(tmp_path: Path, length: int):
    path = tmp_path / "x.wav"
    path.write_bytes(riff(FMT, b"data" + struct.pack("<I", length) + b"\1\0" * 50))
    assert read_header(path) == (16_000, 1, 50, 0, "WAV")


def test_other_chunks_before_the_audio_are_passed_over(tmp_path: Path):
    path = tmp_path / "x.wav"
    odd = chunk(b"LIST", b"x" * 5001)
    path.write_bytes(riff(odd, FMT, odd, chunk(b"data", b"\1\0" * 50), odd))
    assert read_header(path) == (16_000, 1, 50, 0, "WAV")
    assert len(read_wave(path, STRICT)) == 50


def test_broken_files_are_named_with_the_remedy(tmp_path: Path, subtests: pytest.Subtests):
    cases = [
        (b"", "audio.empty"),
        (b"not audio at all, but long enough for a header", "audio.damaged"),
        (riff(chunk(b"data", b"\1\0")), "audio.damaged"),
        (riff(FMT[:20] + b"\0\0" + FMT[22:], chunk(b"data", b"\1\0")), "audio.damaged"),
        (riff(FMT), "audio.truncated"),
        (b"RIFF", "audio.damaged"),
    ]
    for content, code in cases:
        with subtests.test(content=content, code=code):
            path = tmp_path / "x.wav"
            path.write_bytes(content)
            with raises_code(code, "x.wav: ", "unpack or copy it again"):
                read_header(path)
            with raises_code(code, "x.wav: ", "unpack or copy it again"):
                read_wave(path, STRICT)


def test_an_absent_file_is_named(tmp_path: Path):
    with raises_code("file.unreadable", "x.wav: "):
        read_wave(tmp_path / "x.wav", STRICT)


def test_stereo_is_refused(tmp_path: Path):
    wav(tmp_path / "x.wav", 0.1, channels=2)
    with raises_code("audio.channels", "x.wav: has 2 channels"):
        read_wave(tmp_path / "x.wav", RESAMPLING)


def test_another_rate_is_refused_unless_the_card_resamples(tmp_path: Path):
    path = tmp_path / "x.wav"
    wav(path, 1.0, rate=44_100)
    with raises_code("audio.sample-rate", "x.wav: ", "44100 Hz", "16000 Hz"):
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


def test_truncation_is_seen_whatever_a_wav_file_holds(tmp_path: Path, subtests: pytest.Subtests):
    cases = [
        ("RF64", "PCM_16", 1),
        ("WAV", "ULAW", 2),
        ("WAV", "IMA_ADPCM", 1),
        ("WAVEX", "FLOAT", 1),
    ]
    for form, subtype, channels in cases:
        with subtests.test(subtype=subtype):
            path = tmp_path / "x.wav"
            soundfile.write(path, noise(4000, channels), 16_000, subtype=subtype, format=form)
            assert read_header(path).bytes_missing == 0
            require_whole(path)
            samples = read_header(path).samples
            truncate(path, 1000)
            found = read_header(path)
            assert found.bytes_missing == 1000
            assert found.samples == samples or subtype == "IMA_ADPCM"
            with raises_code("audio.truncated", "x.wav: ", "1,000 bytes"):
                require_whole(path)


def test_a_block_align_that_is_not_the_formats_is_refused(
    tmp_path: Path, subtests: pytest.Subtests
):
    """libsndfile believes it, and reads half of the audio where it is twice what it should be."""
    cases = [
        ({"block": 4}, 2),
        ({"block": 1}, 2),
        ({"block": 2, "channels": 2}, 4),
        ({"block": 2, "bits": 24}, 3),
        ({"block": 2, "code": 3, "bits": 32}, 4),
        ({"block": 2, "code": 6, "bits": 8}, 1),
        ({"block": 4, "code": 0xFFFE}, 2),
    ]
    for layout, right in cases:
        with subtests.test(layout=layout):
            path = tmp_path / "x.wav"
            path.write_bytes(riff(fmt(**layout), chunk(b"data", b"\1\0" * 50)))
            with raises_code("audio.damaged", "x.wav: ", f" take {right} bytes"):
                read_header(path)
            with raises_code("audio.damaged", "x.wav: ", f" take {right} bytes"):
                read_wave(path, STRICT)


def test_a_flac_that_does_not_say_its_length_is_refused(tmp_path: Path):
    path = tmp_path / "x.flac"
    path.write_bytes(without_length(flac(path)))
    assert soundfile.info(str(path)).frames > 2**62  # what it would be taken for
    for read in (read_header, lambda path: read_wave(path, STRICT)):
        with raises_code("audio.length-unknown", "x.flac: ", "`ffmpeg -i"):
            read(path)


def test_a_flac_without_its_end_is_found_without_decoding_it(
    tmp_path: Path, subtests: pytest.Subtests
):
    cases = [
        lambda whole, _: whole[: len(whole) // 10],
        lambda whole, _: whole[: len(whole) // 2],
        lambda whole, _: whole[:-1],
        lambda whole, _: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
        lambda whole, _: whole[:-100] + bytes(100),
        lambda whole, first: whole[:first],
        lambda whole, first: whole[:42],
        lambda whole, first: whole[:first] + bytes(len(whole) - first),
    ]
    for number, damage in enumerate(cases):
        with subtests.test(number=number):
            path = tmp_path / "x.flac"
            whole = flac(path)
            require_whole(path)
            path.write_bytes(damage(whole, first_frame(whole)))
            found = read_header(path)
            assert found.samples == 40_000  # by the header, all is well
            for read in (require_whole, read_samples):
                with pytest.raises(
                    BenchError, match=r"x\.flac: (cannot be decoded|ends \d+ samples early)"
                ):
                    read(path)
            with pytest.raises(
                BenchError, match=r"x\.flac: (cannot be decoded|ends \d+ samples early)"
            ):
                read_wave(path, STRICT)


def test_a_hole_in_a_flac_is_found_by_decoding(tmp_path: Path):
    path = tmp_path / "x.flac"
    whole = flac(path)
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(5000) + whole[middle + 5000 :])
    require_whole(path)
    with raises_code("audio.damaged", "x.flac: "):
        read_samples(path)


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), start=st.integers(0, 5999))
def test_no_wrong_sample_comes_out_of_a_damaged_flac(
    tmp_path_factory: pytest.TempPathFactory, at: float, bit: int, start: int
):
    """libFLAC checks a sum of each frame: what is read is right, or it is an error."""
    path = tmp_path_factory.mktemp("audio") / "x.flac"
    whole = bytearray(flac(path, 6000))
    right = read_wave(path, STRICT)
    first = first_frame(bytes(whole))
    whole[first + int(at * (len(whole) - first))] ^= 1 << bit
    path.write_bytes(whole)
    with pytest.raises(BenchError, match=r"x\.flac: "):
        read_wave(path, STRICT)
    try:
        piece = read_wave(path, STRICT, start, start + 500)
    except BenchError:
        return
    assert np.array_equal(piece, right[start : start + 500])


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3", "AIFF"])
def test_sound_files_of_other_formats_pass(tmp_path: Path, form: str):
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(20_000), 16_000, format=form)
    found = read_header(path)
    assert found.format == form
    require_whole(path)
    assert len(read_wave(path, STRICT)) == found.samples


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused_with_their_place(tmp_path: Path, value: float):
    path = tmp_path / "x.wav"
    wave = noise(1000)
    wave[700:703] = value
    soundfile.write(path, wave, 16_000, subtype="FLOAT")
    with raises_code("audio.not-finite", "x.wav: 3 of 1,000 samples", "sample 700"):
        read_wave(path, STRICT)
    with raises_code("audio.not-finite", "2 of 99 samples", "sample 701"):
        read_wave(path, STRICT, 701, 800)
    assert len(read_wave(path, STRICT, 0, 700)) == 700


@pytest.mark.parametrize("sign", [1, -1])
def test_audio_far_above_full_scale_is_refused_and_slight_overs_are_not(tmp_path: Path, sign: int):
    path = tmp_path / "x.wav"
    wave = noise(1000)
    wave[3] = sign * 9.5
    soundfile.write(path, wave, 16_000, subtype="FLOAT")
    assert np.array_equal(read_wave(path, STRICT), wave.astype(np.float32))
    wave[3] = sign * 10.5
    soundfile.write(path, wave, 16_000, subtype="FLOAT")
    with raises_code("audio.too-loud", "x.wav: reaches 10 "):
        read_wave(path, STRICT)
    soundfile.write(path, sign * np.round(32_000 * wave / 21), 16_000, subtype="FLOAT")
    with raises_code("audio.too-loud", "reaches 16,000 ", "divide them by 32,768"):
        read_wave(path, STRICT)


def test_several_channels_are_read_as_they_are(tmp_path: Path):
    path = tmp_path / "x.wav"
    wave = noise(100, channels=2).astype(np.float32)
    soundfile.write(path, wave, 16_000, subtype="FLOAT")
    assert read_header(path) == Header(16_000, 2, 100, 0, "WAV")
    assert np.array_equal(read_samples(path, 10), wave[10:])


def test_a_real_flac_has_its_published_length(official: Path):
    flac = official / "asvspoof2019_la/audio/LA_T_1272637.flac"
    assert read_header(flac) == (16_000, 1, 46_392, 0, "FLAC")
    assert len(read_wave(flac, STRICT)) == 46_392


def test_a_real_recording_at_another_rate(shared: Path):
    lj = shared / "speech/ljspeech/LJ001-0002.wav"
    found = read_header(lj)
    info = soundfile.info(str(lj))
    assert found == (info.samplerate, info.channels, info.frames, 0, "WAV")
    wave = read_wave(lj, RESAMPLING)
    assert abs(len(wave) / 16_000 - found.duration_s) < 1 / 16_000


def test_no_real_recording_is_called_damaged(shared: Path):
    """Human and synthetic speech from many sources, of many rates and formats."""
    paths = [p for p in (shared / "speech").rglob("*") if p.suffix in (".wav", ".flac")]
    assert paths
    for path in paths:
        found = read_header(path)
        require_whole(path)
        assert len(read_samples(path)) == found.samples
