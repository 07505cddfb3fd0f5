"""A training step and scoring in every variant, and with the encoders of other libraries."""

from __future__ import annotations

import gc
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from bench.config.speed_settings import SpeedSettings
from bench.models.frontends import FrontEnd
from bench.models.frontends.encoder import KERNELS, STRIDES, normalise_waves
from bench.models.systems.base import Batch, System
from bench.runner.step_profile import TrainingStep, time_host, time_steps
from bench.specs.run import Run
from bench.training import engine, speedups
from bench.training.data import TrainingBatch
from bench.training.learning import Learner, build_learner
from bench.training.reused_casts import reuse_casts
from bench.training.scoring import predict_batch
from tests.gpu.made import draw_encoder
from tests.gpu.parts import Row, try_variant
from tests.gpu.scene import Amounts, Dimensions, Scene
from tests.made_batches import make_batch

SETTINGS = {
    "fused Adam": {"fused_adam": True},
    "channels last": {"fused_adam": True, "channels_last": True},
    "gradient checkpointing": {"fused_adam": True, "gradient_checkpointing": True},
}
"""Variants of the fast precision."""
PLAIN = SpeedSettings(fused_adam=False)


def measure_settings(scene: Scene) -> Iterator[Row]:
    """SAL S7 in each precision, all settings off, then with settings in the fast one."""
    part = f"SAL S7, batch {scene.amounts.batch}"
    for precision in scene.amounts.precisions:
        yield measure_variant(scene, part, precision, scene.resolve_sal(precision), PLAIN)
    fast = scene.amounts.fast
    for name, settings in SETTINGS.items():
        speed, run = SpeedSettings(**settings), scene.resolve_sal(fast)
        yield measure_variant(scene, part, f"{fast}, {name}", run, speed)


def measure_compiled(scene: Scene) -> Iterator[Row]:
    """SAL S7 with compiled blocks, alone and with channels last."""
    fast = scene.amounts.fast
    part, run = f"SAL S7, batch {scene.amounts.batch}", scene.resolve_sal(fast)
    for name, last in (("compiled blocks", False), ("compiled blocks, channels last", True)):
        speed = SpeedSettings(fused_adam=True, compile="blocks", channels_last=last)
        yield measure_variant(scene, part, f"{fast}, {name}", run, speed)


def measure_graphs(scene: Scene) -> Iterator[Row]:
    """SAL S7 with CUDA graphs of the blocks."""
    speed = SpeedSettings(fused_adam=True, compile="cuda-graphs")
    fast = scene.amounts.fast
    part, run = f"SAL S7, batch {scene.amounts.batch}", scene.resolve_sal(fast)
    yield measure_variant(scene, part, f"{fast}, CUDA graphs", run, speed)


def measure_small_batches(scene: Scene) -> Iterator[Row]:
    """TCA and BreathNet, which have a tenth of a device's work in a step."""
    yield from _measure_small(scene, scene.amounts.fast, SpeedSettings())


def measure_small_graphs(scene: Scene) -> Iterator[Row]:
    """The same with CUDA graphs of the blocks."""
    speed = SpeedSettings(compile="cuda-graphs")
    yield from _measure_small(scene, f"{scene.amounts.fast}, CUDA graphs", speed)


def _measure_small(scene: Scene, variant: str, speed: SpeedSettings) -> Iterator[Row]:
    batch = scene.amounts.small_batch
    changes = f"training.precision='{scene.amounts.fast}'", f"training.batch_size={batch}"
    for table, row in (("tca/table2", "TCA"), ("breathnet/table4", "BreathNet")):
        run = scene.resolve_row(table, row, *changes)
        yield measure_variant(scene, f"{row}, batch {batch}", variant, run, speed)


def measure_others(scene: Scene) -> Iterator[Row]:
    """SAL S7 on encoders of other libraries, which are trained and scored as ours, and on ours."""
    part = f"encoders, SAL S7, batch {scene.amounts.batch}"
    for precision in scene.amounts.precisions:
        run = scene.resolve_sal(precision)
        ours = measure_variant(scene, part, f"ours, {precision}", run, SpeedSettings())
        yield ours
        for library, draw in ENCODERS.items():
            build = partial(_build_on, draw)
            variant = f"{library}, {precision}"
            row = measure_variant(scene, part, variant, run, SpeedSettings(), build)
            ratios = {
                f"ours, times its {name}": ours.figures[name] / row.figures[name]
                for name in ("clips/s", "scored clips/s")
                if name in ours.figures and name in row.figures
            }
            yield row._replace(figures={**row.figures, **ratios})


# --- one variant ----------------------------------------------------------------------------------


def build_ours(run: Run, scene: Scene) -> System:
    """Return the run's system as the suite builds it."""
    return engine.build_system(run, 0, scene.make_config())


def measure_variant(
    scene: Scene,
    part: str,
    variant: str,
    run: Run,
    speed: SpeedSettings,
    build: Callable[[Run, Scene], System] = build_ours,
) -> Row:
    """Return the row of a variant: its training step and its scoring, on made waves."""
    return try_variant(part, variant, lambda: _measure(scene, part, variant, run, speed, build))


def _measure(
    scene: Scene,
    part: str,
    variant: str,
    run: Run,
    speed: SpeedSettings,
    build: Callable[[Run, Scene], System],
) -> Row:
    if scene.is_trial:  # the compiler takes a minute on a CPU
        speedups.BACKEND = "eager"
    fabric = engine.make_fabric(scene.make_config(speed), run.training.precision)
    if fabric.device.type == "cuda":
        gc.collect()  # of the variant before
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(fabric.device)
    with _listen_to(speedups.__name__) as said:
        learner = build_learner(fabric, run, build(run, scene), scene.amounts.steps, speed)
    figures = _time_training(fabric, learner, run, scene.amounts)
    if fabric.device.type == "cuda":
        figures["memory (GB)"] = torch.cuda.max_memory_allocated(fabric.device) / 1e9
    learner.optimiser.zero_grad(set_to_none=True)
    clips = scene.amounts.scored
    figures["scored clips/s"] = clips / _time_scoring(fabric, learner.system, run, scene.amounts)
    return Row(part, variant, figures, "; ".join(said))


def _time_training(
    fabric: Fabric, learner: Learner, run: Run, amounts: Amounts
) -> dict[str, float]:
    learner.module.train()
    step = TrainingStep(fabric, learner, run, lambda clips: _move_batch(fabric, clips.batch))
    batches = itertools.repeat(
        TrainingBatch(_pin_batch(fabric, run, run.training.batch_size), None)
    )
    with reuse_casts(fabric, learner.system, frozen_only=True):
        for _ in range(amounts.warm_up):
            step.train_batch(next(batches))
        _, seconds = time_steps(step, batches, amounts.steps)
        host_s = time_host(step, batches, amounts.steps // 2)
    whole_s = median(seconds)
    figures = {"step (ms)": 1000 * whole_s, "clips/s": run.training.batch_size / whole_s}
    return figures if host_s is None else {**figures, "host (ms)": 1000 * host_s}


def _time_scoring(fabric: Fabric, system: System, run: Run, amounts: Amounts) -> float:
    """Return the median seconds of scoring a batch, its scores on the host."""
    system.eval()
    batch = _move_batch(fabric, _pin_batch(fabric, run, amounts.scored))
    seconds: list[float] = []
    with torch.inference_mode(), reuse_casts(fabric, system, frozen_only=False):
        for _ in range(amounts.warm_up + amounts.steps // 2):
            began = time.perf_counter()
            predict_batch(fabric, system, batch, run.dev.resolution_s)
            seconds.append(time.perf_counter() - began)
    return median(seconds[amounts.warm_up :])


def _pin_batch(fabric: Fabric, run: Run, clips: int) -> Batch:
    batch = make_batch(run, clips)
    if fabric.device.type == "cuda":
        return Batch(*(part.pin_memory() for part in batch))
    return batch


def _move_batch(fabric: Fabric, batch: Batch) -> Batch:
    return Batch(*(part.to(fabric.device, non_blocking=True) for part in batch))


@contextmanager
def _listen_to(name: str) -> Iterator[list[str]]:
    """Give the messages of a logger meanwhile: what it says of a compiler that fails."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


# --- encoders of other libraries ------------------------------------------------------------------


class OtherEncoder(FrontEnd):
    """Another library's encoder as a front-end; its convolutions are frozen, as ours are."""

    def __init__(
        self,
        model: nn.Module,
        convolutions: nn.Module,
        shape: Dimensions,
        n_states: int,
        list_states: Callable[[nn.Module, Tensor], tuple[Tensor, ...]],
    ) -> None:
        super().__init__()
        self.model, self.dim, self.n_states = model, shape.dim, n_states
        self._list_states = list_states
        convolutions.requires_grad_(False)

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return its hidden states of waves that are normalised as ours."""
        return self._list_states(self.model, normalise_waves(waves, "utterance"))


def draw_transformers(shape: Dimensions) -> OtherEncoder:
    """Return transformers' encoder, with no mask and no dropout, as SAL has ours."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    layers = len(KERNELS)
    config = Wav2Vec2Config(
        hidden_size=shape.dim,
        num_hidden_layers=shape.blocks,
        num_attention_heads=16,
        intermediate_size=shape.feed_forward,
        conv_dim=(shape.channels,) * layers,
        conv_kernel=KERNELS,
        conv_stride=STRIDES,
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        apply_spec_augment=False,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )
    model = Wav2Vec2Model(config)

    def list_states(model: nn.Module, waves: Tensor) -> tuple[Tensor, ...]:
        answer = model(waves, output_hidden_states=True)
        return (*answer.hidden_states[:-1], answer.last_hidden_state)

    return OtherEncoder(model, model.feature_extractor, shape, shape.blocks + 1, list_states)


def draw_torchaudio(shape: Dimensions) -> OtherEncoder:
    """Return torchaudio's encoder, which gives no state before its first block."""
    model = draw_encoder(shape)

    def list_states(model: nn.Module, waves: Tensor) -> tuple[Tensor, ...]:
        states, _ = model.extract_features(waves)
        return tuple(states)

    return OtherEncoder(model, model.feature_extractor, shape, shape.blocks, list_states)


ENCODERS = {"transformers": draw_transformers, "torchaudio": draw_torchaudio}


def _build_on(draw: Callable[[Dimensions], OtherEncoder], run: Run, scene: Scene) -> System:
    torch.manual_seed(0)
    return run.system.build(draw(scene.amounts.encoder), run.train)
