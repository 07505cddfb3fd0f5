"""What learns: batches, losses, gradients, and steps of optimiser and schedule."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from bench._io.child_processes import follow_parent
from bench.config.speed_settings import SpeedSettings
from bench.errors import BenchError
from bench.models.augment import Mixer
from bench.models.systems.base import Batch, System
from bench.specs.run import Run
from bench.training import optimisation
from bench.training.data import EpochSampler, LengthBatches, TrainingClips
from bench.training.speedups import apply_speed, uses_fused_adam


class Learner(NamedTuple):
    """The system, its optimiser and its schedule.

    `module` and `wrapped` are Fabric's wrappers of `system` and `optimiser`.
    """

    system: System
    module: Any
    optimiser: torch.optim.Optimizer
    wrapped: Any
    schedule: LambdaLR

    def learning_rates(self) -> dict[str, float]:
        """Return the learning rate, and the front-end's where there are two."""
        *frontend, rate = (float(rate) for rate in self.schedule.get_last_lr())
        frontend_rate = (
            {"frontend_learning_rate": frontend[0]} if frontend and frontend[0] != rate else {}
        )
        return {"learning_rate": rate, **frontend_rate}


def build_learner(
    fabric: Fabric, run: Run, system: System, steps_per_epoch: int, speed: SpeedSettings
) -> Learner:
    """Return the system on its device with the run's optimiser and schedule."""
    fused = uses_fused_adam(run, speed, fabric.device.type)
    optimiser = optimisation.build_optimiser(run, system, fused)
    schedule = optimisation.build_schedule(run, optimiser, steps_per_epoch)
    module, wrapped = fabric.setup(system, optimiser)
    module.mark_forward_method("losses")
    apply_speed(fabric, system, speed)
    return Learner(system, module, optimiser, wrapped, schedule)


def build_sampler(
    clips: TrainingClips, run: Run, seed: int, rank: int = 0, world: int = 1
) -> EpochSampler:
    """Return the order of a training's clips, of which each of `world` processes takes its share.

    Whole utterances come in steps of nearly one length.
    """
    lengths = clips.read_lengths()
    batches = None if lengths is None else LengthBatches(lengths, run.training.batch_size)
    return EpochSampler(len(clips), seed, rank, world, batches)


def build_loader(
    clips: TrainingClips, sampler: EpochSampler, run: Run, workers: int, fabric: Fabric
) -> DataLoader[Any]:
    """Return the loader of this process's share of each step's clips, a `TrainingBatch` each."""
    share, rest = divmod(run.training.batch_size, fabric.world_size * run.training.accumulate)
    if rest:
        raise BenchError(
            "training.batch-size",
            f"training.batch_size = {run.training.batch_size}: should be a multiple of "
            f"{fabric.world_size} devices times training.accumulate = {run.training.accumulate}",
        )
    return DataLoader(
        clips,
        batch_size=share * run.training.accumulate,
        sampler=sampler,
        num_workers=workers,
        collate_fn=clips.collate_clips,
        pin_memory=fabric.device.type == "cuda",
        persistent_workers=workers > 0,
        worker_init_fn=follow_parent,
        # Its own generator: a loader else draws from the global one, how often depends on workers.
        generator=torch.Generator(),
    )


def train_step(fabric: Fabric, learner: Learner, run: Run, batch: Batch) -> dict[str, Tensor]:
    """Learn from a batch, in `accumulate` parts where that is asked for; return its losses."""
    learner.wrapped.zero_grad(set_to_none=True)
    size = len(batch.waves)
    parts = list(zip(*(tensor.chunk(run.training.accumulate) for tensor in batch), strict=True))
    total: dict[str, Tensor] = {}
    for number, part in enumerate(parts, start=1):
        share = len(part[0]) / size
        with fabric.no_backward_sync(learner.module, enabled=number < len(parts)):
            # On one device Fabric casts in `forward` alone, and `losses` is not that.
            with fabric.autocast():
                losses = learner.module.losses(Batch(*part))
            fabric.backward(share * losses["loss"])
        for name, loss in losses.items():
            total[name] = total.get(name, 0.0) + share * loss.detach()
    if run.training.gradient_clip:
        # A gradient that is not finite: float16's scale skips the step, else the loss shows it.
        fabric.clip_gradients(
            learner.module,
            learner.wrapped,
            max_norm=run.training.gradient_clip,
            error_if_nonfinite=False,
        )
    learner.wrapped.step()
    return total


def mix_clips(batch: Batch, mixer: Mixer | None, generator: torch.Generator) -> Batch:
    """Return the batch, its clips mixed with each other where there is a mixer."""
    if mixer is None:
        return batch
    per_frame = batch.waves.shape[1] // batch.spoof.shape[1]
    *labelled, marks = batch
    return Batch(*mixer(*labelled, samples_per_frame=per_frame, generator=generator), marks)
