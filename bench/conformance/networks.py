"""What a system, a front-end and an augmentation must keep, tried on random clips."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from bench.config import Config
from bench.conformance.faults import make_fault
from bench.issues import Issue
from bench.models.systems.base import Batch, Prediction, System
from bench.specs.kinds import AugmentSettings, FrontEndSettings, MixSettings, SpliceSettings
from bench.specs.run import Run
from bench.training import engine
from bench.units import count_hops, to_samples

_CLIPS = 3
_CLIP_SAMPLES = 40_960
_TOLERANCE = 1e-4
"""How far scores of a clip alone and in a batch may be apart: sums are made in another order."""


def make_batch(run: Run) -> Batch:
    """Return three random clips of the form that a run trains on."""
    generator = torch.Generator().manual_seed(0)
    samples = to_samples(run.train.clip_s) if run.train.clip_s else _CLIP_SAMPLES
    resolution_s = run.train.resolution_s
    frames = samples // to_samples(resolution_s) if resolution_s else 1
    hops = count_hops(samples)
    kinds = torch.arange(_CLIPS)
    return Batch(
        torch.randn(_CLIPS, samples, generator=generator),
        (kinds > 0)[:, None] ^ (torch.arange(frames) % 3 == 1),
        torch.ones(_CLIPS, frames, dtype=torch.bool),
        kinds,
        torch.rand(_CLIPS, hops, generator=generator) < 0.2,
    )


def check_system(run: Run) -> Iterator[Issue]:
    """Yield what is wrong with the system of a run in smoke form.

    It should learn (finite losses, a gradient for each trained weight), give each frame a score
    that does not depend on the other clips, and give the same again from its saved weights.
    """
    where = f"system.kind = {run.system.kind!r}"

    def fault(message: str) -> Issue:
        return make_fault("extension.system-contract", f"{where}: {message}")

    system, batch = engine.build_system(run, 1, Config()), make_batch(run)
    losses = system.losses(batch)
    if "loss" not in losses:
        yield fault(f"losses: should have 'loss', has {', '.join(losses)}")
        return
    for name, loss in losses.items():
        if loss.ndim or not torch.isfinite(loss):
            yield fault(f"losses[{name!r}]: should be one finite number")
    torch.autograd.backward([losses["loss"]])
    trained = [(name, p) for name, p in system.named_parameters() if p.requires_grad]
    # What a row does not use of the front-end gets no gradient by its own choice.
    idle = [name for name, parameter in trained if parameter.grad is None]
    if idle:
        yield fault(f"no gradient reaches {', '.join(idle[:5])}")
    system.eval()
    together = _predict(system, batch, run)
    frames = batch.spoof.shape[1] if run.dev.resolution_s == run.train.resolution_s else None
    yield from (fault(message) for message in _find_shape_faults(together, frames))
    alone = _predict(system, Batch(*(part[1:2] for part in batch)), run)
    if not torch.allclose(alone.score[0], together.score[1], atol=_TOLERANCE, rtol=_TOLERANCE):
        yield fault("the scores of a clip depend on the other clips of its batch")
    again = engine.build_system(run, 2, Config())
    again.load_state_dict(system.state_dict())
    if not torch.equal(_predict(again.eval(), batch, run).score, together.score):
        yield fault("its saved weights give other scores: part of its state is not saved")


def _predict(system: System, batch: Batch, run: Run) -> Prediction:
    with torch.no_grad():
        return system.predict(batch.waves, batch.breath_mask, run.dev.resolution_s)


def _find_shape_faults(prediction: Prediction, frames: int | None) -> Iterator[str]:
    expected = (_CLIPS, prediction.score.shape[-1] if frames is None else frames)
    shapes = {"score": expected, "logits": (*expected, 2)}
    for name, shape in shapes.items():
        given = tuple(getattr(prediction, name).shape)
        if given != shape:
            yield f"predict: {name} has shape {given}, should be {shape}"
    if not torch.isfinite(prediction.score).all():
        yield "predict: scores should be finite"


def check_frontend(settings: FrontEndSettings) -> Iterator[Issue]:
    """Yield what is wrong with a front-end that needs no weights."""
    where = f"frontend.kind = {settings.kind!r}"

    def fault(message: str) -> Issue:
        return make_fault("extension.frontend-contract", f"{where}: {message}")

    torch.manual_seed(0)
    frontend = settings.build(Config()).eval()
    waves = torch.randn(2, _CLIP_SAMPLES + 80, generator=torch.Generator().manual_seed(0))
    states = frontend(waves)
    hops = count_hops(waves.shape[1])
    expected = (2, hops, frontend.dim)
    if len(states) != frontend.n_states:
        yield fault(f"gives {len(states)} states, but n_states = {frontend.n_states}")
    for number, state in enumerate(states):
        if tuple(state.shape) != expected:
            yield fault(f"state {number} has shape {tuple(state.shape)}, should be {expected}")
        elif not torch.isfinite(state).all():
            yield fault(f"state {number} is not finite")
    alone: Tensor = frontend(waves[1:])[-1]
    if not torch.allclose(alone[0], states[-1][1], atol=_TOLERANCE, rtol=_TOLERANCE):
        yield fault("the states of a clip depend on the other clips of its batch")


def check_augmentation(
    settings: AugmentSettings | MixSettings | SpliceSettings,
) -> Iterator[Issue]:
    """Yield what is wrong with an augmentation that needs no recordings."""
    match settings:
        case AugmentSettings():
            faults = _find_wave_faults(settings)
        case SpliceSettings():
            faults = _find_splice_faults(settings)
        case MixSettings():
            faults = _find_mix_faults(settings)
    for message in faults:
        yield make_fault("extension.augment-contract", f"kind = {settings.kind!r}: {message}")


def _draw_wave(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(0, 0.1, _CLIP_SAMPLES).astype(np.float32)


def _find_wave_faults(settings: AugmentSettings) -> Iterator[str]:
    augment, wave = settings.build(Config()), _draw_wave(0)
    before = wave.copy()
    # With several draws, one that is applied by chance is applied.
    changed = [augment(wave, rng=np.random.default_rng(seed)) for seed in range(8)]
    again = [augment(wave, rng=np.random.default_rng(seed)) for seed in range(8)]
    if any(each.shape != wave.shape or each.dtype != np.float32 for each in changed):
        yield "should give as many samples as it gets, as float32"
    elif not all(np.isfinite(each).all() for each in changed):
        yield "gives samples that are not finite"
    elif any(not np.array_equal(*pair) for pair in zip(changed, again, strict=True)):
        yield "gives other samples for the same `rng`: all random numbers should come from it"
    if not np.array_equal(before, wave):
        yield "changes the wave that it is given: it should return a new one"


def _find_splice_faults(settings: SpliceSettings) -> Iterator[str]:
    splicer, base, injector = settings.build(), _draw_wave(0), _draw_wave(1)
    for seed in range(8):
        clip = splicer.splice_clips(base, injector, np.random.default_rng(seed))
        labels = splicer.label_clip(len(base), np.random.default_rng(seed))
        if clip.wave.shape != base.shape:
            yield "splice_clips should give as many samples as it gets"
        elif not np.array_equal(clip.injected, labels):
            yield "label_clip gives other labels than splice_clips for the same `rng`"
        else:
            continue
        return


def _find_mix_faults(settings: MixSettings) -> Iterator[str]:
    mixer = settings.build()
    frames, samples = 16, 16 * 2560
    waves = torch.randn(4, samples, generator=torch.Generator().manual_seed(0))
    spoof = torch.arange(4)[:, None].expand(4, frames) % 2 == 1
    given = (waves, spoof.clone(), torch.ones(4, frames, dtype=torch.bool), torch.arange(4) % 3)
    before = [part.clone() for part in given]
    mixed = [
        mixer(*given, samples_per_frame=2560, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1)
    ]
    if any(one.shape != other.shape for one, other in zip(mixed[0], given, strict=True)):
        yield "should give clips and labels in the shapes that it gets"
    elif not all(torch.equal(*pair) for pair in zip(*mixed, strict=True)):
        yield "gives another batch for the same generator"
    if not all(torch.equal(*pair) for pair in zip(given, before, strict=True)):
        yield "changes what it is given: it should return new tensors"
