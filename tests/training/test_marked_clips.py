"""Clips with something marked or put in: breaths, and regions of other utterances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.config import Config
from bench.data.subset import Subset
from bench.specs.augment.mix_frame import MixFrame
from bench.specs.breath.ones import Ones
from bench.specs.breath.precomputed import Precomputed
from bench.specs.breath.zeros import Zeros
from bench.specs.corpus import Audio
from bench.training.clips import ClipReader, require_labels
from bench.training.data import TrainingClips, Utterances
from tests.errors import raises_code
from tests.training.data_settings import NONE, held_out, train

SPLICED = {"resolution_s": 0.02, "splice": MixFrame(kind="mix-frame"), "fill": "repeat"}


@pytest.fixture
def subset(tmp_path):
    """Four utterances of a level of their own: bona fide 0.1 and 0.2, spoof 0.3 and 0.4."""
    for i in range(4):
        wave = np.full(8000 + 100 * i, 0.1 * (i + 1), dtype=np.float32)
        soundfile.write(tmp_path / f"u{i}.wav", wave, 16_000, subtype="FLOAT")
    table = pd.DataFrame(
        {
            "utterance": [f"u{i}" for i in range(4)],
            "path": [f"u{i}.wav" for i in range(4)],
            "label": ["bonafide", "bonafide", "spoof", "spoof"],
            "speaker": "",
            "attack": "",
            "duration_s": np.nan,
        }
    )
    return Subset("c", "train", tmp_path, table, None)


def test_a_clip_holds_a_region_of_the_opposite_class_and_is_labelled_by_it(subset):
    data = train(1.0, **SPLICED)
    require_labels(subset, data)  # utterance labels are enough
    clips = TrainingClips(subset, data, Audio(), NONE, 3, Config())
    shares, injectors = [], {0: set(), 1: set(), 2: set(), 3: set()}
    for epoch in range(40):
        for index in range(4):
            clip = clips[epoch, index].clip
            levels = np.round(clip.waves.numpy() * 10).astype(int) - 1
            assert clip.spoof.shape == clip.valid.shape == (49,)
            assert clip.valid.all()
            centres = levels[200 + 320 * np.arange(49)]
            assert ((centres != index) == clip.spoof.numpy()).all()
            inside = levels[levels != index]
            (injector,) = set(inside)
            assert (injector < 2) != (index < 2)
            injectors[index].add(injector)
            shares.append(len(inside) / len(levels))
            edges = np.flatnonzero(np.diff(levels != index))
            assert len(edges) <= 2  # one region
    assert all(len(found) == 2 for found in injectors.values())  # drawn from the whole class
    assert 0.10 <= min(shares) <= 0.12
    assert 0.28 <= max(shares) <= 0.30


def test_labels_of_held_out_splices_are_those_of_their_audio(subset):
    data = held_out(clip_s=1.0, **SPLICED)
    utterances = Utterances(subset, data, Audio(), 640.0, Config())
    for number in range(len(utterances)):
        indices, batch, _ = utterances[number]
        for index, spoof in zip(indices, batch.spoof.numpy(), strict=True):
            assert (spoof == utterances.labels[index]).all()
            assert 0 < spoof.sum() < len(spoof)
    again = Utterances(subset, data, Audio(), 640.0, Config())
    assert all(np.array_equal(*pair) for pair in zip(utterances.labels, again.labels, strict=True))


def test_one_class_alone_has_no_opposite(subset):
    one = Subset("c", "train", subset.root, subset.table.iloc[:2], None)
    with raises_code("training.one-class"):
        ClipReader(one, train(1.0, **SPLICED), Audio(), NONE, Config())


def test_marks_go_with_the_part_of_the_utterance_that_is_heard(subset, tmp_path):
    """A breath from 0.25 s on: heard twice where the clip repeats, and moved by a random crop."""
    table = tmp_path / "breaths.csv"
    lines = [f"u{i},0.25,0.40\n" for i in range(4)]
    table.write_text("utterance,start_s,end_s\n" + "".join(lines))
    config = Config(work=tmp_path / "work", weights={"mine": table})
    said = Precomputed(kind="precomputed", intervals="mine")
    centres = 200 + 320 * np.arange(49)
    repeated = TrainingClips(
        subset, train(1.0, breath=said, fill="repeat"), Audio(), NONE, 3, config
    )
    place = centres % 8000
    expected = (place >= 4000) & (place < 6400)
    assert (repeated[0, 0].clip.breath_mask.numpy() == expected).all()
    padded = TrainingClips(subset, train(1.0, breath=said), Audio(), NONE, 3, config)
    assert (padded[0, 0].clip.breath_mask.numpy() == (centres >= 4000) & (centres < 6400)).all()
    cut = TrainingClips(subset, train(0.2, breath=said), Audio(), NONE, 3, config)
    counts = {int(cut[epoch, 0].clip.breath_mask.sum()) for epoch in range(30)}
    assert len(counts) > 3
    first = ClipReader(subset, held_out(clip_s=0.3, breath=said), Audio(), NONE, config)
    marks = first.read_clip(0, [0], "first").breath_mask
    assert (marks == (centres[: len(marks)] >= 4000)).all()


def test_without_a_detector_nothing_is_marked(subset):
    for data in (train(1.0), train(1.0, breath=Zeros(kind="zeros"))):
        assert not TrainingClips(subset, data, Audio(), NONE, 3, Config())[
            0, 0
        ].clip.breath_mask.any()
    whole = held_out(breath=Ones(kind="ones"))
    utterances = Utterances(subset, whole, Audio(), 640.0, Config())
    _, batch, _ = utterances[0]
    assert batch.breath_mask.all()
    assert batch.breath_mask.shape[1] == (batch.waves.shape[1] - 400) // 320 + 1
