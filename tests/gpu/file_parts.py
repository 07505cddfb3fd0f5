"""Parts that read audio files or write checkpoints: the loader, a whole training, a short row."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np
import torch

from bench.config import Config
from bench.evaluation import score_file
from bench.metrics.det import eer_by_class
from bench.models.augment import augment_batch
from bench.runner.step_profile import (
    TRACE,
    StepProfile,
    build_clips,
    measure_clip,
    measure_loader,
    profile_row,
    time_checkpoint,
)
from bench.runner.step_work import wait_for_device
from bench.specs.run import Run
from bench.training import engine
from bench.training.callbacks import SilentCallback
from bench.training.checkpoints import CheckpointWriter
from bench.training.data import EpochSampler
from bench.training.file_names import BEST_CHECKPOINT
from bench.training.learning import build_learner, build_loader
from bench.training.row import DatasetCache, RowData, TrainedRow, train_and_score
from tests.gpu.parts import Row, try_variant
from tests.gpu.scene import Scene

SCORE_NOISE = 1e-3
"""Scores of one and the same network on CPU and GPU may differ by so much of their standard
deviation: sums are taken in another order."""
SHORT_ROW = "S5"


def measure_training(scene: Scene) -> Iterator[Row]:
    """`bench profile` of SAL S7 with its own clips, noise on the host and on the device."""
    for augment_on in ("host", "device"):
        part, variant = "SAL S7 from files", f"{scene.amounts.fast}, RawBoost on the {augment_on}"
        yield try_variant(part, variant, partial(_profile, scene, part, variant, augment_on))


def _profile(scene: Scene, part: str, variant: str, augment_on: str) -> Row:
    folder = scene.folder / f"profile-{augment_on}"
    config, run = scene.make_config(augment_on=augment_on), scene.resolve_sal(scene.amounts.fast)
    found = profile_row(run, config, scene.amounts.steps, folder)
    if augment_on == "device":
        shutil.move(folder / TRACE, scene.folder / TRACE)
    return Row(part, variant, _profile_figures(found), f"{found.workers} processes load clips")


def _profile_figures(found: StepProfile) -> dict[str, float]:
    figures = {
        "step (ms)": 1000 * found.step_s,
        "clips/s": found.rate,
        "wait for clips (ms)": 1000 * found.wait_s,
        **{f"{part} (ms)": 1000 * seconds for part, seconds in found.parts.items()},
        "loader alone, clips/s": found.loader_rate,
        "clip on one core (ms)": 1000 * found.clip_s,
        "dev, utterances/s": found.dev_rate,
        "operations": found.work.operations,
        "GFLOP of products": found.work.flops / 1e9,
        "GB moved by others": found.work.moved / 1e9,
        "least step by device's speeds (ms)": 1000 * found.bound_s,
    }
    if found.host_s is not None:
        figures["host (ms)"] = 1000 * found.host_s
    if found.peak_bytes is not None:
        figures["memory (GB)"] = found.peak_bytes / 1e9
    return figures


def measure_loaders(scene: Scene) -> Iterator[Row]:
    """Clips a second of the loader where nothing is trained, with and without RawBoost."""
    cases = {
        "no noise": ("host", "augment={kind='none'}"),
        "RawBoost on the host, p 0.5": ("host", "augment.probability=0.5"),
        "RawBoost on the host, p 1": ("host", "augment.probability=1.0"),
        "RawBoost for the device, p 1": ("device", "augment.probability=1.0"),
    }
    data = DatasetCache(scene.make_config()).load_row(scene.resolve_sal("fp32"))
    for variant, (augment_on, change) in cases.items():
        run = scene.resolve_sal("fp32", change)
        config = scene.make_config(augment_on=augment_on)
        yield try_variant("loader", variant, partial(_load, scene, variant, run, data, config))


def _load(scene: Scene, variant: str, run: Run, data: RowData, config: Config) -> Row:
    fabric = engine.make_fabric(config, "fp32")
    clips = build_clips(run, data, config)
    sampler = EpochSampler(len(clips), 0)
    workers = config.loader_workers(fabric.device.type)
    loader = build_loader(clips, sampler, run, workers, fabric)
    figures = {
        "loader alone, clips/s": measure_loader(loader, sampler, 2 * scene.amounts.steps),
        "clip on one core (ms)": 1000 * measure_clip(clips),
    }
    return Row("loader", variant, figures, f"{workers} processes load clips")


def measure_rawboost(scene: Scene) -> Iterator[Row]:
    """RawBoost of a batch on the device, each clip changed, against the host's clips."""
    run = scene.resolve_sal("fp32", "augment.probability=1.0")
    data = DatasetCache(scene.make_config()).load_row(run)
    on_device = build_clips(run, data, scene.make_config(augment_on="device"))
    on_host = build_clips(run, data, scene.make_config())
    fabric = engine.make_fabric(scene.make_config(), "fp32")
    keys = [(0, index % len(on_host)) for index in range(scene.amounts.batch)]
    read = on_device.collate_clips([on_device[key] for key in keys])
    waves = read.batch.waves.to(fabric.device)
    assert on_device.on_device is not None
    assert read.on_device is not None
    seconds: list[float] = []
    changed = waves
    for _ in range(scene.amounts.warm_up + scene.amounts.steps):
        wait_for_device(fabric.device)
        began = time.perf_counter()
        changed = augment_batch(on_device.on_device, waves, read.on_device)
        wait_for_device(fabric.device)
        seconds.append(time.perf_counter() - began)
    there = on_host.collate_clips([on_host[key] for key in keys]).batch.waves
    figures = {
        "batch on the device (ms)": 1000 * median(seconds[scene.amounts.warm_up :]),
        "clip drawn for the device (ms)": 1000 * measure_clip(on_device),
        "clip with noise on one core (ms)": 1000 * measure_clip(on_host),
        "largest difference": float((changed.cpu() - there).abs().max()),
    }
    yield Row("RawBoost 4", f"batch of {scene.amounts.batch}, every clip", figures)


def measure_checkpoints(scene: Scene) -> Iterator[Row]:
    """A checkpoint of SAL S7 with Adam's state: in the training thread, and beside it."""
    run = scene.resolve_sal("fp32")
    config = scene.make_config()
    fabric = engine.make_fabric(config, "fp32")
    learner = build_learner(fabric, run, engine.build_system(run, 0, config), 1, config.speed)
    for weight in learner.system.parameters():
        if weight.requires_grad:
            weight.grad = torch.zeros_like(weight)
    learner.wrapped.step()  # Adam's state comes into being
    seconds, size = time_checkpoint(learner, scene.folder)
    state = {"system": learner.system.state_dict(), "optimiser": learner.optimiser.state_dict()}
    path = scene.folder / "beside.pt"
    with CheckpointWriter() as writer:
        began = time.perf_counter()
        writer.write_files({path: state})
        held_s = time.perf_counter() - began
    figures = {
        "written in the training thread (s)": seconds,
        "training waits (s)": held_s,
        "written beside it (s)": time.perf_counter() - began,
        "size (GB)": size / 1e9,
    }
    path.unlink()
    yield Row("checkpoint", "SAL S7 with Adam's state", figures)


# --- one short row on CPU and GPU -----------------------------------------------------------------


def measure_short_row(scene: Scene) -> Iterator[Row]:
    """A smoke row trained and scored on CPU and device in fp32, with several seeds.

    The same weights have to give the same scores but for `SCORE_NOISE`, trainings on both the same
    EER but for what seeds change.
    """
    epochs = f"training.epochs={scene.amounts.epochs}"
    run = scene.resolve_row(
        "sal/table4", SHORT_ROW, epochs, "training.precision='fp32'", form="smoke"
    )
    trained: dict[str, list[TrainedRow]] = {}
    for side, device in (("CPU", "cpu"), ("GPU", scene.device)):
        config = replace(scene.make_config(device=device), workers=0)
        began = time.perf_counter()
        trained[side] = [
            _train(run, seed, config, scene.folder / side / str(seed))
            for seed in range(scene.amounts.seeds)
        ]
        figures = {"train and score (s)": time.perf_counter() - began}
        yield Row(_short_name(scene), f"{scene.amounts.seeds} seeds on {device}", figures)
    yield _compare_scores(scene, run)
    for name in run.evaluate:
        yield _compare_trainings(scene, name, trained)


def _short_name(scene: Scene) -> str:
    return f"SAL {SHORT_ROW}, smoke, {scene.amounts.epochs} epochs"


def _train(run: Run, seed: int, config: Config, folder: Path) -> TrainedRow:
    fabric = engine.make_fabric(config, run.training.precision)
    data = DatasetCache(config).load_row(run)
    return train_and_score(fabric, run, seed, data, folder, config, SilentCallback())


def _compare_scores(scene: Scene, run: Run) -> Row:
    """Score the weights that the CPU has trained on the device."""
    there, here = scene.folder / "CPU" / "0", scene.folder / "carried"
    shutil.copytree(there, here, ignore=shutil.ignore_patterns("scores"))
    carried = _train(run, 0, replace(scene.make_config(), workers=0), here)
    assert (there / BEST_CHECKPOINT).read_bytes() == (here / BEST_CHECKPOINT).read_bytes()
    differences: list[float] = []
    for path in carried.scores.values():
        scores = score_file.read_scores(path)["score"].to_numpy()
        expected = score_file.read_scores(there / "scores" / path.name)["score"].to_numpy()
        differences.append(float(np.abs(scores - expected).max() / expected.std()))
    largest = max(differences)
    is_beyond = largest > SCORE_NOISE
    note = f"{'BEYOND' if is_beyond else 'within'} the stated {SCORE_NOISE:g}"
    figures = {"largest difference of a score, in standard deviations": largest}
    return Row(_short_name(scene), "the same weights on both", figures, note, is_beyond)


def _compare_trainings(scene: Scene, name: str, trained: Mapping[str, list[TrainedRow]]) -> Row:
    eers = {side: [_read_eer(row.scores[name]) for row in rows] for side, rows in trained.items()}
    apart = fmean(eers["GPU"]) - fmean(eers["CPU"])
    spread = stdev(eers["CPU"] + eers["GPU"]) if scene.amounts.seeds > 1 else 0.0
    noise = 4 * spread * (2 / scene.amounts.seeds) ** 0.5
    is_beyond = abs(apart) > noise
    figures = {
        "EER on the CPU (%)": fmean(eers["CPU"]),
        "EER on the device (%)": fmean(eers["GPU"]),
        "stated noise": noise,
    }
    note = f"{'BEYOND' if is_beyond else 'within'} four standard errors of the seeds' spread"
    return Row(_short_name(scene), f"trained on each, {name}", figures, note, is_beyond)


def _read_eer(path: Path) -> float:
    """Return the EER of a score file in per cent."""
    scores = score_file.read_scores(path)
    value, spoof = scores["score"].to_numpy(), scores["label"].to_numpy() == "spoof"
    return 100 * eer_by_class(value[~spoof], value[spoof]).eer
