"""One epoch of a training, which may be stopped after any step and goes on after that very step.

What an epoch draws beside its clips (dropout, mixing) comes from generators that its start sets
from (seed, epoch, process), and whose states a stopped epoch keeps.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from bench._io import interrupts
from bench.errors import make_stop
from bench.models.augment import build_mixer
from bench.specs.run import Run
from bench.training.callbacks import TrainingCallback
from bench.training.data import EpochSampler, TrainingBatch, TrainingClips
from bench.training.keeping import Progress
from bench.training.learning import Learner, mix_clips, train_step
from bench.training.losses import LossAverager, reduce_tensor

CHECK_EVERY = 25
"""Steps between looks at the losses: each look waits for the device."""
AGREE_EVERY = 5
"""Steps after which several processes agree whether to stop, for the same reason; they do so at an
epoch's end as well."""


class StepSaving(Protocol):
    """Saves a training's state within an epoch."""

    def is_time(self) -> bool:
        """Return whether the last state that was saved is old enough, in this process."""
        ...

    def save(self, epoch: dict[str, Any]) -> None:
        """Save the state with that of the epoch (`EpochTraining.state_dict`)."""
        ...


class EpochTraining:
    """The epoch that follows `progress.epoch` finished ones, begun or to be gone on with."""

    def __init__(
        self, fabric: Fabric, learner: Learner, run: Run, seed: int, progress: Progress
    ) -> None:
        self._fabric, self._learner, self._run = fabric, learner, run
        self._seed, self._progress = seed, progress
        self._steps = 0
        """Steps of the epoch that are done; all processes do them together."""
        self._rates: dict[str, float] = {}
        self._averager = LossAverager(fabric)
        self._generator = self._seed_generators()

    def train_epoch(
        self,
        loader: DataLoader[TrainingBatch],
        clips: TrainingClips,
        sampler: EpochSampler,
        observer: TrainingCallback,
        saving: StepSaving,
    ) -> dict[str, float]:
        """Do the steps that are left; return the mean losses, and the last learning rates.

        The state is saved at a step's end where `saving` says that it is time. Raise Stopped at a
        step's end where this process, or another of the training's, was asked to stop.
        """
        fabric, learner, progress = self._fabric, self._learner, self._progress
        learner.module.train()
        mixer = build_mixer(self._run.mix)
        sampler.epoch = progress.epoch
        sampler.used = self._steps * self._run.training.batch_size
        for number, read in enumerate(loader, start=self._steps + 1):
            batch = clips.to_device(read, fabric.device)
            batch = mix_clips(batch, mixer, self._generator)
            losses = train_step(fabric, learner, self._run, batch)
            self._rates = learner.learning_rates()
            learner.schedule.step()
            progress.step += 1
            self._steps = number
            self._averager.add_losses(losses, progress.step)
            if number % CHECK_EVERY == 0 or number == len(loader):
                means = self._averager.mean_losses(progress.epoch + 1)
                observer.on_step(progress.epoch + 1, number, len(loader), means)
            is_last = number == len(loader)
            is_stopped, is_time = self._agree(is_last, saving)
            if is_stopped:
                raise make_stop(
                    f"stopped after step {number} of {len(loader)} of epoch {progress.epoch + 1}"
                )
            if is_time and not is_last:  # else the epoch's end follows
                saving.save(self.state_dict())
        means = self._averager.mean_losses(progress.epoch + 1)
        return {f"train.{name}": value for name, value in means.items()} | self._rates

    def state_dict(self) -> dict[str, Any]:
        """Return what going on needs, of all processes, which all call it."""
        fabric = self._fabric
        state = {"losses": self._averager.state_dict(), "random": self._random_state()}
        states: list[dict[str, Any]] = [state] * fabric.world_size
        if fabric.world_size > 1:
            torch.distributed.all_gather_object(states, state)
        return {"steps": self._steps, "rates": self._rates, "processes": states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where an epoch was stopped, by so many processes or by others.

        With another number of processes the steps that are done stay done, as a step learns from
        the same clips; dropout and mixing are drawn anew, from (seed, epoch, process, step).
        """
        self._steps, self._rates = state["steps"], state["rates"]
        states, rank = state["processes"], self._fabric.global_rank
        if len(states) != self._fabric.world_size:
            self._averager.load_state_dict([each["losses"] for each in states])
            self._generator = self._seed_generators()
            return
        self._averager.load_state_dict([states[rank]["losses"]])
        random = states[rank]["random"]
        torch.set_rng_state(random["cpu"])
        self._generator.set_state(random["mixing"])
        if self._fabric.device.type == "cuda" and "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], self._fabric.device)

    def _seed_generators(self) -> torch.Generator:
        """Set torch's generators; return one more for mixing, on the CPU."""
        key = [self._seed, self._progress.epoch, self._fabric.global_rank]
        if self._steps:
            key.append(self._steps)
        first, second = np.random.SeedSequence(key).generate_state(2)
        torch.manual_seed(int(first))
        return torch.Generator().manual_seed(int(second))

    def _random_state(self) -> dict[str, torch.Tensor]:
        states = {"cpu": torch.get_rng_state(), "mixing": self._generator.get_state()}
        if self._fabric.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self._fabric.device)
        return states

    def _agree(self, is_last: bool, saving: StepSaving) -> tuple[bool, bool]:
        """Return whether training stops after this step, and whether its state is saved.

        Both are the same in all processes.
        """
        asked, is_time = interrupts.is_stop_asked(), saving.is_time()
        if self._fabric.world_size == 1:
            return asked, is_time
        if self._steps % AGREE_EVERY and not is_last:
            return False, False
        flags = torch.tensor([int(asked), int(is_time)], device=self._fabric.device)
        anyone_asked, anyone_saves = reduce_tensor(self._fabric, flags, "max").tolist()
        return bool(anyone_asked), bool(anyone_saves)
