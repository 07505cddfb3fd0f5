"""Between two looks at the losses, nothing waits for the device: counted on the CPU.

What lies on the device is followed from parameters and batches through every operation. An
operation whose outcome the host needs to go on (a number, or a shape that depends on values) makes
it wait there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.weak import WeakIdKeyDictionary

from bench.config import Config
from bench.config.speed_settings import SpeedSettings
from bench.models.augment import build_mixer
from bench.training import engine, learning
from bench.training.losses import LossAverager
from tests.made_batches import make_batch
from tests.models.systems.small_rows import each_network

WAITS = (
    *("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero"),
    *("_unique2", "unique_dim", "unique_consecutive", "bincount", "repeat_interleave"),
)
INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")


class DeviceWaits(TorchDispatchMode):
    """Notes operations that wait for tensors of the device."""

    def __init__(self) -> None:
        super().__init__()
        self._there = WeakIdKeyDictionary()
        self.waits: list[str] = []
        self.operations = 0

    def place(self, *tensors: torch.Tensor) -> None:
        """Count tensors as those that lie on the device."""
        for tensor in tensors:
            self._there[tensor] = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
        on_device = any(each in self._there for each in given)
        result = func(*args, **kwargs)
        if on_device:
            self.operations += 1
            name = func._schema.name.removeprefix("aten::")
            if name in WAITS or (name in INDEXING and self._has_mask(args)):
                self.waits.append(name)
            made = tree_flatten(result)[0]
            self.place(*(each for each in made if isinstance(each, torch.Tensor)))
        return result

    def _has_mask(self, args: Any) -> bool:
        """Return whether an index is a mask, whose number of True decides the outcome's shape."""
        flat = tree_flatten(args[1:])[0]
        return any(isinstance(each, torch.Tensor) and each.dtype == torch.bool for each in flat)


def train_steps(run, precision: str, speed: SpeedSettings) -> DeviceWaits:
    """Train two steps as an epoch does, without a look at the losses."""
    config = Config(device="cpu", speed=speed)
    run = run.model_copy(
        update={"training": run.training.model_copy(update={"precision": precision})}
    )
    fabric = engine.make_fabric(config, run.training.precision)
    learner = learning.build_learner(fabric, run, engine.build_system(run, 1, config), 2, speed)
    learner.module.train()
    mixer, generator = build_mixer(run.mix), torch.Generator().manual_seed(1)
    averager = LossAverager(fabric)
    with DeviceWaits() as seen:
        for step in (1, 2):
            batch = make_batch(run)
            seen.place(*learner.system.parameters(), *learner.system.buffers(), *batch)
            batch = learning.mix_clips(batch, mixer, generator)
            averager.add_losses(learning.train_step(fabric, learner, run, batch), step)
            learner.schedule.step()
    assert np.isfinite([*averager.mean_losses(1).values()]).all()
    return seen


@pytest.mark.rows
@each_network
def test_no_step_waits_for_the_device(subtests, rows):
    for name, run in rows().items():
        with subtests.test(name=name):
            speed = SpeedSettings(gradient_checkpointing=True)
            seen = train_steps(run, "bf16-mixed", speed)
            assert seen.operations > 500
            assert seen.waits == []


def test_waits_are_seen():
    """The check itself: each of these waits, and is found behind other operations."""
    with DeviceWaits() as seen:
        x = torch.ones(3)
        seen.place(x)
        y = (2 * x).exp()
        assert y.sum().item() > 0
        assert bool((y > 0).all())
        assert len(y[y > 0]) == 3
        assert len(y.nonzero()) == 3
        assert torch.ones(2).sum().item() == 2.0, "on the host: nothing to wait for"
    assert seen.waits.count("_local_scalar_dense") == 2
    assert len(seen.waits) == 4


def test_the_losses_are_looked_at_once():
    """`mean_losses` is the look: one wait for the step that was not finite, one for the sums."""
    fabric = engine.make_fabric(Config(device="cpu"), "fp32")
    averager = LossAverager(fabric)
    with DeviceWaits() as seen:
        loss = torch.tensor(1.0)
        seen.place(loss, averager.bad)
        averager.add_losses({"loss": loss, "part": 2 * loss}, 1)
        assert seen.waits == []
        assert averager.mean_losses(1) == {"loss": 1.0, "part": 2.0}
    assert len(seen.waits) <= 3
