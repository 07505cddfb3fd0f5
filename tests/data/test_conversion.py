"""Audio that lies in videos becomes FLAC, once: real videos, made here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lavdf_files import ROWS, write_list

from bench._io import packages
from bench.cards import corpus_cards
from bench.data.audio import read_header, read_samples
from bench.data.check import check_corpus
from bench.data.conversion import convert_corpus, decode_container
from bench.data.readers import find_reader
from tests.errors import raises_code

RATE = 16_000
LAVDF = corpus_cards.read_corpus_card("lavdf")


def silent(done: int, total: int) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """A second that a lossy codec can keep: a few tones and a little noise, 16 bits."""
    time_s = np.arange(RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220, 440, 1234))
    noise = np.random.default_rng(0).standard_normal(RATE)
    return np.rint(2_000 * tones + 200 * noise).astype(np.int16)


def write_video(
    path: Path, channels: list[np.ndarray], codec: str = "aac", start: int = 0, pictures: int = 25
) -> None:
    """Write a video of a grey picture with a track of sound that begins at sample `start`."""
    av = pytest.importorskip("av", reason="PyAV, of the extra `video`, is not installed")
    layout = {1: "mono", 2: "stereo"}[len(channels)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        if pictures:
            picture = file.add_stream("mpeg4", rate=25)
            picture.width = picture.height = 32
            picture.pix_fmt = "yuv420p"
        sound = file.add_stream(codec, rate=RATE, layout=layout)
        for number in range(pictures):
            grey = np.full((32, 32, 3), number, np.uint8)
            file.mux(picture.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        if pictures:
            file.mux(picture.encode(None))
        samples = np.stack(channels, axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))


@pytest.mark.parametrize(
    ("file", "codec"), [("x.m4a", "alac"), ("x.mkv", "flac"), ("x.mov", "pcm_s16le")]
)
def test_what_was_coded_without_loss_is_as_it_was(tmp_path, speech, file, codec):
    write_video(tmp_path / file, [speech], codec, pictures=0)
    wave, rate = decode_container(tmp_path / file)
    assert rate == RATE
    assert np.array_equal(wave, speech)
    write_video(tmp_path / file, [speech, speech // 2], codec, pictures=0)
    both, _ = decode_container(tmp_path / file)
    assert np.array_equal(both, np.rint((speech / 2**15 + (speech // 2) / 2**15) * 2**14))


def test_the_sound_of_a_video_is_where_it_was(tmp_path, speech):
    write_video(tmp_path / "x.mp4", [speech])
    wave, _ = decode_container(tmp_path / "x.mp4")
    # An AAC frame has 1,024 samples, and the last is filled up.
    assert RATE <= len(wave) < RATE + 1024
    assert np.corrcoef(wave[:RATE], speech)[0, 1] > 0.99
    write_video(tmp_path / "late.mp4", [speech], start=4000)
    late, _ = decode_container(tmp_path / "late.mp4")
    assert not late[: 4000 - 1024].any()
    assert np.corrcoef(late[4000 : 4000 + RATE], speech)[0, 1] > 0.99


@pytest.fixture
def lavdf(tmp_path, speech) -> Path:
    """LAV-DF as it is published: a list and videos."""
    root = tmp_path / "LAV-DF"
    for row in ROWS:
        write_video(root / row["file"], [speech])
    write_list(root)
    (root / "README.md").write_text("...")
    return root


def test_a_converted_corpus_is_read_as_any(tmp_path, lavdf, speech):
    with raises_code("audio.container", "`bench data convert`"):
        read_header(lavdf / "test/000000.mp4")
    found = check_corpus(LAVDF, lavdf, "test", silent).issues
    assert {issue.code for issue in found} == {"audio.damaged", "corpus.count"}
    done = convert_corpus(lavdf, tmp_path / "audio", 0, silent)
    assert done == (tmp_path / "audio", len(ROWS), 2)
    subset = find_reader(LAVDF)(LAVDF, tmp_path / "audio", "test", None)
    for row in range(len(subset)):
        path = subset.audio_path(row)
        info = soundfile.info(path)
        assert (path.suffix, info.subtype, info.channels) == (".flac", "PCM_16", 1)
        wave = read_samples(path)
        assert np.corrcoef(wave[:RATE], speech)[0, 1] > 0.99
    # AAC's last frame is filled up to 1.024 s, where the list has 1 s: labels may differ so far.
    found = check_corpus(LAVDF, tmp_path / "audio", "test", silent).issues
    assert {issue.code for issue in found} == {"corpus.count"}
    again = convert_corpus(lavdf, tmp_path / "again", 0, silent)
    for row in ROWS:
        name = row["file"].replace(".mp4", ".flac")
        assert (again.folder / name).read_bytes() == (done.folder / name).read_bytes()


def test_a_conversion_goes_on_where_it_was(tmp_path, lavdf):
    damaged = lavdf / "test/000002.mp4"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:200])
    with raises_code("audio.container", "1 of 5 videos could not be converted"):
        convert_corpus(lavdf, tmp_path / "audio", 0, silent)
    flacs = {path: path.stat().st_mtime_ns for path in (tmp_path / "audio").rglob("*.flac")}
    assert len(flacs) == 4
    damaged.write_bytes(whole)
    done: list[int] = []
    convert_corpus(lavdf, tmp_path / "audio", 0, lambda number, _: done.append(number))
    assert done == [1]
    assert all(path.stat().st_mtime_ns == at for path, at in flacs.items())
    assert (tmp_path / "audio/test/000002.flac").is_file()


def test_what_cannot_be_converted_is_said(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("a")
    with raises_code("file.missing", "holds no video"):
        convert_corpus(tmp_path, tmp_path.with_name("audio"), 0, silent)
    with raises_code("file.exists", "is within the corpus"):
        convert_corpus(tmp_path, tmp_path / "audio", 0, silent)
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    monkeypatch.setattr(packages, "is_installed", lambda package: package != "av")
    with raises_code("package.missing", r"speech-deepfake-bench[video]"):
        convert_corpus(tmp_path, tmp_path.with_name("audio"), 0, silent)
    assert not tmp_path.with_name("audio").exists()


def test_a_video_without_sound_is_said(tmp_path):
    av = pytest.importorskip("av", reason="PyAV, of the extra `video`, is not installed")
    with av.open(str(tmp_path / "x.mp4"), "w") as file:
        picture = file.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 32
        picture.pix_fmt = "yuv420p"
        file.mux(picture.encode(av.VideoFrame(32, 32, "yuv420p")))
        file.mux(picture.encode(None))
    with raises_code("audio.container", "has no audio track"):
        decode_container(tmp_path / "x.mp4")
