"""Clips: cut, filled up and labelled as the settings say, sample by sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bench.config import Config
from bench.data.audio import read_wave
from bench.data.subset import FrameVectors, Subset
from bench.errors import BenchError
from bench.models.segment_positions import IGNORED
from bench.specs.base import Absent
from bench.specs.corpus import Audio
from bench.training.clips import ClipReader, read_attack_types, require_labels
from bench.training.data import EpochSampler, LengthBatches, TrainingClips, Utterances
from bench.units import count_hops
from tests.errors import raises_code
from tests.training.data_settings import held_out, train
from tests.training.wave_subset import write_subset

FRAME = 320
WAVE = (np.arange(1, 20_001) % 30_000).astype(np.int16)
"""No two samples of it are equal, so that each tells its place."""


@pytest.fixture
def subset(tmp_path: Path):
    """Return a subset of utterances of so many samples, spoof and bona fide in turn."""

    def make(*lengths: int, spoof_frames: dict[int, list[int]] | None = None) -> Subset:
        timing = None
        if spoof_frames is not None:
            vectors = {f"u{i}": np.array(labels, dtype=bool) for i, labels in spoof_frames.items()}
            timing = FrameVectors(0.02, vectors)
        return write_subset(tmp_path, [WAVE[:length] for length in lengths], timing)

    return make


def places(wave: np.ndarray) -> list[int]:
    """Return the place each sample is from; 0 for padding."""
    return np.round(wave * 32768).astype(int).tolist()


def training_clips(subset: Subset, data) -> TrainingClips:
    return TrainingClips(subset, data, Audio(), Absent(kind="none"), 3, Config())


def clip(subset: Subset, data, epoch: int = 0, index: int = 0):
    return training_clips(subset, data)[epoch, index].clip


def test_a_short_utterance_is_repeated_or_followed_by_zeros(subset):
    short = subset(700, 700)
    repeated = clip(short, train(0.1, fill="repeat"))
    assert places(repeated.waves.numpy()) == [1 + i % 700 for i in range(1600)]
    padded = clip(short, train(0.1))
    assert places(padded.waves.numpy()) == [*range(1, 701), *[0] * 900]
    for found in (repeated, padded):
        assert found.spoof.tolist() == [True]
        assert found.valid.tolist() == [True]
    assert clip(short, train(0.1), index=1).spoof.tolist() == [False]


def test_the_first_crop_is_the_start_and_a_random_one_any_part(subset):
    long = subset(9000)
    firsts = [clip(long, train(0.1, crop="first"), epoch).waves for epoch in range(3)]
    assert all(places(wave.numpy()) == list(range(1, 1601)) for wave in firsts)
    starts = set()
    for epoch in range(20):
        found = places(clip(long, train(0.1), epoch).waves.numpy())
        assert found == list(range(found[0], found[0] + 1600))
        starts.add(found[0])
    assert len(starts) > 10
    assert 1 <= min(starts) <= max(starts) <= 9000 - 1600 + 1
    again = clip(long, train(0.1), 19).waves
    assert places(again.numpy()) == found


def test_a_clip_may_have_any_whole_number_of_samples(subset):
    found = clip(subset(20_000), train(64_600 / 16_000, fill="repeat"))
    assert found.waves.shape == (64_600,)


def test_frame_labels_are_repeated_with_their_audio(subset):
    labels = [0, 1, 1]
    # Two samples short of three frames: brought to whole frames first, so that labels stay true.
    frames = subset(3 * FRAME - 2, spoof_frames={0: labels})
    repeated = clip(frames, train(0.16, fill="repeat", resolution_s=0.02))
    once = [*range(1, 3 * FRAME - 1), 0, 0]
    assert places(repeated.waves.numpy()) == [once[i % len(once)] for i in range(8 * FRAME)]
    assert repeated.spoof.tolist() == [bool(labels[i % 3]) for i in range(8)]
    assert repeated.valid.all()
    padded = clip(frames, train(0.16, resolution_s=0.02))
    assert places(padded.waves.numpy()) == [*once, *[0] * 5 * FRAME]
    assert padded.spoof.tolist() == [False, True, True, *[False] * 5]
    assert padded.valid.tolist() == [True] * 3 + [False] * 5


def test_whole_utterances_are_grouped_by_length_to_20_ms(subset):
    utterances = Utterances(subset(1000, 1100, 1300, 1280), held_out(), Audio(), 640.0, Config())
    batches = [utterances[i] for i in range(len(utterances))]
    assert [batch.indices for batch in batches] == [[0, 1, 3], [2]]
    assert [batch.batch.waves.shape for batch in batches] == [(3, 1280), (1, 1600)]
    assert places(batches[0].batch.waves[0].numpy()) == [*range(1, 1001), *[0] * 280]
    assert batches[0].durations_s == [1000 / 16_000, 1100 / 16_000, 1280 / 16_000]
    assert batches[0].batch.spoof.tolist() == [[True], [False], [False]]
    assert [labels.tolist() for labels in utterances.labels] == [[True], [False], [True], [False]]


@pytest.mark.parametrize("fill", ["zeros", "repeat"])
def test_held_out_clips_are_the_first_of_each_utterance_in_one_batch(subset, fill):
    data = held_out(clip_s=0.1, fill=fill)
    utterances = Utterances(subset(1000, 9000, 1600), data, Audio(), 640.0, Config())
    (indices, batch, heard_s), *others = [utterances[i] for i in range(len(utterances))]
    assert not others
    assert indices == [0, 1, 2]
    assert heard_s == [1000 / 16_000, 9000 / 16_000, 0.1]
    rest = [*range(1, 601)] if fill == "repeat" else [0] * 600
    assert places(batch.waves[0].numpy()) == [*range(1, 1001), *rest]
    assert places(batch.waves[1].numpy()) == list(range(1, 1601))


def test_frames_of_a_held_out_clip_are_scored_once_each(subset):
    frames = subset(2 * FRAME, 9 * FRAME, spoof_frames={0: [0, 1], 1: [1] * 4 + [0] * 5})
    data = held_out(clip_s=0.1, fill="repeat", resolution_s=0.02)
    utterances = Utterances(frames, data, Audio(), 640.0, Config())
    assert [labels.tolist() for labels in utterances.labels] == [
        [False, True],
        [True] * 4 + [False],
    ]
    assert utterances[0].batch.spoof[0].tolist() == [False, True, False, True, False]


def test_kinds_are_read_off_the_attacks_types(subset):
    five = subset(*[FRAME] * 6)
    assert read_attack_types(five).tolist() == [IGNORED, 0] * 3
    five.table["attack_type"] = pd.Categorical(["TTS", "", "VC", "", "TTS+VC", ""])
    assert read_attack_types(five).tolist() == [1, 0, 2, 0, 2, 0]
    five.table["attack_type"] = pd.Categorical(["TTS", "", "", "", "VC", ""])
    assert read_attack_types(five).tolist() == [1, 0, IGNORED, 0, 2, 0]
    assert clip(five, train(0.1), index=4).attack_type.item() == 2
    batch = Utterances(five, held_out(), Audio(), 640.0, Config())[0].batch
    assert batch.attack_type.tolist() == [1, 0, IGNORED, 0, 2, 0]


def test_frames_are_not_made_up_where_only_utterances_are_labelled(subset):
    with raises_code("training.resolution") as error:
        require_labels(subset(FRAME), held_out(resolution_s=0.02))
    assert "c train" in str(error.value)
    require_labels(subset(FRAME, FRAME), held_out())


def test_a_file_without_a_sample_is_refused(subset):
    source = ClipReader(
        subset(0), train(0.1, fill="repeat"), Audio(), Absent(kind="none"), Config()
    )
    with pytest.raises(BenchError, match=r"u0.wav: holds no audio"):
        source.read_clip(0, [0], "first")


def test_utterances_of_one_class_cannot_be_told_apart(subset):
    with raises_code("training.one-class") as error:
        require_labels(subset(400), train(0.1))
    assert "c train" in str(error.value)
    require_labels(subset(400, 400), train(0.1))


@pytest.mark.parametrize(
    ("ending", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", None)]
)
def test_a_clip_is_read_with_one_open_of_its_file(subset, monkeypatch, ending, subtype):
    from bench._io import packed_files

    one = subset(9000)
    path = one.root / f"u0.{ending}"
    soundfile.write(path, WAVE[:9000] / 32_768, 16_000, subtype=subtype)
    one.table["path"] = path.name
    opened: list[object] = []
    decode, open_file = soundfile.SoundFile, packed_files.open_file
    monkeypatch.setattr(
        packed_files, "open_file", lambda path: (opened.append(path), open_file(path))[1]
    )
    monkeypatch.setattr(
        soundfile,
        "SoundFile",
        # By a descriptor that is open, it opens nothing itself.
        lambda source, **options: (
            opened.append(source) if not isinstance(source, int) else None,
            decode(source, **options),
        )[1],
    )
    clip(one, train(0.1, crop="random"))
    assert opened == [path]


def test_samples_of_16_bits_are_those_of_libsndfile(subset):
    two = subset(9000, 5000)
    for index in (0, 1):
        path = two.audio_path(index)
        expected, _ = soundfile.read(path, dtype="float32")
        np.testing.assert_array_equal(read_wave(path, Audio()), expected)
        np.testing.assert_array_equal(read_wave(path, Audio(), 700, 4321), expected[700:4321])


def test_whole_utterances_are_trained_on_in_steps_of_nearly_one_length_with_masked_padding(subset):
    labels = {0: [0, 1, 1], 1: [1], 2: [0, 0, 1, 0, 1], 3: [0] * 4}
    frames = subset(*(len(marks) * FRAME for marks in labels.values()), spoof_frames=labels)
    clips = training_clips(frames, train(None, resolution_s=0.02))
    lengths = clips.read_lengths()
    assert lengths is not None
    assert lengths.tolist() == [3 * FRAME, FRAME, 5 * FRAME, 4 * FRAME]
    assert training_clips(frames, train(0.1)).read_lengths() is None
    batch = clips.collate_clips([clips[0, 1], clips[0, 0]]).batch
    assert places(batch.waves[0].numpy()) == [*range(1, FRAME + 1), *[0] * 2 * FRAME]
    assert places(batch.waves[1].numpy()) == list(range(1, 3 * FRAME + 1))
    assert batch.spoof.tolist() == [[True, False, False], [False, True, True]]
    assert batch.valid.tolist() == [[True, False, False], [True, True, True]]
    assert batch.breath_mask.shape == (2, count_hops(3 * FRAME))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 8), st.integers(0, 5))
def test_an_epoch_of_whole_utterances_has_each_once_and_neighbours_in_length_together(
    lengths, size, epoch
):
    sampler = EpochSampler(len(lengths), 7, batches=LengthBatches(np.array(lengths), size))
    sampler.epoch = epoch
    drawn = [index for _, index in sampler]
    assert sorted(drawn) == list(range(len(lengths)))
    whole = len(drawn) // size * size
    steps = [
        sorted(lengths[index] for index in drawn[start : start + size])
        for start in range(0, whole, size)
    ]
    # In the order of their length, no step overlaps the next one.
    assert [length for step in sorted(steps) for length in step] == sorted(
        lengths[index] for index in drawn[:whole]
    )
