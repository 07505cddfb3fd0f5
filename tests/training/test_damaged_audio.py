"""Audio that cannot be what it should: a run names the file, and keeps nothing that it spoiled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from bench.cards.corpus_cards import read_corpus_card
from bench.config import Config
from bench.data.audio import read_wave
from bench.errors import BenchError
from bench.training import engine, file_names
from bench.training.callbacks import SilentCallback
from bench.training.row import DatasetCache, RowData, train_and_score
from bench.training.scoring import build_utterances, score_utterances
from tests.errors import raises_code

AUDIO = read_corpus_card("asvspoof2019la").audio
SPLITS = ("train", "dev", "eval")


@pytest.fixture
def own(config: Config, miniatures: Path, tmp_path: Path) -> Config:
    """The machine with a 2019 LA of its own, to be damaged."""
    work = tmp_path / "own"
    for source in (miniatures / "mini" / "asvspoof2019la").rglob("*"):
        target = work / source.relative_to(miniatures)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.symlink_to(source)
    return dataclasses.replace(config, work=work)


def files(data: RowData, split: str) -> list[Path]:
    """The audio files of a split."""
    loaded = {"train": data.train, "dev": data.dev, "eval": data.evaluate["asvspoof2019la"]}[split]
    return [loaded.subset.audio_path(row) for row in range(len(loaded.subset))]


def damage(path: Path, how: str) -> None:
    """Put a damaged file in a file's place, as long as it was by its header."""
    wave = read_wave(path, AUDIO)
    whole = path.read_bytes()
    path.unlink()
    middle = len(whole) // 2
    match how:
        case "no number":
            # All of it: a clip of training may be any part.
            soundfile.write(path, np.full_like(wave, np.nan), 16_000, "FLOAT", format="WAV")
        case "16-bit numbers":
            soundfile.write(path, 32_768 * wave, 16_000, "FLOAT", format="WAV")
        case "cut short":
            path.write_bytes(whole[:middle])
        case _:
            path.write_bytes(whole[: middle // 2] + bytes(middle) + whole[-(middle // 2) :])


@pytest.mark.parametrize("split", SPLITS)
def test_a_file_that_is_cut_short_is_named_before_anything_is_trained(detection, own, split):
    run = detection("training.epochs=1")
    victim = files(DatasetCache(own).load_row(run), split)[3]
    damage(victim, "cut short")
    with pytest.raises(BenchError, match=rf"1 of \d+ audio files cannot be used.*{victim}: cannot"):
        DatasetCache(own).load_row(run)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no number", "samples are not finite numbers"),
        ("16-bit numbers", r"reaches [\d,]+ where full scale is 1"),
        ("a hole", "cannot be decoded"),
    ],
)
def test_what_only_decoding_shows_stops_the_run_with_the_files_name(
    detection, own, tmp_path, split, how, said
):
    run = detection("training.epochs=1")
    victim = files(DatasetCache(own).load_row(run), split)[3]
    damage(victim, how)
    data = DatasetCache(own).load_row(run)  # by header and last sample, all is well
    fabric, place = engine.make_fabric(own, "fp32"), tmp_path / "run"
    with pytest.raises(BenchError, match=rf"{victim}: .*{said}"):
        train_and_score(fabric, run, 7, data, place, own, SilentCallback())
    kept = {path.name for path in place.rglob("*") if path.is_file()}
    if split == "eval":
        assert file_names.BEST_CHECKPOINT in kept
        assert not any(name.endswith(".parquet") for name in kept)
    else:
        assert kept == set()


def test_scores_that_are_not_finite_name_the_file_that_they_are_of(detection, config):
    run = detection()
    subset = DatasetCache(config).load_row(run).dev.subset
    fabric = engine.make_fabric(config, "fp32")
    share = build_utterances(fabric, subset, run.dev, AUDIO, config)
    system = engine.build_system(run, 7, config)
    whole = len(score_utterances(fabric, system, share, 0))
    assert whole == len(subset)
    with torch.no_grad():
        next(iter(system.parameters())).fill_(torch.nan)
    with raises_code("training.not-finite") as error:
        score_utterances(fabric, system, share, 0)
    assert str(subset.audio_path(0)) in str(error.value)
