"""Train one run: epochs, selection on dev, full-state checkpoints, exact resumption.

Lightning Fabric brings devices, precision and processes; the loop is ours, because a restart has to
be exact. At the start of each epoch every random generator is set from (seed, epoch), so an epoch
that follows a restart draws what it would have drawn without one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError, RowFailed
from bench.metrics.det import eer
from bench.models import devices, frontends, systems
from bench.models.augment import Mixer, build_mixer
from bench.models.segment_positions import IGNORED
from bench.models.systems.base import Batch, System
from bench.specs.corpus import Audio
from bench.specs.run import Run
from bench.training import checkpoints, conditions, keeping, optimisation
from bench.training.clips import ClipReader
from bench.training.data import EpochSampler, TrainingClips, Utterances, collate
from bench.training.keeping import Progress, Selection
from bench.training.losses import LossAverager, MeanLoss
from bench.training.scoring import build_utterances, score_utterances
from bench.units import to_samples

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

CHECK_EVERY = 25
"""Steps between looks at the losses: each look waits for the device."""


class TrainingCallback(Protocol):
    """Callbacks of a training: of a tracker, or of a progress display."""

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Report the mean losses since the start of the epoch, after every few steps."""

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Report an epoch's train losses, dev EER (a fraction), dev loss and learning rates."""

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        """Report how many utterances of an evaluation are scored, of this process's share."""


class SilentCallback(TrainingCallback):
    """Callbacks that do nothing, for all processes of several devices but the first."""


@dataclass(frozen=True)
class TrainingData:
    """The data of one run."""

    train: Subset
    dev: Subset
    train_audio: Audio
    dev_audio: Audio
    start: Path | None = None
    """The checkpoint of the earlier training that this one starts from (`Run.start`)."""


class FinishedTraining(NamedTuple):
    """A finished training."""

    progress: Progress
    selection: Selection


def make_fabric(config: Config, precision: Literal["32-true", "bf16-mixed", "16-mixed"]) -> Fabric:
    """Return Fabric for this machine's devices; BenchError where it does not have them.

    Its processes are all on this machine, whatever a cluster's variables (`SLURM_NTASKS`) say.
    """
    devices.require_devices(config)
    strategy = "ddp_spawn" if config.devices > 1 else "auto"
    return Fabric(
        accelerator=config.device,
        strategy=strategy,
        devices=config.devices,
        precision=precision,
        plugins=LightningEnvironment(),
    )


def seed_generators(seed: int, epoch: int, rank: int = 0) -> torch.Generator:
    """Set torch's generators from (seed, epoch, rank); return one more for mixing, on the CPU."""
    first, second = np.random.SeedSequence([seed, epoch, rank]).generate_state(2)
    torch.manual_seed(int(first))
    return torch.Generator().manual_seed(int(second))


def build_system(run: Run, seed: int, config: Config) -> System:
    """Return the run's system with its initial weights, drawn from `seed`."""
    torch.manual_seed(seed)
    frontend = frontends.build(run.frontend, config)
    system = systems.build(run.system, frontend, run.train)
    _require_length(run, system)
    _require_breath(run, system)
    return system


def _require_length(run: Run, system: System) -> None:
    """Raise unless a system of one clip length gets clips of that length everywhere."""
    fixed_s = system.fixed_s
    for name, data in run.data.items():
        if fixed_s is not None and (
            data.clip_s is None or to_samples(data.clip_s) != to_samples(fixed_s)
        ):
            raise BenchError(
                "model.clip-length",
                f"{name}.clip_s = {data.clip_s or 'whole'}: system {run.system.kind} takes clips "
                f"of {fixed_s:g} s only",
            )


def _require_breath(run: Run, system: System) -> None:
    """Raise unless all data of a system that takes breath intervals have them."""
    for name, data in run.data.items():
        if system.needs_breath_mask and data.breath.kind == "none":
            raise BenchError(
                "model.breath-missing",
                f"{name}.breath.kind = 'none': system {run.system.kind}, with these settings, "
                "needs breath marks: should be e.g. 'dsp', or 'zeros' for no marks",
            )


def _load_frontend(start: Path, system: System) -> None:
    """Take the front-end's weights over from the checkpoint at `start`."""
    prefix = "frontend."
    weights = checkpoints.load_checkpoint(start)["system"]
    frontend_weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }
    try:
        system.frontend.load_state_dict(frontend_weights)
    except RuntimeError as error:
        raise BenchError(
            "training.start-mismatch", f"{start}: does not fit this run's front-end: {error}"
        ) from error


def _require_attack_types(source: ClipReader) -> None:
    """Raise unless it is known of every spoofed utterance whether it is TTS or VC."""
    unknown = np.flatnonzero(source.attack_types == IGNORED)
    if len(unknown):
        subset = source.subset
        raise BenchError(
            "model.attack-type-unknown",
            f"{subset.corpus} {subset.split}: {len(unknown)} of {len(subset)} utterances are "
            f"neither known as TTS nor as VC, the first is "
            f"{subset.table['utterance'].iloc[unknown[0]]}; this system learns "
            "the difference, unless it is set to two classes",
        )


def train(
    fabric: Fabric,
    run: Run,
    seed: int,
    data: TrainingData,
    folder: Path,
    config: Config,
    callback: TrainingCallback,
) -> FinishedTraining:
    """Train to the end, from the last finished epoch in `place`; leave `last.pt` and `kept.pt`.

    Where the state of an earlier training is incomplete, begin anew.
    """
    system = build_system(run, seed, config)
    clips = TrainingClips(data.train, run.train, data.train_audio, run.augment, seed, config)
    sampler = EpochSampler(len(clips), seed, fabric.global_rank, fabric.world_size)
    workers = config.loader_workers(fabric.device.type)
    loader = _build_loader(clips, sampler, run, workers, fabric)
    earlier = keeping.read_resumable(run, folder)
    if earlier is None:
        _begin_anew(fabric, system, data.start, folder)
    fabric.barrier()
    learner = _build_learner(fabric, run, system, len(loader))
    progress = Progress() if earlier is None else _restore_state(earlier, learner, callback)
    on_dev_too = run.augment.kind != "none" and run.augment.augments_dev
    dev_augment = run.augment if on_dev_too else None
    dev = build_utterances(fabric, data.dev, run.dev, data.dev_audio, config, dev_augment)
    if system.needs_attack_type:
        _require_attack_types(clips.reader)
        _require_attack_types(dev.reader)
    if not keeping.is_finished(run.training, progress):
        here = conditions.current_conditions(fabric.device.type)
        progress.conditions = conditions.join_conditions(progress.conditions, here)
    while not keeping.is_finished(run.training, progress):
        began = time.monotonic()
        sampler.epoch = progress.epoch
        learnt = _train_epoch(fabric, learner, run, loader, seed, progress, callback)
        figures = learnt | _measure_dev(fabric, system, dev, workers, run.training.select)
        progress.epoch += 1
        progress.seconds += time.monotonic() - began
        progress.history.append(figures)
        _save_epoch(fabric, run, folder, learner, progress, figures[run.training.select])
        callback.on_epoch(progress.epoch, figures)
    if fabric.is_global_zero:
        keeping.average_epochs(run, folder, progress)
    fabric.barrier()

    def on_dev(weights: Mapping[str, Any]) -> dict[str, float]:
        system.load_state_dict(weights)
        return _measure_dev(fabric, system, dev, workers, run.training.select)

    selection = keeping.select_weights(run, folder, progress, on_dev, writes=fabric.is_global_zero)
    return FinishedTraining(progress, selection)


def _begin_anew(fabric: Fabric, system: System, start: Path | None, place: Path) -> None:
    """Clear the folder, and take the front-end over from the training that this one starts from."""
    if fabric.is_global_zero:
        checkpoints.clear_folder(place)
    if start is not None:
        _load_frontend(start, system)


class _Learner(NamedTuple):
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


def _build_learner(fabric: Fabric, run: Run, system: System, steps_per_epoch: int) -> _Learner:
    """Return the system on its device with the run's optimiser and schedule."""
    optimiser = optimisation.build_optimiser(run, system)
    schedule = optimisation.build_schedule(run, optimiser, steps_per_epoch)
    module, wrapped = fabric.setup(system, optimiser)
    module.mark_forward_method("losses")
    return _Learner(system, module, optimiser, wrapped, schedule)


def _build_loader(
    clips: TrainingClips, sampler: EpochSampler, run: Run, workers: int, fabric: Fabric
) -> DataLoader[Batch]:
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
        collate_fn=collate,
        pin_memory=fabric.device.type == "cuda",
        persistent_workers=workers > 0,
        # Its own generator: a loader else draws from the global one, how often depends on workers.
        generator=torch.Generator(),
    )


def _train_epoch(
    fabric: Fabric,
    learner: _Learner,
    run: Run,
    loader: DataLoader[Batch],
    seed: int,
    progress: Progress,
    observer: TrainingCallback,
) -> dict[str, float]:
    """Train one epoch; return the mean of each loss, and the learning rates of the last step."""
    generator = seed_generators(seed, progress.epoch, fabric.global_rank)
    learner.module.train()
    mixer = build_mixer(run.mix)
    watch = LossAverager()
    rates: dict[str, float] = {}
    for number, clips in enumerate(loader, start=1):
        batch = Batch(*(part.to(fabric.device, non_blocking=True) for part in clips))
        losses = _train_step(fabric, learner, run, mix_clips(batch, mixer, generator))
        rates = learner.learning_rates()
        learner.schedule.step()
        progress.step += 1
        watch.add_losses(losses, progress.step)
        if number % CHECK_EVERY == 0 or number == len(loader):
            means = watch.mean_losses(progress.epoch + 1)
            observer.on_step(progress.epoch + 1, number, len(loader), means)
    means = watch.mean_losses(progress.epoch + 1)
    return {f"train.{name}": value for name, value in means.items()} | rates


def _train_step(fabric: Fabric, learner: _Learner, run: Run, batch: Batch) -> dict[str, Tensor]:
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
        fabric.clip_gradients(learner.module, learner.wrapped, max_norm=run.training.gradient_clip)
    learner.wrapped.step()
    return total


def mix_clips(batch: Batch, mixer: Mixer | None, generator: torch.Generator) -> Batch:
    """Return the batch, its clips mixed with each other where there is a mixer."""
    if mixer is None:
        return batch
    per_frame = batch.waves.shape[1] // batch.spoof.shape[1]
    *labelled, marks = batch
    return Batch(*mixer(*labelled, samples_per_frame=per_frame, generator=generator), marks)


def _measure_dev(
    fabric: Fabric, system: System, dev: Utterances, workers: int, select: str
) -> dict[str, float]:
    """Return `dev.eer` and, where it selects, `dev.loss`, which costs as much again."""
    loss = MeanLoss(fabric, system) if select == "dev.loss" else None
    scores = score_utterances(fabric, system, dev, workers, loss.add_batch if loss else None)
    spoof = np.concatenate(dev.labels)
    value = np.concatenate([scores[i].score for i in range(len(dev.subset))])
    results = {"dev.eer": eer(value[~spoof], value[spoof]).eer}
    if loss is not None:
        results["dev.loss"] = loss.reduce_mean()
        if not np.isfinite(results["dev.loss"]):
            raise RowFailed(
                "training.not-finite", "the dev loss is not finite: the row was stopped"
            )
    return results


def _save_epoch(
    fabric: Fabric, run: Run, folder: Path, learner: _Learner, progress: Progress, value: float
) -> None:
    """Save the epoch, `last.pt` last: after a crash before it, the epoch is repeated."""
    better = keeping.is_better(run.training, progress, value)
    if fabric.is_global_zero:
        weights = learner.system.state_dict()
        keeping.save_candidate(run.training, folder, weights, progress, better)
        checkpoints.save_checkpoint(
            {
                "system": weights,
                "optimiser": learner.optimiser.state_dict(),
                "schedule": learner.schedule.state_dict(),
                "progress": vars(progress),
            },
            folder / checkpoints.LAST_CHECKPOINT,
        )
    fabric.barrier()


def _restore_state(
    state: dict[str, Any], learner: _Learner, observer: TrainingCallback
) -> Progress:
    """Load the state of an earlier session, and report its epochs once more."""
    if "system" in state:  # else the training has ended: no epoch follows
        learner.system.load_state_dict(state["system"])
        # The learner is set up, so that this state follows its parameters to the device.
        learner.optimiser.load_state_dict(state["optimiser"])
        learner.schedule.load_state_dict(state["schedule"])
    progress = Progress(**state["progress"])
    for number, figures in enumerate(progress.history, start=1):
        observer.on_epoch(number, figures)
    return progress
