"""MFPT's merging and heads: against plain loops, and as large as the code they are read from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench.models.systems.blocks.ecapa import Ecapa, StatisticsPooling, UtteranceNorm
from bench.models.systems.blocks.heads import LstmHead
from bench.models.systems.blocks.merging import AttentiveMerging
from bench.models.systems.blocks.nes2net import Nes2Net
from bench.specs.heads.ecapa import EcapaSettings
from bench.specs.heads.lstm import LstmSettings
from bench.specs.heads.nes2net import Nes2NetSettings
from bench.specs.layers.attentive import AttentiveMergingSettings
from tests.errors import raises_code
from tests.models.systems import plain_mfpt as plain

torch.manual_seed(1)  # modules are made where tests are listed: none is dead by chance

DIM = 12
ATTENTIVE = {"kind": "attentive"}
ECAPA = {
    "kind": "ecapa", "channels": 12, "scale": 3, "dilations": (2, 3), "squeeze": 5,
    "aggregated": 7, "attention": 4, "embedding": 6,
}  # fmt: skip
NES2NET = {"kind": "nes2net", "groups": 3, "scale": 3, "reduction": 2}


def moved(module: nn.Module) -> nn.Module:
    """Return the module in eval mode, every number of it drawn, so that none could be swapped."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer += 0.3 * torch.randn(buffer.shape, generator=generator)
            if name.endswith("running_var"):
                buffer += torch.rand(buffer.shape, generator=generator)
    return module.eval()


def states(layers: int, hops: int = 6, dim: int = DIM, batch: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(batch, hops, dim, generator=generator) for _ in range(layers)]


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# --- attentive merging ---------------------------------------------------------------------------


def merging(layers: int, dim: int = DIM, **settings: object) -> AttentiveMerging:
    spec = AttentiveMergingSettings.model_validate({**ATTENTIVE, **settings})
    return AttentiveMerging(layers, dim, spec)


@pytest.mark.parametrize("layers", [1, 4, 5])
def test_attentive_merging_is_a_loop_over_clips_layers_and_hops(layers):
    module = moved(merging(layers))
    found = states(layers + 1)
    gates, merged = module.layer_gates(found[1:]), module(found)
    assert merged.shape == found[0].shape
    for clip in range(3):
        given = [state[clip].double().numpy() for state in found[1:]]
        expected_gates, expected = plain.attentive_merging(plain.weights(module), given)
        np.testing.assert_allclose(gates[clip].detach(), expected_gates, rtol=1e-5)
        np.testing.assert_allclose(merged[clip].detach(), expected, rtol=1e-4, atol=1e-5)


def test_state_zero_is_left_out():
    module, found = moved(merging(3)), states(4)
    before = module(found)
    assert torch.equal(module([found[0] + 1, *found[1:]]), before)
    assert not torch.equal(module([found[0], found[1] + 1, *found[2:]]), before)


@pytest.mark.parametrize(("layers", "millions"), [(24, 157.3), (12, 40.9)])
def test_the_projection_is_as_large_as_the_released_one(layers, millions):
    """L D to L D / 4 to D, for D = 1024 (shared/facts/methods.md, 1.3)."""
    with torch.device("meta"):
        module = merging(layers, 1024)
    width = layers * 1024
    projection = width * width // 4 + width // 4 + width // 4 * 1024 + 1024
    assert parameters(module.project) == projection
    assert round(projection / 1e6, 1) == millions
    gates = 1024 + 2 * layers * (layers // 2)
    assert parameters(module) == projection + gates


def test_the_gates_first_weights_can_be_the_released_ones():
    torch.manual_seed(0)
    deviations = {
        how: merging(24, 1024, ratio=0.01, first_weights=how).attend.weight.std().item()
        for how in ("scaled", "unit-normal")
    }
    assert deviations["unit-normal"] == pytest.approx(1, rel=0.1)
    assert deviations["scaled"] == pytest.approx((1024 * 3) ** -0.5, rel=0.1)


# --- heads ---------------------------------------------------------------------------------------


def each_clip(module: nn.Module, reference, hops: int = 7) -> None:
    """Compare a head's logits with those of a plain function of weights and one clip."""
    (x,) = states(1, hops)
    logits = module(x)
    assert logits.shape == (3, 2)
    for clip in range(3):
        expected = reference(plain.weights(module), x[clip].double().numpy())
        np.testing.assert_allclose(logits[clip].detach(), expected, rtol=1e-4, atol=1e-5)


def ecapa(dim: int = DIM, **settings: object) -> Ecapa:
    return Ecapa(dim, EcapaSettings.model_validate({"kind": "ecapa", **settings}))


def nes2net(dim: int = DIM, **settings: object) -> Nes2Net:
    return Nes2Net(dim, Nes2NetSettings.model_validate({"kind": "nes2net", **settings}))


def lstm(dim: int = DIM, **settings: object) -> LstmHead:
    return LstmHead(dim, LstmSettings.model_validate({"kind": "lstm", **settings}))


def test_ecapa_is_a_loop_over_channels_and_hops():
    each_clip(moved(ecapa(**ECAPA)), lambda w, x: plain.ecapa(w, x, 3, (2, 3)))


def test_statistics_are_weighted_by_frame_and_channel():
    module = moved(StatisticsPooling(5, 4))
    x = states(1, 5, 7)[0]
    x[0, 2] = 0.25  # a channel that never changes has the least deviation
    for clip in range(3):
        expected = plain.statistics_pooling(plain.weights(module), x[clip].double().numpy())
        np.testing.assert_allclose(module(x)[clip].detach(), expected, rtol=1e-4, atol=1e-5)
    assert module(x)[0, 5 + 2].item() == pytest.approx(0.01)
    torch.testing.assert_close(module.attention_weights(x).sum(dim=2), torch.ones(3, 5))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("scale", [2, 3])
def test_nes2net_is_a_loop_over_channels_and_hops(scale, dilation):
    module = moved(nes2net(**{**NES2NET, "scale": scale, "dilation": dilation}))
    each_clip(module, lambda w, x: plain.nes2net(w, x, 3, scale, dilation))


def test_the_lstm_is_a_loop_over_hops():
    each_clip(moved(lstm(units=5)), plain.lstm)


def test_ecapa_is_as_large_as_the_authors_earlier_one():
    def convolved(before: int, after: int, kernel: int = 1) -> int:
        return before * after * kernel + after + 2 * after

    block = (
        2 * convolved(512, 512) + 7 * convolved(64, 64, 3) + (512 * 128 + 128) + (128 * 512 + 512)
    )
    pooling = convolved(3 * 1536, 256) + 256 * 1536 + 1536
    last = 2 * 3072 + (3072 * 192 + 192) + 2 * 192 + (192 * 2 + 2)
    assert parameters(ecapa(1024)) == (
        convolved(1024, 512) + 3 * block + (3 * 512 * 1536 + 1536) + pooling + last
    )


def test_nes2net_is_as_large_as_the_released_one():
    """0.51 million in its description."""
    inner = (
        2 * (128 * 128 + 128 + 256)
        + 7 * (16 * 16 * 3 + 16 + 32)
        + sum(range(2, 9))
        + 2 * (128 * 128 + 128)
    )
    assert parameters(nes2net(1024)) == 7 * (inner + 256) + 2048 + (1024 * 2 + 2) == 512_039


def test_the_lstm_is_as_large_as_the_authors_earlier_one():
    assert parameters(lstm(1024)) == 4 * 192 * (1024 + 192 + 2) + 192 * 2 + 2


@pytest.mark.parametrize("module", [ecapa(48, **ECAPA), nes2net(48, **NES2NET), lstm(48, units=5)])
def test_every_weight_of_a_head_learns(module):
    """In eval mode: in training, normalisation cancels the bias of the layer before it."""
    moved(module)(states(1, 12, 48)[0])[:, 0].square().sum().backward()
    dead = {name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()}
    # One number for all frames is taken away again by the softmax over them.
    assert dead - {"pool.score.bias"} == set()


def test_a_batch_may_be_one_clip_of_any_length(subtests):
    """An epoch's last batch may be one clip, of which batch normalisation has no variance."""
    for number, module in enumerate([ecapa(**ECAPA), nes2net(**NES2NET), lstm(units=5)]):
        for hops in [2, 9]:
            with subtests.test(number=number, hops=hops):
                logits = module.train()(states(1, hops, batch=1)[0])
                assert logits.isfinite().all()


def test_one_utterance_is_normalised_as_in_evaluation_and_leaves_no_trace():
    norm, x = moved(UtteranceNorm(4)), torch.randn(1, 4)
    before, expected = {k: v.clone() for k, v in norm.state_dict().items()}, norm(x)
    assert torch.equal(norm.train()(x), expected)
    assert all(torch.equal(v, before[k]) for k, v in norm.state_dict().items())
    two = torch.randn(2, 4)
    assert torch.equal(norm(two), nn.BatchNorm1d.forward(norm, two))


def test_dimensions_that_do_not_divide_are_refused():
    with raises_code("model.sizes") as error:
        nes2net(groups=5)
    assert "head.groups = 5" in str(error.value)
    with raises_code("model.sizes") as error:
        nes2net(groups=3)
    assert "at most 4" in str(error.value)
    with pytest.raises(ValueError, match="channels = 10: should be a multiple of scale = 8"):
        ecapa(channels=10)
