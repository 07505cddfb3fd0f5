"""Recorded noise and rooms: at the ratio that was drawn, from the folders that were named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.cards import table_cards
from bench.config import Config, read_config
from bench.errors import BenchError
from bench.models.augment import build_augmentation, noise
from bench.runner.requirements import missing_requirements
from bench.specs.augment.noise import RecordedNoise
from tests.errors import raises_code

SPEC = RecordedNoise(kind="noise")
RATE = 16_000
LEVELS = {"noise": 0.1, "speech": 0.2, "music": 0.3}


def put(path: Path, wave: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave.astype(np.float32), rate, subtype="FLOAT")


@pytest.fixture
def config(tmp_path) -> Config:
    """MUSAN of a constant for each kind, and a room that only delays by three samples."""
    for kind, level in LEVELS.items():
        put(tmp_path / "musan" / kind / "free" / f"{kind}.wav", np.full(4_000, level))
    room = np.zeros(50)
    room[3] = 0.5
    put(tmp_path / "rirs" / "small" / "Room001" / "a.wav", room)
    return Config(noise={"musan": tmp_path / "musan", "rirs": tmp_path / "rirs"})


@pytest.fixture
def wave() -> np.ndarray:
    return np.random.default_rng(5).normal(scale=0.1, size=6_000).astype(np.float32)


def snr_db(wave: np.ndarray, found: np.ndarray) -> float:
    added = found.astype(float) - wave
    return 10 * np.log10(np.square(wave, dtype=float).sum() / np.square(added).sum())


def test_noise_is_added_at_the_ratio_and_a_shorter_recording_is_repeated(config, wave):
    spec = SPEC.model_copy(update={"reverberation": 0.0})
    found = noise.find_recordings(config)
    ratios: dict[str, list[float]] = {"noise": [], "babble": []}
    for seed in range(200):
        heard = noise.add_recording(wave, spec, found, np.random.default_rng(seed))
        assert heard.shape == wave.shape
        assert heard.dtype == np.float32
        added = heard - wave
        # Constants are added: a sum of them is one. Babble is at 13 to 20 dB a voice.
        assert added.std() < 1e-3 * added.mean()
        speech = noise.KINDS[_kind(seed)] == "speech"
        ratios["babble" if speech else "noise"].append(snr_db(wave, heard))
    assert min(ratios["noise"]) >= -0.01
    assert max(ratios["noise"]) <= 15.01
    assert max(ratios["noise"]) - min(ratios["noise"]) > 12
    # Eight coherent voices at 13 dB are 18 dB louder than one; three at 20 dB 9.5 dB.
    assert 13 - 18.1 < min(ratios["babble"]) < max(ratios["babble"]) < 20 - 9.5


def _kind(seed: int) -> int:
    """Return the kind that the generator draws second."""
    rng = np.random.default_rng(seed)
    rng.random()
    return int(rng.integers(3))


def test_a_room_delays_and_keeps_length_and_energy(config, wave):
    spec = SPEC.model_copy(update={"reverberation": 1.0})
    heard = noise.add_recording(wave, spec, noise.find_recordings(config), np.random.default_rng(0))
    np.testing.assert_allclose(heard[3:], wave[:-3], atol=1e-6)
    np.testing.assert_allclose(heard[:3], 0, atol=1e-6)


def test_a_level_of_signal_to_noise_is_exact_and_silence_stays_silence(wave):
    added = noise.scale_noise(np.ones(6_000), wave, 7.0)
    assert snr_db(wave, wave + added) == pytest.approx(7.0, abs=1e-3)
    assert not noise.scale_noise(np.zeros(10), np.ones(10), 3.0).any()
    assert not noise.scale_noise(np.ones(10), np.zeros(10), 3.0).any()
    assert np.array_equal(noise.add_reverberation(wave, np.zeros(5)), wave)


def test_half_of_the_clips_are_touched_and_half_of_those_are_in_a_room(config, wave):
    change = build_augmentation(SPEC, config)
    same = rooms = 0
    for seed in range(400):
        heard = change(wave, rng=np.random.default_rng(seed))
        same += np.array_equal(heard, wave)
        rooms += bool(np.allclose(heard[3:], wave[:-3], atol=1e-6))
    assert 160 < same < 240
    assert 65 < rooms < 135


def test_the_same_generator_draws_the_same(config, wave):
    change = build_augmentation(SPEC.model_copy(update={"probability": 1.0}), config)
    one, two, other = (change(wave, rng=np.random.default_rng([1, 2, key])) for key in (3, 3, 4))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_what_is_missing_is_said_with_what_to_get(tmp_path, config):
    with pytest.raises(
        BenchError, match=r"noise\.musan is not configured: get MUSAN \(openslr.org/17\).*\[noise\]"
    ):
        build_augmentation(SPEC, Config())
    gone = dataclasses.replace(config, noise={**config.noise, "rirs": tmp_path / "gone"})
    with pytest.raises(BenchError, match=r"noise\.rirs: there is no folder .*gone: get RIRS_"):
        noise.find_recordings(gone)
    (tmp_path / "empty").mkdir()
    empty = dataclasses.replace(config, noise={**config.noise, "rirs": tmp_path / "empty"})
    with raises_code("augment.recordings-missing") as error:
        noise.find_recordings(empty)
    assert "empty" in str(error.value)
    run = table_cards.resolve_row(
        table_cards.read_table("table4"), "S3", "smoke", ["augment={kind='noise'}"]
    )
    assert sum("noise." in text for text in missing_requirements(run, Config(work=tmp_path))) == 2


def test_folders_are_named_by_file_or_environment(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text('[noise]\nmusan = "musan"\n', encoding="utf-8")
    found = read_config(path, {"BENCH_NOISE_RIRS": "/data/rirs"})
    assert found.noise == {"musan": tmp_path / "musan", "rirs": Path("/data/rirs")}


def test_a_range_that_ends_before_it_begins_is_a_mistake():
    with pytest.raises(ValueError, match=r"min_music_db = 20.0: should be at most max_music_db"):
        RecordedNoise(kind="noise", min_music_db=20.0)
