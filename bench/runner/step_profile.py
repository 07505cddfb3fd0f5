"""Where the time of a training step goes, and what the device could do at best.

A row is trained for some steps on its own clips, on one device: first as it is trained, then with
the device waited for after each part of a step. Operations and bytes are counted on one batch, the
device's own speeds are measured beside it. Finding breaths, done once for a split, is left out.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader

from bench._io import atomic_files
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError
from bench.models.augment import Mixer, build_mixer
from bench.models.systems.base import Batch
from bench.runner.named_device import device_name
from bench.runner.speed import SCORED, measure_scoring, shorten_run
from bench.runner.step_work import (
    DeviceSpeed,
    Work,
    count_work,
    measure_device,
    wait_for_device,
)
from bench.specs.run import Run
from bench.training import checkpoints, engine, file_names
from bench.training.data import EpochSampler, TrainingBatch, TrainingClips
from bench.training.learning import (
    Learner,
    build_learner,
    build_loader,
    build_sampler,
    mix_clips,
    train_step,
)
from bench.training.reused_casts import reuse_casts
from bench.training.row import DatasetCache, RowData

WARM_UP = 3
"""Steps before those that are measured."""
TRACED = 2
"""Steps of the trace."""
TRACE = "trace.json.gz"
"""For chrome://tracing or https://ui.perfetto.dev."""


@dataclass(frozen=True)
class StepProfile:
    """Where the time of one row's training goes on one device."""

    device: str
    precision: str
    workers: int
    """Processes that load audio; 0: the training process does it."""
    batch: int
    """Clips of a step."""
    step_s: float
    """A step as it is trained, the wait for its clips among it: the median."""
    wait_s: float
    """Of it, the wait for the clips: the median."""
    host_s: float | None
    """Until all operations of a step are started, nothing being left to do for the device: the
    median; None where the host is the device."""
    parts: Mapping[str, float]
    """Seconds of the parts of a step, each waited for: medians."""
    loader_rate: float
    """Clips a second that the loader gives where nobody else works."""
    clip_s: float
    """Processor seconds of one clip in one process."""
    dev_rate: float
    """Utterances of dev a second."""
    checkpoint_s: float
    checkpoint_bytes: int
    epoch_clips: int
    dev_utterances: int
    work: Work
    at_best: DeviceSpeed
    peak_bytes: int | None
    """Most memory of the device; None where it is not counted."""

    @property
    def rate(self) -> float:
        """Clips a second that are learnt from."""
        return self.batch / self.step_s

    @property
    def bound_s(self) -> float:
        """Seconds of a step at the device's own speeds: its products, and then its bytes."""
        return self.work.flops / self.at_best.flops + self.work.moved / self.at_best.bandwidth

    @property
    def epoch_parts(self) -> dict[str, float]:
        """Seconds of an epoch: its steps, dev, and one checkpoint."""
        return {
            "steps": self.epoch_clips / self.rate,
            "dev": self.dev_utterances / self.dev_rate,
            "checkpoint": self.checkpoint_s,
        }


def profile_row(run: Run, config: Config, steps: int, folder: Path) -> StepProfile:
    """Train a row for `steps` steps on one device and return where their time goes.

    The trace of two steps is left in `folder`; the weights are thrown away. The row's corpora and
    weights have to be here; raise BenchError where they are not, or where nothing is trained.
    """
    if not run.is_trained:
        raise BenchError(
            "row.not-trainable", "nothing of this row is trained: it has no step to profile"
        )
    one, short = config.for_one_device(), shorten_run(run)
    data = DatasetCache(config).load_row(short)
    assert data.train is not None
    assert data.dev is not None
    fabric = engine.make_fabric(one, run.training.precision)
    system = engine.build_system(short, 0, one)
    workers = one.loader_workers(fabric.device.type)
    clips = build_clips(short, data, one)
    sampler = build_sampler(clips, short, 0)
    loader = build_loader(clips, sampler, short, workers, fabric)
    learner = build_learner(fabric, short, system, len(loader), one.speed)
    learner.module.train()
    move = partial(clips.to_device, device=fabric.device)
    step = TrainingStep(fabric, learner, short, move)
    cuda = fabric.device if fabric.device.type == "cuda" else None
    if cuda is not None:
        torch.cuda.reset_peak_memory_stats(cuda)
    folder.mkdir(parents=True, exist_ok=True)
    batches = iterate_epochs(loader, sampler)
    with reuse_casts(fabric, system, frozen_only=True):
        for _ in range(WARM_UP):
            step.train_batch(next(batches))
        waits, whole = time_steps(step, batches, steps)
        host_s = time_host(step, batches, steps)
        parts = _time_parts(step, batches, steps)
        peak = None if cuda is None else torch.cuda.max_memory_allocated(cuda)
        _write_trace(step, batches, folder / TRACE)
        moved = step.move_batch(next(batches))
        work = count_work(lambda: step.train_moved(moved))
    batches.close()
    checkpoint_s, checkpoint_bytes = time_checkpoint(learner, folder)
    return StepProfile(
        device=device_name(one),
        precision=run.training.precision,
        workers=workers,
        batch=run.training.batch_size,
        step_s=median(whole),
        wait_s=median(waits),
        host_s=host_s,
        parts=parts,
        loader_rate=measure_loader(loader, sampler, steps),
        clip_s=measure_clip(clips),
        dev_rate=measure_scoring(fabric, system, data.dev.subset, short.dev, one),
        checkpoint_s=checkpoint_s,
        checkpoint_bytes=checkpoint_bytes,
        epoch_clips=round(len(clips) * run.train.share),
        dev_utterances=len(data.dev.subset),
        work=work,
        at_best=measure_device(fabric),
        peak_bytes=peak,
    )


class TrainingStep:
    """A training step, as `bench.training.epoch` does it.

    `move_batch` returns clips on the device, with the noise that is added there.
    """

    def __init__(
        self,
        fabric: Fabric,
        learner: Learner,
        run: Run,
        move_batch: Callable[[TrainingBatch], Batch],
    ) -> None:
        self.fabric, self.learner, self.run, self.move_batch = fabric, learner, run, move_batch
        self.mixer: Mixer | None = build_mixer(run.mix)
        self.generator = torch.Generator().manual_seed(0)

    def mix_batch(self, batch: Batch) -> Batch:
        """Return the batch with its clips mixed, if the row mixes them."""
        return mix_clips(batch, self.mixer, self.generator)

    def train_batch(self, clips: TrainingBatch) -> None:
        """Do a whole step."""
        self.train_moved(self.move_batch(clips))

    def train_moved(self, batch: Batch) -> None:
        """Do what is left of a step when its clips are on the device."""
        train_step(self.fabric, self.learner, self.run, self.mix_batch(batch))

    def wait(self) -> None:
        """Wait until the device has done all that was started."""
        wait_for_device(self.fabric.device)


def iterate_epochs(
    loader: DataLoader[TrainingBatch], sampler: EpochSampler
) -> Generator[TrainingBatch]:
    """Yield the batches of one epoch after the other, without end."""
    while True:
        yield from loader
        sampler.epoch += 1


def time_steps(
    step: TrainingStep, batches: Iterator[TrainingBatch], steps: int
) -> tuple[list[float], list[float]]:
    """Return of each step the seconds of the wait for its clips, and all its seconds.

    The device is waited for once, after the last step; what it was behind by then is shared out.
    """
    waits, whole = list[float](), list[float]()
    step.wait()
    for _ in range(steps):
        began = time.perf_counter()
        clips = next(batches)
        arrived = time.perf_counter()
        step.train_batch(clips)
        waits.append(arrived - began)
        whole.append(time.perf_counter() - began)
    began = time.perf_counter()
    step.wait()
    behind = (time.perf_counter() - began) / steps
    return waits, [seconds + behind for seconds in whole]


def time_host(step: TrainingStep, batches: Iterator[TrainingBatch], steps: int) -> float | None:
    """Return the median seconds until all operations of a step are started.

    The device has done all before it: one that is behind makes the host wait, since only about a
    thousand operations may be started ahead of it. None where the host is the device.
    """
    if step.fabric.device.type == "cpu":
        return None
    seconds: list[float] = []
    for _ in range(steps):
        clips = next(batches)
        step.wait()
        began = time.perf_counter()
        step.train_batch(clips)
        seconds.append(time.perf_counter() - began)
    step.wait()
    return median(seconds)


class _PartClock:
    """Adds up the seconds of the parts of a step, and waits for the device after each."""

    def __init__(self, wait: Callable[[], None]) -> None:
        self._wait = wait
        self.seconds = defaultdict[str, float](float)

    @contextmanager
    def time_part(self, name: str) -> Generator[None]:
        """Add the seconds of what is done meanwhile to a part."""
        began = time.perf_counter()
        yield
        self._wait()
        self.seconds[name] += time.perf_counter() - began

    @contextmanager
    def time_calls(self, owner: Any, method: str, part: str) -> Generator[None]:
        """Add the seconds of all calls of a method meanwhile to a part."""
        original = getattr(owner, method)

        def call_timed(*args: Any, **named: Any) -> Any:
            with self.time_part(part):
                return original(*args, **named)

        setattr(owner, method, call_timed)  # of the object: it goes before the class's
        try:
            yield
        finally:
            delattr(owner, method)


def _time_parts(
    step: TrainingStep, batches: Iterator[TrainingBatch], steps: int
) -> dict[str, float]:
    """Return the median seconds of each part of a step."""
    seconds = defaultdict[str, list[float]](list)
    timed = (
        (step.learner.system, "losses", "losses"),
        (step.fabric, "backward", "gradients"),
        (step.fabric, "clip_gradients", "gradient clip"),
        (step.learner.wrapped, "step", "optimiser"),
    )
    for _ in range(steps):
        clips = next(batches)
        clock = _PartClock(step.wait)
        with ExitStack() as calls:
            for owner, method, part in timed:
                calls.enter_context(clock.time_calls(owner, method, part))
            with clock.time_part("clips to the device"):
                batch = step.move_batch(clips)
            with clock.time_part("mixing"):
                batch = step.mix_batch(batch)
            train_step(step.fabric, step.learner, step.run, batch)
        for name, value in clock.seconds.items():
            seconds[name].append(value)
    return {name: median(values) for name, values in seconds.items()}


def _write_trace(step: TrainingStep, batches: Iterator[TrainingBatch], path: Path) -> None:
    activities = [ProfilerActivity.CPU]
    if step.fabric.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, acc_events=True) as trace:
        for _ in range(TRACED):
            step.train_batch(next(batches))
        step.wait()
    trace.export_chrome_trace(str(path))


def time_checkpoint(learner: Learner, folder: Path) -> tuple[float, int]:
    """Return the seconds and the bytes of a checkpoint with all that a resumed training needs."""
    state = {
        "system": learner.system.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "schedule": learner.schedule.state_dict(),
    }
    with atomic_files.scratch_folder(folder / "checkpoint") as scratch:
        path = scratch / file_names.LAST_CHECKPOINT
        began = time.perf_counter()
        checkpoints.save_checkpoint(state, path)
        return time.perf_counter() - began, path.stat().st_size


def build_clips(run: Run, data: RowData, config: Config) -> TrainingClips:
    """Return a run's training clips as this machine reads them."""
    assert data.train is not None
    audio = corpus_cards.read_corpus_card(run.train.corpus).audio
    return TrainingClips(data.train.subset, run.train, audio, run.augment, 0, config)


def measure_loader(loader: DataLoader[TrainingBatch], sampler: EpochSampler, steps: int) -> float:
    """Return how many clips a second a loader gives where nobody else works."""
    batches = iterate_epochs(loader, sampler)
    for _ in range(WARM_UP):
        next(batches)
    began = time.perf_counter()
    clips = sum(len(next(batches).batch.waves) for _ in range(steps))
    return clips / (time.perf_counter() - began)


def measure_clip(clips: TrainingClips) -> float:
    """Return the processor seconds of one clip in one process; the first one is not counted."""
    number = min(len(clips), SCORED)
    clips[0, 0]
    began = time.process_time()
    for index in range(number):
        clips[1, index]
    return (time.process_time() - began) / number
