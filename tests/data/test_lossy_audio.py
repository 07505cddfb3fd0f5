"""MP3 and Opus: corpora have them, and their decoders remember what came before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from layouts import write_lines

from bench.data.audio import open_audio, read_samples, read_wave
from bench.data.check import check_corpus
from bench.data.readers import find_reader
from bench.specs.corpus import CorpusCard


@pytest.mark.parametrize(
    ("form", "kind", "rate"),
    [("MP3", "MPEG_LAYER_III", 16_000), ("MP3", "MPEG_LAYER_III", 24_000), ("OGG", "OPUS", 16_000)],
)
def test_a_piece_of_lossy_audio_is_that_of_the_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str, kind: str, rate: int
):
    """Their decoders give other samples from the middle of a file on than from its start."""
    path = tmp_path / "x.wav"
    wave = 0.2 * np.sin(np.arange(3 * rate) / 8) + np.random.default_rng(0).uniform(
        -0.1, 0.1, 3 * rate
    )
    soundfile.write(path, wave, rate, kind, format=form)
    whole = read_samples(path)
    assert np.corrcoef(whole[: len(wave)], wave)[0, 1] > 0.9
    for start in (1, 1152, 20_000, 30_001):
        assert np.array_equal(read_samples(path, start, start + 4000), whole[start : start + 4000])
    with open_audio(path) as opened:
        opened.require_whole()
        for start in (20_000, 5_000):
            piece = opened.read_samples(start, start + 4000)
            assert np.array_equal(piece, whole[start : start + 4000])
    assert capfd.readouterr().err == ""


def test_a_corpus_of_mp3_is_read_as_any(tmp_path: Path):
    """By a list as Deepfake-Eval-2024's; at 24 kHz, resampled."""
    protocol: dict[str, object] = {
        "file": "all.csv",
        "separator": "comma",
        "columns": "utterance label",
    }
    labels = {"Real": "bonafide", "Fake": "spoof"}
    write_lines(tmp_path / "all.csv", ["a.mp3,Real", "b.mp3,Fake"])
    time_s = np.arange(24_000) / 24_000
    waves = {"a": 0.2 * np.sin(2 * np.pi * 300 * time_s), "b": 0.3 * np.sin(440 * time_s)}
    for name, wave in waves.items():
        soundfile.write(tmp_path / f"{name}.mp3", wave, 24_000, format="MP3")
    audio = {"suffix": ".mp3", "other_rates": "resample"}
    texts = dict.fromkeys(("name", "short", "story", "citation", "licence", "page", "place"), "x")
    head = {"key": "mine", "reader": "protocol", "task": "detection", "splits": {"eval": {}}}
    protocol |= {"labels": labels, "audio": "{utterance}"}
    card = CorpusCard.model_validate({**head, **texts, "protocol": protocol, "audio": audio})
    subset = find_reader(card)(card, tmp_path, "eval", None)
    assert subset.table["path"].tolist() == ["a.mp3", "b.mp3"]
    found = check_corpus(card, tmp_path, "eval", lambda *_: None, decode=0).issues
    assert {issue.code for issue in found} == {"audio.sample-rate"}
    whole = read_wave(subset.audio_path(0), card.audio)
    assert len(whole) == 16_000
    tone = 0.2 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)
    assert np.corrcoef(whole, tone)[0, 1] > 0.99
    assert np.array_equal(read_wave(subset.audio_path(0), card.audio, 5000, 9000), whole[5000:9000])
