"""Train one run: epochs, selection on dev, full-state checkpoints, exact resumption.

Lightning Fabric brings devices, precision and processes; the loop is ours, because a restart has to
be exact. At the start of each epoch every random generator is set from (seed, epoch), so an epoch
that follows a restart draws what it would have drawn without one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from bench import frontends, systems
from bench.augment.csm import mix
from bench.config import Config
from bench.corpora.subset import Subset
from bench.errors import BenchError, RowFailed
from bench.labels.positions import IGNORED
from bench.metrics.det import eer
from bench.specs.augment import CrossSegmentMixing, RawBoost
from bench.specs.corpus import Audio
from bench.specs.run import ConstantSchedule, Run
from bench.systems.base import Batch, System
from bench.training import checkpoints
from bench.training.clips import Source
from bench.training.data import Clips, EpochSampler, Utterances, collate
from bench.training.scoring import score, utterances
from bench.units import samples

CHECK_EVERY = 25
"""Steps between looks at the losses: each look waits for the device."""


class Observer(Protocol):
    """Who wants to know how training goes: a tracker, a progress display."""

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """After every few steps of an epoch: mean losses since its start."""

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """After an epoch: its train losses, dev EER (a fraction) and loss, learning rate."""


@dataclass(frozen=True)
class Material:
    """The data of one run."""

    train: Subset
    dev: Subset
    train_audio: Audio
    dev_audio: Audio


@dataclass
class Progress:
    """What a restart needs beside weights and optimiser; saved with them."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    best: float = float("inf")
    """The least of what is selected by."""
    best_epoch: int = 0
    seconds: float = 0.0
    """Time spent training so far, all sessions together."""
    history: list[dict[str, float]] = field(default_factory=list[dict[str, float]])


def make_fabric(config: Config, precision: Literal["32-true", "bf16-mixed", "16-mixed"]) -> Fabric:
    """Return Fabric for this machine's devices."""
    strategy = "ddp_spawn" if config.devices > 1 else "auto"
    return Fabric(
        accelerator=config.device, strategy=strategy, devices=config.devices, precision=precision
    )


def seeded(seed: int, epoch: int, rank: int = 0) -> torch.Generator:
    """Set torch's generators from (seed, epoch, rank); return one more for mixing, on the CPU."""
    first, second = np.random.SeedSequence([seed, epoch, rank]).generate_state(2)
    torch.manual_seed(int(first))
    return torch.Generator().manual_seed(int(second))


def build(run: Run, seed: int, config: Config) -> System:
    """Return the run's system with its initial weights, drawn from `seed`."""
    torch.manual_seed(seed)
    frontend = frontends.build(run.frontend, config)
    system = systems.build(run.system, frontend, run.train)
    _require_length(run, system)
    return system


def _require_length(run: Run, system: System) -> None:
    """Raise unless a system of one clip length gets clips of that length everywhere."""
    fixed_s = system.fixed_s
    evaluations = {f"evaluate.{name}": data for name, data in run.evaluate.items()}
    for name, data in {"train": run.train, "dev": run.dev, **evaluations}.items():
        if fixed_s is not None and (
            data.clip_s is None or samples(data.clip_s) != samples(fixed_s)
        ):
            raise BenchError(
                f"{name}.clip_s = {data.clip_s or 'whole'}: system {run.system.kind} takes clips "
                f"of {fixed_s:g} s only"
            )


def _require_kinds(source: Source) -> None:
    """Raise unless it is known of every spoofed utterance whether it is TTS or VC."""
    unknown = np.flatnonzero(source.kinds == IGNORED)
    if len(unknown):
        subset = source.subset
        raise BenchError(
            f"{subset.corpus} {subset.split}: of {len(unknown)} of {len(subset)} utterances it is "
            f"not known whether they are TTS or VC, the first is "
            f"{subset.table['utterance'].iloc[unknown[0]]}; this system learns that, unless it is "
            "set to two classes"
        )


def train(
    fabric: Fabric,
    run: Run,
    seed: int,
    material: Material,
    place: Path,
    config: Config,
    observer: Observer,
) -> Progress:
    """Train to the end or from the last finished epoch in `place`; leave `last.pt` and
    `best.pt`.
    """
    system = build(run, seed, config)
    optimiser = _optimiser(run, system)
    schedule = _schedule(run, optimiser)
    module, wrapped = fabric.setup(system, optimiser)
    module.mark_forward_method("losses")
    progress = Progress()
    if (place / checkpoints.LAST).is_file():
        # After the set-up: the optimiser's state follows its parameters to the device.
        progress = _restore(place, system, optimiser, schedule)
        for number, figures in enumerate(progress.history, start=1):
            observer.on_epoch(number, figures)
    clips = Clips(material.train, run.train, material.train_audio, run.augment, seed)
    sampler = EpochSampler(len(clips), seed, fabric.global_rank, fabric.world_size)
    workers = config.loader_workers(fabric.device.type)
    loader = _loader(clips, sampler, run, workers, fabric)
    augmented = isinstance(run.augment, RawBoost) and run.augment.splits == "train+dev"
    dev = utterances(
        fabric, material.dev, run.dev, material.dev_audio, run.augment if augmented else None
    )
    if system.learns_kinds:
        _require_kinds(clips.source)
        _require_kinds(dev.source)
    while not _finished(run, progress):
        began = time.monotonic()
        sampler.epoch = progress.epoch
        losses = _epoch(fabric, module, wrapped, run, loader, seed, progress, observer)
        found = _on_dev(fabric, system, dev, workers, run.training.select)
        figures = {**losses, **found, "learning_rate": schedule.get_last_lr()[0]}
        schedule.step()
        progress.epoch += 1
        progress.seconds += time.monotonic() - began
        progress.history.append(figures)
        _keep(fabric, place, system, optimiser, schedule, progress, found[run.training.select])
        observer.on_epoch(progress.epoch, figures)
    return progress


def _loader(
    clips: Clips, sampler: EpochSampler, run: Run, workers: int, fabric: Fabric
) -> DataLoader[Batch]:
    return DataLoader(
        clips,
        batch_size=max(1, run.training.batch_size // fabric.world_size),
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=fabric.device.type == "cuda",
        persistent_workers=workers > 0,
        # Its own generator: a loader else draws from the global one, how often depends on workers.
        generator=torch.Generator(),
    )


def _epoch(
    fabric: Fabric,
    module: Any,
    optimiser: Any,
    run: Run,
    loader: DataLoader[Batch],
    seed: int,
    progress: Progress,
    observer: Observer,
) -> dict[str, float]:
    """Train one epoch; return the mean of each loss."""
    generator = seeded(seed, progress.epoch, fabric.global_rank)
    module.train()
    watch = _Watch()
    for number, clips in enumerate(loader, start=1):
        batch = Batch(*(part.to(fabric.device, non_blocking=True) for part in clips))
        batch = mixed(batch, run, generator)
        optimiser.zero_grad(set_to_none=True)
        losses = module.losses(batch)
        fabric.backward(losses["loss"])
        if run.training.gradient_clip:
            fabric.clip_gradients(module, optimiser, max_norm=run.training.gradient_clip)
        optimiser.step()
        progress.step += 1
        watch.add(losses, progress.step)
        if number % CHECK_EVERY == 0 or number == len(loader):
            means = watch.means(progress.epoch + 1)
            observer.on_step(progress.epoch + 1, number, len(loader), means)
    return {f"train.{name}": value for name, value in watch.means(progress.epoch + 1).items()}


def mixed(batch: Batch, run: Run, generator: torch.Generator) -> Batch:
    """Return the batch as the run's mixing leaves it."""
    if not isinstance(run.mix, CrossSegmentMixing):
        return batch
    per_frame = batch.waves.shape[1] // batch.spoof.shape[1]
    return Batch(*mix(*batch, samples_per_frame=per_frame, spec=run.mix, generator=generator))


class _Watch:
    """Sums losses on the device and remembers the first step that was not finite."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.bad: Tensor | None = None

    def add(self, losses: Mapping[str, Tensor], step: int) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.detach().double()
        self.count += 1
        loss = losses["loss"].detach()
        bad = torch.where(torch.isfinite(loss), 0, step)
        self.bad = bad if self.bad is None else torch.where(self.bad > 0, self.bad, bad)

    def means(self, epoch: int) -> dict[str, float]:
        """Return the means so far; raise where a loss was not finite, naming the step."""
        if self.bad is not None and int(self.bad):
            raise RowFailed(
                f"the loss is not finite at step {int(self.bad)} (epoch {epoch}): the row is "
                "stopped; its last finished epoch is kept. A smaller optimiser.learning_rate, "
                "training.gradient_clip or training.precision = 32-true may help"
            )
        return {name: float(total) / self.count for name, total in self.sums.items()}


class _MeanLoss:
    """The system's own loss, averaged over utterances."""

    def __init__(self, fabric: Fabric, system: System) -> None:
        self.fabric, self.system = fabric, system
        self.sums = torch.zeros(2, dtype=torch.float64, device=fabric.device)

    def add(self, batch: Batch) -> None:
        """Add a batch, its loss as often as it has utterances."""
        with self.fabric.autocast():
            loss = self.system.losses(batch)["loss"]
        ones = torch.ones_like(self.sums[0])
        self.sums += len(batch.waves) * torch.stack((loss.double(), ones))

    def mean(self) -> float:
        """Return the mean over all processes' utterances."""
        total, count = self.fabric.all_reduce(self.sums, reduce_op="sum")
        return float(total / count)


def _on_dev(
    fabric: Fabric, system: System, dev: Utterances, workers: int, select: str
) -> dict[str, float]:
    """Return `dev.eer` and, where it selects, `dev.loss`, which costs as much again."""
    loss = _MeanLoss(fabric, system) if select == "dev.loss" else None
    scores = score(fabric, system, dev, workers, loss.add if loss else None)
    spoof = np.concatenate(dev.labels)
    value = np.concatenate([scores[i].score for i in range(len(dev.subset))])
    if not np.isfinite(value).all():
        raise RowFailed("dev scores are not finite: the row is stopped")
    found = {"dev.eer": eer(value[~spoof], value[spoof]).eer}
    if loss is not None:
        found["dev.loss"] = loss.mean()
        if not np.isfinite(found["dev.loss"]):
            raise RowFailed("the dev loss is not finite: the row is stopped")
    return found


def _finished(run: Run, progress: Progress) -> bool:
    waited = progress.epoch - progress.best_epoch >= run.training.patience
    stopped = waited and progress.epoch >= run.training.minimum_epochs
    return progress.epoch >= run.training.epochs or stopped


def _optimiser(run: Run, system: System) -> torch.optim.Optimizer:
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    trained = [parameter for parameter in system.parameters() if parameter.requires_grad]
    return kinds[run.optimiser.kind](
        trained, lr=run.optimiser.learning_rate, weight_decay=run.optimiser.weight_decay
    )


def _schedule(run: Run, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    if isinstance(run.schedule, ConstantSchedule):
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    return torch.optim.lr_scheduler.StepLR(
        optimiser, run.schedule.every_epochs, run.schedule.factor
    )


def _keep(
    fabric: Fabric,
    place: Path,
    system: System,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    progress: Progress,
    value: float,
) -> None:
    """Save the epoch. `best.pt` goes first: a crash between the two repeats the epoch and rewrites
    it.
    """
    better = value < progress.best
    if better:
        progress.best, progress.best_epoch = value, progress.epoch
    if fabric.is_global_zero:
        weights = system.state_dict()
        if better:
            checkpoints.save({"system": weights, "epoch": progress.epoch}, place / checkpoints.BEST)
        checkpoints.save(
            {
                "system": weights,
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "progress": vars(progress),
            },
            place / checkpoints.LAST,
        )
    fabric.barrier()


def _restore(
    place: Path,
    system: System,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> Progress:
    state = checkpoints.load(place / checkpoints.LAST)
    system.load_state_dict(state["system"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    return Progress(**state["progress"])
