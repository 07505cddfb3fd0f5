"""Grad-CAM over the 20 ms hops of an utterance, for any system (SAL's Figure 1).

Selvaraju et al., ICCV 2017, over time instead of an image. With A the states "hops dim" of one
layer and y the target,

    α_k = 1/Z Σ_t dy / dA[t, k]             (their equation 1)
    CAM[t] = ReLU(Σ_k α_k A[t, k])          (their equation 2)

SAL (Mao et al., ICASSP 2026, section 3.4) takes for y the sum of the spoof probabilities over all
frames, and does not say which layer; its released script takes the Conformer's output, and for y
the sum of the spoof *logits*, which is the target `logit` here. For a system that scores whole
utterances y is the utterance's.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.analysis.trained_rows import LoadedRow, load_utterance
from bench.config import Config
from bench.errors import BenchError, near_name
from bench.models.systems.base import System
from bench.plot_data import GradcamPanel
from bench.units import CLASSES, HOP_SAMPLES, SAMPLE_RATE_HZ, SPOOF

Target = Literal["probability", "logit"]


class GradCam(NamedTuple):
    """Grad-CAM of one clip."""

    values: NDArray[np.float64]
    """(hops,), not below 0."""
    probability: NDArray[np.float64]
    """(frames,): of bona fide."""
    layer: str
    """The name of the module whose output was looked at."""


class UtteranceGradCam(NamedTuple):
    """One utterance and what a trained row sees in it."""

    where: str
    """Corpus and split."""
    wave: NDArray[np.float32]
    """(samples,), 16 kHz: the clip as the system hears it."""
    checkpoint: GradcamPanel
    layer: str


def explain_utterance(
    row: LoadedRow, utterance: str, target: Target, layer: str | None, config: Config
) -> UtteranceGradCam:
    """Return Grad-CAM, prediction and labels of an utterance of the row's evaluations.

    Raise BenchError as `grad_cam`, and where there is no such utterance.
    """
    loaded = load_utterance(row, utterance, config)
    resolution_s, clip, n = loaded.data.resolution_s, loaded.clip, loaded.frames
    wave, marks = (torch.from_numpy(part)[None] for part in (clip.wave, clip.breath_mask))
    cam = grad_cam(row.load_system(config), wave, marks, resolution_s, n, target, layer)
    frame_s = len(clip.wave) / SAMPLE_RATE_HZ if resolution_s is None else resolution_s
    return UtteranceGradCam(
        f"{loaded.subset.corpus} {loaded.subset.split}",
        clip.wave,
        GradcamPanel(
            f"{row.name} (layer {cam.layer})",
            cam.values,
            cam.probability,
            np.arange(n + 1, dtype=np.float64) * frame_s,
            clip.spoof[:n],
        ),
        cam.layer,
    )


def grad_cam(
    system: System,
    wave: Tensor,
    marks: Tensor,
    resolution_s: float | None,
    frames: int,
    target: Target = "probability",
    layer: str | None = None,
) -> GradCam:
    """Return Grad-CAM of `wave` "1 samples" with its `marks` "1 hops" (`Batch.breath_mask`).

    The target is summed over the first `frames` frames of `resolution_s`. `layer` is the dotted
    name of a module whose output is "1 hops dim"; None: `hop_layer`. The system is in evaluation
    mode. Raise BenchError where there is no such module, its output has another shape, or the
    target does not depend on it.
    """
    name = layer or hop_layer(system, wave, marks, resolution_s)
    outputs: list[Tensor] = []

    def keep(_part: nn.Module, _inputs: Any, output: Any) -> Any:
        # Everything before the layer stays without a graph: it costs no memory.
        states = _last_states(output, name).detach().requires_grad_()
        outputs[:] = [states]
        return (*output[:-1], states) if isinstance(output, tuple) else states

    handle = find_module(system, name).register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = system.predict(wave, marks, resolution_s).logits[0, :frames].float()
            per_frame = logits.softmax(dim=-1) if target == "probability" else logits
            y = per_frame[:, CLASSES.index(SPOOF)].sum()
            layer_states = outputs[0] if outputs else None
            slope = None
            if layer_states is not None and y.requires_grad:
                (slope,) = torch.autograd.grad(y, layer_states, allow_unused=True)
    finally:
        handle.remove()
    if layer_states is None or slope is None:
        raise BenchError(
            "analysis.unusable-layer",
            f"layer {name!r}: the system's logits do not depend on its output",
        )
    _require_hops(layer_states, wave, name)
    weights = slope.mean(dim=1)
    cam = torch.einsum("bk,btk->bt", weights, layer_states).relu()[0]
    bonafide = 1 - logits.softmax(dim=-1)[:, CLASSES.index(SPOOF)]
    return GradCam(cam.detach().double().numpy(), bonafide.detach().double().numpy(), name)


def hop_layer(system: System, wave: Tensor, marks: Tensor, resolution_s: float | None) -> str:
    """Return the name of the system's last part that gives one state for each hop of 20 ms.

    In SAL it is the context (the Conformer), in TCA the stacks. Parts are the system's direct
    sub-modules, in the order of their calls; one that gives only a logit for each class does not
    count. Raise BenchError where there is none.
    """
    names: list[str] = []

    def make_hook(name: str) -> Any:
        def hook(_part: nn.Module, _inputs: Any, output: Any) -> None:
            last = output[-1] if isinstance(output, tuple) else output
            if (
                isinstance(last, Tensor)
                and _is_of_hops(last, wave)
                and last.shape[2] > len(CLASSES)
            ):
                names.append(name)

        return hook

    parts = system.named_children()
    handles = [part.register_forward_hook(make_hook(name)) for name, part in parts]
    try:
        with torch.inference_mode():
            system.predict(wave, marks, resolution_s)
    finally:
        for handle in handles:
            handle.remove()
    if not names:
        raise BenchError(
            "analysis.unusable-layer",
            "none of the system's parts gives one state for each hop of 20 ms: name a layer that "
            "does (--layer)",
        )
    return names[-1]


def find_module(system: System, name: str) -> nn.Module:
    """Return the system's module of that dotted name; BenchError where there is none."""
    modules = dict(system.named_modules())
    if name not in modules or not name:
        raise BenchError(
            "analysis.no-such-layer",
            f"layer {name!r}: the system has no such module{near_name(name, modules)}",
        )
    return modules[name]


def _last_states(output: Any, name: str) -> Tensor:
    last = output[-1] if isinstance(output, tuple) else output
    if not isinstance(last, Tensor) or not last.is_floating_point():
        raise BenchError(
            "analysis.unusable-layer",
            f"layer {name!r}: gives {type(last).__name__}, not states of hops",
        )
    return last


def _is_of_hops(states: Tensor, wave: Tensor) -> bool:
    """Return whether there is a state for each hop; the last hop's may be there or not."""
    hops = wave.shape[1] / HOP_SAMPLES
    return states.ndim == 3 and len(states) == 1 and abs(states.shape[1] - hops) <= 1


def _require_hops(states: Tensor, wave: Tensor, name: str) -> None:
    if not _is_of_hops(states, wave):
        raise BenchError(
            "analysis.unusable-layer",
            f"layer {name!r}: gives {tuple(states.shape)} for {wave.shape[1]} samples, not one "
            "state for each hop of 20 ms",
        )
