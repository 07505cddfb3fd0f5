"""Train one run: epochs, selection on dev, full-state checkpoints, exact resumption.

Lightning Fabric brings devices, precision and processes; the loop is ours, because a restart has to
be exact. At the start of each epoch every random generator is set from (seed, epoch), so an epoch
that follows a restart draws what it would have drawn without one. A signal that asks for a stop
ends training after a step, with a checkpoint from which it goes on at that very step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.plugins.precision.amp import MixedPrecision
from lightning_fabric.plugins.precision.precision import Precision

from bench._io import launchers
from bench._io.launchers import Launcher
from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError, RowFailed, Stopped
from bench.metrics.det import eer_by_class
from bench.models import devices, weights
from bench.models.official_weights import load_official
from bench.models.systems.base import System
from bench.specs.corpus import Audio
from bench.specs.precision import PrecisionName
from bench.specs.run import Run
from bench.training import checkpoints, conditions, keeping, system_checks
from bench.training.callbacks import TrainingCallback
from bench.training.data import TrainingClips, Utterances
from bench.training.epoch import EpochTraining
from bench.training.keeping import Progress, Selection
from bench.training.learning import Learner, build_learner, build_loader, build_sampler
from bench.training.losses import MeanLoss
from bench.training.reused_casts import reuse_casts
from bench.training.scoring import (
    RepeatedScoring,
    build_utterances,
    repeat_scoring,
    score_utterances,
)
from bench.training.speedups import describe_speed

RESULTS_VERSION = 1
"""Raised when what a training gives can change, here, in `bench.training.epoch` or `.learning`."""


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


def make_fabric(config: Config, precision: PrecisionName) -> Fabric:
    """Return Fabric for the devices of the configuration; BenchError where they are not here.

    Products of float32 numbers are those of `precision` from now on, in this whole process.

    Where srun or torchrun started a process for each (`find_launcher`), these work together. Else
    all are on this machine, whatever a cluster's variables (`SLURM_NTASKS`) say, and several
    devices get their processes from Fabric.
    """
    devices.require_devices(config)
    conditions.apply_precision(precision)
    environment: ClusterEnvironment = LightningEnvironment()
    strategy = "ddp_spawn" if config.devices > 1 else "auto"
    if (launcher := find_launcher(config)) is not None:
        strategy = "ddp"
        if launcher.name == "srun":
            launchers.prepare_slurm(launcher, os.environ)
            environment = SLURMEnvironment(auto_requeue=False)
        else:
            environment = TorchElasticEnvironment()
    return Fabric(
        accelerator=config.device,
        strategy=strategy,
        devices=config.devices,
        num_nodes=config.nodes,
        plugins=[environment, _build_precision(precision, devices.device_kind(config.device))],
    )


def _build_precision(precision: PrecisionName, device: str) -> Precision:
    """Return Lightning's part; given by its name, it computes in bfloat16 on a CPU for float16."""
    match precision:
        case "fp32" | "tf32":
            return Precision()
        case "bf16-mixed":
            return MixedPrecision("bf16-mixed", device)
        case "fp16-mixed":
            return MixedPrecision("16-mixed", device)


def find_launcher(config: Config) -> Launcher | None:
    """Return what started the processes of a run on several devices; None where nothing did.

    Raise BenchError where it started more or fewer than the configuration has devices.
    """
    return None if config.device_count == 1 else check_launcher(config)


def check_launcher(config: Config) -> Launcher | None:
    """Do as `find_launcher`, also where one device is configured.

    srun may start several commands for one device each, which share the rows.
    """
    launcher = launchers.read_launcher()
    wanted = f"devices = {config.devices} and nodes = {config.nodes}"
    if launcher is None or (launcher.name == "srun" and config.device_count == 1):
        if config.nodes > 1:
            raise BenchError(
                "machine.launcher-missing",
                f"{wanted}: start `bench` by srun or torchrun, which begin a process for each of "
                f"the {config.device_count} devices (see docs/run.md)",
            )
        return None
    if (launcher.processes, launcher.nodes) != (config.device_count, config.nodes):
        raise BenchError(
            "machine.launcher-mismatch",
            f"{launcher.name} started {launcher.processes} processes on {launcher.nodes} "
            f"{'node' if launcher.nodes == 1 else 'nodes'}, but {wanted} need "
            f"{config.device_count}: change one of the two",
        )
    return launcher


def build_system(run: Run, seed: int, config: Config) -> System:
    """Return the run's system with its initial weights, drawn from `seed`.

    A run that starts from published weights has these, but in smoke form.
    """
    torch.manual_seed(seed)
    needed = run.published_weights
    frontend = run.frontend.build(config) if needed is None else run.frontend.lay_out()
    system = run.system.build(frontend, run.train)
    system_checks.check_data(run, system)
    if needed is not None:
        load_official(system, run.system, weights.locate_requirement(needed, config))
    return system


def train(
    fabric: Fabric,
    run: Run,
    seed: int,
    data: TrainingData,
    folder: Path,
    config: Config,
    callback: TrainingCallback,
) -> FinishedTraining:
    """Train to the end, from the last state in `folder`; leave `last.pt` and `kept.pt`.

    Where the state of an earlier training is incomplete, begin anew. Raise Stopped where a signal
    asked for it, after the state is saved.
    """
    system = build_system(run, seed, config)
    clips = TrainingClips(data.train, run.train, data.train_audio, run.augment, seed, config)
    sampler = build_sampler(clips, run, seed, fabric.global_rank, fabric.world_size)
    workers = config.loader_workers(fabric.device.type)
    loader = build_loader(clips, sampler, run, workers, fabric)
    earlier = keeping.read_resumable(run, folder)
    if earlier is None:
        _begin_anew(fabric, system, data.start, folder)
    fabric.barrier()
    learner = build_learner(fabric, run, system, len(loader), config.speed)
    progress = Progress() if earlier is None else _restore_state(fabric, earlier, learner, callback)
    stopped = None if earlier is None else earlier.get("epoch")
    on_dev_too = run.augment.kind != "none" and run.augment.augments_dev
    dev_augment = run.augment if on_dev_too else None
    dev = build_utterances(
        fabric, data.dev, run.dev, data.dev_audio, config, dev_augment, is_dev=True
    )
    measure_dev = partial(
        _measure_dev, fabric, system, dev, repeat_scoring(fabric, system, dev, workers, config)
    )
    if system.needs_attack_type:
        system_checks.require_attack_types(clips.reader)
        system_checks.require_attack_types(dev.reader)
    if not keeping.is_finished(run.training, progress):
        here = conditions.current_conditions(
            fabric.device.type, fabric.world_size, describe_speed(run, config.speed, fabric)
        )
        progress.conditions = conditions.join_conditions(progress.conditions, here)
    with checkpoints.CheckpointWriter() as writer:
        saver = keeping.StateSaver(writer, run.training, folder, config.checkpoint_minutes)
        while not keeping.is_finished(run.training, progress):
            began = time.monotonic()
            epoch = EpochTraining(fabric, learner, run, seed, progress)
            if stopped is not None:
                epoch.load_state_dict(stopped)
                stopped = None
            saving = _SavingWithin(fabric, learner, progress, saver, began)
            try:
                with reuse_casts(fabric, system, frozen_only=True):
                    learnt = epoch.train_epoch(loader, clips, sampler, callback, saving)
                _share_buffers(fabric, system)
                figures = learnt | measure_dev(run.training.select)
            except Stopped:
                state = saving.collect(epoch.state_dict())
                if fabric.is_global_zero:
                    saver.save_stopped(state)
                fabric.barrier()
                raise
            progress.epoch += 1
            progress.seconds += time.monotonic() - began
            progress.history.append(figures)
            better = keeping.is_better(run.training, progress, figures[run.training.select])
            if fabric.is_global_zero:
                saver.save_epoch(_collect_state(fabric, learner, progress), progress, better)
            callback.on_epoch(progress.epoch, figures)
    if fabric.is_global_zero:
        keeping.average_epochs(run, folder, progress)
    fabric.barrier()

    def on_dev(weights: Mapping[str, Any]) -> dict[str, float]:
        system.load_state_dict(weights)
        return measure_dev(run.training.select)

    selection = keeping.select_weights(run, folder, progress, on_dev, writes=fabric.is_global_zero)
    return FinishedTraining(progress, selection)


class _SavingWithin(NamedTuple):
    """Saves the state of a training within an epoch that `began` at a time."""

    fabric: Fabric
    learner: Learner
    progress: Progress
    saver: keeping.StateSaver
    began: float

    def is_time(self) -> bool:
        return self.fabric.is_global_zero and self.saver.is_time_within()

    def save(self, epoch: dict[str, Any]) -> None:
        state = self.collect(epoch)
        if self.fabric.is_global_zero:
            self.saver.save_within(state)

    def collect(self, epoch: dict[str, Any]) -> dict[str, Any]:
        """Return the state, with that of the epoch."""
        seconds = self.progress.seconds + time.monotonic() - self.began
        reached = replace(self.progress, seconds=seconds)
        return _collect_state(self.fabric, self.learner, reached, epoch)


def _begin_anew(fabric: Fabric, system: System, start: Path | None, folder: Path) -> None:
    """Clear the folder, and take the front-end over from the training that this one starts from."""
    if fabric.is_global_zero:
        checkpoints.clear_folder(folder)
    if start is not None:
        _load_frontend(start, system)


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


def _share_buffers(fabric: Fabric, system: System) -> None:
    """Give all processes the first one's statistics of batch norm, which are the ones saved."""
    if fabric.world_size > 1:
        for buffer in system.buffers():
            torch.distributed.broadcast(buffer, src=0)


def _measure_dev(
    fabric: Fabric, system: System, dev: Utterances, repeated: RepeatedScoring, select: str
) -> dict[str, float]:
    """Return `dev.eer` and, where it selects, `dev.loss`, which costs as much again."""
    loss = MeanLoss(fabric, system) if select == "dev.loss" else None
    each = loss.add_batch if loss else None
    scores = score_utterances(fabric, system, dev, 0, each, repeated=repeated)
    spoof = np.concatenate(dev.labels)
    value = np.concatenate([scores[i].score for i in range(len(dev.subset))])
    results = {"dev.eer": eer_by_class(value[~spoof], value[spoof]).eer}
    if loss is not None:
        results["dev.loss"] = loss.reduce_mean()
        if not np.isfinite(results["dev.loss"]):
            raise RowFailed(
                "training.not-finite", "the dev loss is not finite: the row was stopped"
            )
    return results


def _collect_state(
    fabric: Fabric,
    learner: Learner,
    progress: Progress,
    stopped: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of `last.pt`; `stopped` is the state of an epoch that goes on."""
    return {
        "version": keeping.STATE_VERSION,
        "system": learner.system.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "schedule": learner.schedule.state_dict(),
        "precision": fabric.strategy.precision.state_dict(),
        "progress": vars(progress),
        "epoch": stopped,
    }


def _restore_state(
    fabric: Fabric, state: dict[str, Any], learner: Learner, observer: TrainingCallback
) -> Progress:
    """Load the state of an earlier session, and report its epochs once more."""
    if "system" in state:  # else the training has ended: no epoch follows
        learner.system.load_state_dict(state["system"])
        # The learner is set up, so that this state follows its parameters to the device.
        # Its implementation is this machine's, whatever the machine before had.
        for saved, group in zip(
            state["optimiser"]["param_groups"], learner.optimiser.param_groups, strict=True
        ):
            saved["fused"] = group["fused"]
        learner.optimiser.load_state_dict(state["optimiser"])
        learner.schedule.load_state_dict(state["schedule"])
        if state["precision"]:
            fabric.strategy.precision.load_state_dict(state["precision"])
    progress = Progress(**state["progress"])
    for number, figures in enumerate(progress.history, start=1):
        observer.on_epoch(number, figures)
    return progress
