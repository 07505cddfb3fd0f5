"""Grad-CAM against one written out by hand, and on a system that looks for one thing only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench.analysis.gradcam import grad_cam, hop_layer
from bench.models.frontends.base import FrontEnd
from bench.models.systems.base import Prediction, System
from tests.errors import raises_code

HOPS = 10
WAVE = torch.from_numpy(np.random.default_rng(0).normal(size=(1, HOPS * 320 + 80))).float()
MARKS = torch.zeros(1, HOPS, dtype=torch.bool)


class Pieces(FrontEnd):
    """The first `dim` samples of each hop as its state; two states, so a tuple."""

    dim, n_states = 4, 2

    def forward(self, waves):
        states = waves[:, : HOPS * 320].unflatten(1, (HOPS, 320))[..., : self.dim]
        return 0 * states, states


class Made(System):
    """A linear layer on each hop, and one to two logits a frame of `per` hops."""

    def __init__(self, per=1):
        super().__init__()
        torch.manual_seed(1)
        self.per = per
        self.frontend = Pieces()
        self.mix = nn.Linear(4, 5, bias=False)
        self.unused = nn.Linear(4, 5)
        self.last = nn.Linear(5, 2)

    def losses(self, batch):
        raise NotImplementedError

    def predict(self, waves, marks, resolution_s):
        states = self.mix(self.frontend(waves)[-1])
        pooled = states.unflatten(1, (-1, self.per)).mean(2)
        logits = self.last(pooled)
        return Prediction(logits[..., 0] - logits[..., 1], logits)


def by_hand(system, target, frames):
    """Grad-CAM with the gradient worked out: spoof is the second of two logits l(h) = W h + b.

    d l_spoof / d h = w_spoof; d p_spoof / d h = p_spoof p_bonafide (w_spoof - w_bonafide); a hop is
    one of `per` in its frame's mean.
    """
    w, b = system.last.weight.double(), system.last.bias.double()
    states = WAVE[0, : HOPS * 320].reshape(HOPS, 320)[:, :4].double() @ system.mix.weight.double().T
    pooled = states.reshape(-1, system.per, 5).mean(1)
    gradient = torch.zeros(HOPS, 5, dtype=torch.float64)
    for frame in range(frames):
        p = torch.softmax(w @ pooled[frame] + b, 0)
        slope = w[1] if target == "logit" else p[0] * p[1] * (w[1] - w[0])
        gradient[frame * system.per : (frame + 1) * system.per] = slope / system.per
    alpha = gradient.sum(0) / HOPS
    return (states @ alpha).clamp(min=0).detach().numpy()


def test_is_what_the_equations_give(subtests):
    for target in ["probability", "logit"]:
        for per, frames in [(1, 10), (2, 5), (5, 1), (10, 1)]:
            with subtests.test(target=target, per=per):
                system = Made(per).requires_grad_(False).eval()
                cam = grad_cam(system, WAVE, MARKS, 0.02 * per, frames, target)
                assert cam.layer == "mix"
                np.testing.assert_allclose(cam.values, by_hand(system, target, frames), atol=1e-6)
                logits = system.predict(WAVE, MARKS, None).logits[0, :frames]
                np.testing.assert_allclose(cam.probability, logits.softmax(-1)[:, 0], atol=1e-6)
                assert not any(part._forward_hooks for part in system.modules()), (
                    "hooks are taken away"
                )


def test_any_named_layer_is_looked_at():
    system = Made().requires_grad_(False).eval()
    cam = grad_cam(system, WAVE, MARKS, 0.02, HOPS, "logit", "frontend")
    alpha = (system.last.weight @ system.mix.weight)[1]
    states = Pieces()(WAVE)[-1][0]
    np.testing.assert_allclose(cam.values, (states @ alpha).clamp(min=0), atol=1e-5)
    with raises_code("analysis.no-such-layer") as raised:
        grad_cam(system, WAVE, MARKS, 0.02, HOPS, "logit", "mixx")
    assert "'mixx'" in str(raised.value)
    assert "did you mean" in str(raised.value)
    with raises_code("analysis.unusable-layer"):
        grad_cam(system, WAVE, MARKS, 0.02, HOPS, "logit", "unused")
    system.per = 5
    with raises_code("analysis.unusable-layer"):
        grad_cam(system, WAVE, MARKS, 0.1, 2, "logit", "last")


def test_parts_that_give_logits_are_no_states():
    system = Made().eval()
    assert hop_layer(system, WAVE, MARKS, 0.02) == "mix", "`last` gives a logit for each class"


class LooksFor(Made):
    """Spoof is where a hop's first sample stands out."""

    def __init__(self, per):
        super().__init__(per)
        self.mix.weight.data.zero_()
        self.mix.weight.data[0, 0] = 1.0
        self.last.weight.data.zero_()
        self.last.weight.data[:, 0] = torch.tensor([-1.0, 1.0])


@pytest.mark.parametrize("per", [1, 2, 10])
def test_a_spliced_region_lights_up(per):
    wave = torch.zeros(1, HOPS * 320 + 80)
    wave[0, 4 * 320 : 7 * 320] = 0.5  # hops 4, 5 and 6
    cam = grad_cam(LooksFor(per).requires_grad_(False).eval(), wave, MARKS, 0.02, HOPS // per)
    lit = np.flatnonzero(cam.values > 0)
    assert lit.tolist() == [4, 5, 6], "at hops of 20 ms even where frames are longer"
