"""How fast a row trains and scores on this device, measured on the row's own clips."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from lightning_fabric import Fabric

from bench._io import atomic_files
from bench.cards import corpus_cards
from bench.config import Config
from bench.data.subset import Subset
from bench.models.systems.base import System
from bench.runner.measured_speed import Speed, keep_speed
from bench.runner.named_device import device_name
from bench.specs.run import HeldOutData, Run
from bench.training import engine, shares
from bench.training.callbacks import SilentCallback
from bench.training.row import DatasetCache
from bench.training.scoring import build_utterances, score_utterances

STEPS = 10
"""Steps that are measured; as many before them are not."""
SCORED = 64
"""Utterances that are scored of each split."""


def measure_speed(run: Run, config: Config) -> Speed:
    """Train and score a run for a moment on one device, and keep how fast that was.

    Its corpora and weights have to be here; raise BenchError where they are not. Finding breaths,
    which is done once for a split, is left out.
    """
    one, short = config.for_one_device(), shorten_run(run)
    data = DatasetCache(config).load_row(run)
    fabric = engine.make_fabric(one, run.training.precision)
    system = engine.build_system(short, 0, one).to(fabric.device)

    evaluated = {
        name: measure_scoring(fabric, system, loaded.subset, short.evaluate[name], one)
        for name, loaded in data.evaluate.items()
    }
    day = datetime.now(UTC).date().isoformat()
    speed = Speed(0.0, 0.0, evaluated, day)
    if data.train is not None and data.dev is not None:
        train = draw_few(data.train.subset, STEPS * run.training.batch_size)
        dev = draw_few(data.dev.subset, SCORED)
        speed = speed._replace(
            train=len(train) / _time_epoch(fabric, short, train, dev, one),
            dev=measure_scoring(fabric, system, data.dev.subset, short.dev, one),
        )
    keep_speed(speed, run, device_name(one), config.work)
    return speed


def measure_scoring(
    fabric: Fabric, system: System, subset: Subset, held_out: HeldOutData, config: Config
) -> float:
    """Return how many utterances a second are scored, of a few of a split, scored once before."""
    few = draw_few(subset, SCORED)
    audio = corpus_cards.read_corpus_card(held_out.corpus).audio
    share = build_utterances(fabric, few, held_out, audio, config)
    workers = config.loader_workers(fabric.device.type)
    score_utterances(fabric, system, share, workers)
    began = time.perf_counter()
    score_utterances(fabric, system, share, workers)
    return len(few) / (time.perf_counter() - began)


def _time_epoch(fabric: Fabric, run: Run, train: Subset, dev: Subset, config: Config) -> float:
    """Return how many seconds the second epoch's steps took."""
    sound = (
        corpus_cards.read_corpus_card(run.train.corpus).audio,
        corpus_cards.read_corpus_card(run.dev.corpus).audio,
    )
    clock = _Clock()
    with atomic_files.scratch_folder(config.work / "speed") as folder:
        material = engine.TrainingData(train, dev, *sound)
        engine.train(fabric, run, 0, material, folder, config, clock)
    return clock.second_epoch_s


def shorten_run(run: Run) -> Run:
    """Return the run with two epochs, if any, its best kept, alone, and without breaths."""
    training = {"epochs": 2, "minimum_epochs": 0, "first_candidate": 1, "keep": {"kind": "best"}}
    content = run.model_dump(mode="json")
    if run.is_trained:
        content["training"] |= training
        content["start"] = {"kind": "none"}
    for data in (content["train"], content["dev"], *content["evaluate"].values()):
        data["breath"] = {"kind": "none" if data["breath"]["kind"] == "none" else "zeros"}
    return Run.model_validate(content)


def draw_few(subset: Subset, number: int) -> Subset:
    """Return about `number` utterances of a split, the same ones each time."""
    return shares.draw_share(subset, min(1.0, number / len(subset)), 0)


class _Clock(SilentCallback):
    """Tells how long the steps of the second epoch took."""

    second_epoch_s = float("nan")
    _began = 0.0

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        del losses
        if epoch == 2 and step == steps:
            self.second_epoch_s = time.monotonic() - self._began

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        del epoch, figures
        self._began = time.monotonic()
