"""Noise that is added on the device is the noise that a clip gets on the host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.config import Config
from bench.data.subset import Subset
from bench.specs.augment.mix_frame import MixFrame
from bench.specs.augment.rawboost import RawBoost
from bench.specs.corpus import Audio
from bench.training.data import TrainingClips
from tests.training.data_settings import train
from tests.training.runs import Log, all_scores, require_equal, run_to_end
from tests.training.wave_subset import write_subset

HOST, DEVICE = Config(), Config(augment_on="device")
LENGTHS = (3000, 9000, 16_000, 16_001, 1)


@pytest.fixture
def subset(tmp_path: Path) -> Subset:
    waves = [
        0.3 * np.random.default_rng(seed).standard_normal(length).clip(-3, 3)
        for seed, length in enumerate(LENGTHS)
    ]
    return write_subset(tmp_path, waves)


def batch(subset: Subset, config: Config, epoch: int, spec: RawBoost, **settings):
    clips = TrainingClips(subset, train(0.8, **settings), Audio(), spec, 3, config)
    read = clips.collate_clips([clips[epoch, row] for row in range(len(subset))])
    return clips.to_device(read, torch.device("cpu"))


@pytest.mark.parametrize("fill", ["zeros", "repeat"])
@pytest.mark.parametrize("algorithm", [1, 2, 3, 4, 8])
def test_a_batch_is_what_the_host_makes_of_its_clips(subset, fill, algorithm):
    spec = RawBoost(kind="rawboost", algorithm=algorithm, probability=0.6)
    changed = 0
    for epoch in range(3):
        settings = {"fill": fill, "crop": "random"}
        plain = batch(subset, HOST, epoch, spec.model_copy(update={"probability": 0.0}), **settings)
        host, device = (batch(subset, of, epoch, spec, **settings) for of in (HOST, DEVICE))
        for one, other in zip(host[1:], device[1:], strict=True):
            assert torch.equal(one, other)
        torch.testing.assert_close(device.waves, host.waves, rtol=0, atol=1e-5)
        changed += int((host.waves != plain.waves).any(dim=1).sum())
    assert 3 < changed < 15


def test_a_batch_without_a_changed_clip_stays_as_it_is(subset):
    spec = RawBoost(kind="rawboost", probability=0.0)
    assert torch.equal(batch(subset, DEVICE, 0, spec).waves, batch(subset, HOST, 0, spec).waves)


def test_clips_that_are_spliced_afterwards_are_augmented_on_the_host(subset):
    data = {"splice": MixFrame(kind="mix-frame")}
    spec = RawBoost(kind="rawboost", probability=1.0)
    host, device = (batch(subset, of, 0, spec, **data) for of in (HOST, DEVICE))
    assert torch.equal(host.waves, device.waves)


@pytest.mark.slow
def test_a_training_learns_the_same_and_goes_on_exactly(small, config, with_workers, tmp_path):
    run = small("S7", "augment.probability=1.0")
    device = replace(config, augment_on="device")
    log, again, host = Log(), Log(), Log()
    whole = run_to_end(run, device, tmp_path / "whole", log)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, device, tmp_path / "parts", Log(stop_after=1))
    parts = run_to_end(run, replace(with_workers, augment_on="device"), tmp_path / "parts", again)
    require_equal(whole, parts, tmp_path / "whole", tmp_path / "parts")
    run_to_end(run, config, tmp_path / "host", host)
    for (_, ours), (_, theirs) in zip(log.epochs, host.epochs, strict=True):
        assert ours["train.loss"] == pytest.approx(theirs["train.loss"], rel=1e-2)
    assert all(np.isfinite(scores).all() for scores in all_scores(whole).values())
