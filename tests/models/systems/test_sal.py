"""SAL: shapes, sizes against the released code's, losses against the paper's equation."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.cards import table_cards
from bench.config import Config
from bench.models.frontends import FrontEnd
from bench.models.segment_positions import compute_positions
from bench.models.systems import Batch
from bench.units import HOP_SAMPLES
from tests.errors import raises_code

UNMARKED = torch.zeros(1, 0, dtype=torch.bool)
"""No marks: this system is not told of breaths."""


class Fixed(FrontEnd):
    """A front-end of XLS-R's shape whose states are drawn from the wave, without its cost."""

    def __init__(self, dim: int = 1024, n_states: int = 25) -> None:
        super().__init__()
        self.dim, self.n_states = dim, n_states
        self.register_buffer("mould", torch.randn(n_states, 1, dim))

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hops = waves[:, :-80].unflatten(1, (-1, HOP_SAMPLES)).mean(2, keepdim=True)
        return tuple((hops * weight).tanh() for weight in self.mould)


def system(row: str, dim: int = 1024, *overrides: str):
    run = table_cards.resolve_row(table_cards.read_table("sal/table4"), row, "paper", overrides)
    torch.manual_seed(0)
    return run.system.build(Fixed(dim), run.train)


def batch(frames: int = 25, size: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(1)
    valid = torch.arange(frames) < torch.tensor([frames, frames - 3, 4])[:size, None]
    return Batch(
        torch.randn(size, frames * 2560, generator=generator),
        torch.rand(size, frames, generator=generator) < 0.5,
        valid,
        torch.zeros(size, dtype=torch.long),
        UNMARKED.expand(size, 0),
    )


# Back-end parameters of the released code, read in shared/facts/official-code.md, 1.2.
def test_the_back_end_is_as_big_as_the_released_one(subtests):
    cases = [
        ("S0", 262_914),
        ("S1", 262_939),
        ("S2", 23_444_251),
        ("S3", 23_444_251),
        ("S4", 23_707_165),
        ("S5", 23_708_707),
        ("S8", 23_708_707),
    ]
    for row, parameters in cases:
        with subtests.test(row=row):
            assert sum(p.numel() for p in system(row).parameters()) == parameters


@pytest.mark.parametrize("padding", [80, 256, 399])
def test_every_whole_20_ms_has_its_state_however_many_zeros_follow(padding):
    overrides = (f"system.padding={padding}", "frontend={kind='tiny', normalise='none'}")
    run = table_cards.resolve_row(table_cards.read_table("sal/table4"), "S0", "paper", overrides)
    model = run.system.build(run.frontend.build(Config()), run.train)
    heard = []
    model.frontend.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    assert model.predict(torch.randn(1, 64_000), UNMARKED, 0.02).score.shape == (1, 200)
    assert heard[0].shape == (1, 64_000 + padding)
    assert not heard[0][:, 64_000:].any()


def test_one_answer_a_frame_at_every_resolution(subtests):
    for row in ["S0", "S1", "S2", "S4", "S5"]:
        with subtests.test(row=row):
            model = system(row, 16).eval()
            for resolution_s, frames in ((0.16, 25), (0.02, 200), (0.32, 13)):
                waves = torch.randn(2, 64_000)
                if resolution_s == 0.32:  # whole frames are what the engine gives
                    waves = torch.randn(2, 13 * 5120)
                answer = model.predict(waves, UNMARKED, resolution_s)
                assert answer.score.shape == (2, frames)
                assert answer.logits.shape == (2, frames, 2)
                assert torch.allclose(answer.score, answer.logits[..., 0] - answer.logits[..., 1])


def test_one_frame_is_enough():
    model = system("S5", 16).eval()
    assert model.predict(torch.randn(1, 320), UNMARKED, 0.02).score.shape == (1, 1)


def test_a_coarse_answer_repeated_is_constant_within_the_trained_frame():
    model = system("S2", 16, "system.finer_than_trained=repeat").eval()
    waves = torch.randn(2, 64_000)
    fine, coarse = (
        model.predict(waves, UNMARKED, 0.02).score,
        model.predict(waves, UNMARKED, 0.16).score,
    )
    assert torch.equal(fine, coarse.repeat_interleave(8, dim=1))


def test_the_released_score_of_the_first_rows_is_the_bonafide_logit():
    model = system("S0", 16, "system.score=bonafide-logit").eval()
    answer = model.predict(torch.randn(2, 64_000), UNMARKED, 0.16)
    assert torch.equal(answer.score, answer.logits[..., 0])


def test_the_loss_is_equation_1_over_valid_frames():
    model, clips = system("S5", 16).eval(), batch()
    states = model.context_states(clips.waves)
    pooled = torch.stack([states[:, 8 * i : 8 * i + 8].mean(1) for i in range(25)], dim=1)
    logits, eight = model.binary(pooled), model.auxiliary(pooled)
    difference = logits[..., 1] - logits[..., 0]
    binary = F.binary_cross_entropy_with_logits(difference, clips.spoof.float(), reduction="none")
    target = compute_positions(clips.spoof, clips.valid)
    spl = F.cross_entropy(eight[clips.valid], target[clips.valid])
    losses = model.losses(clips)
    torch.testing.assert_close(losses["binary"], binary[clips.valid].mean())
    torch.testing.assert_close(losses["loss"], binary[clips.valid].mean() + 0.1 * spl)


def test_padding_neither_adds_to_the_loss_nor_to_the_gradient_of_its_label():
    model, clips = system("S5", 16).eval(), batch()
    flipped = clips._replace(spoof=clips.spoof ^ ~clips.valid)
    assert torch.equal(model.losses(clips)["loss"], model.losses(flipped)["loss"])


def test_weighted_states_start_as_their_mean():
    model = system("S1", 16)
    states = model.frontend(torch.randn(2, 3200 + 80))
    torch.testing.assert_close(model.layers(states), torch.stack(states).mean(0))
    soft = system("S1", 16, "system.layers.weights=softmax")
    torch.testing.assert_close(soft.layers(states), torch.stack(states).mean(0))


@pytest.mark.parametrize("row", ["S1", "S4", "S5"])
def test_every_weight_learns(row):
    model = system(row, 16).train()
    model.losses(batch())["loss"].backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not dead


def test_the_conformer_is_torchaudios():
    torchaudio = pytest.importorskip("torchaudio", reason="torchaudio is not installed")
    from bench.models.systems.blocks.conformer import Conformer
    from bench.specs.systems.sal import ConformerSettings as Spec

    ours = Conformer(32, Spec(kind="conformer", blocks=2, heads=4, kernel=31)).eval()
    theirs = torchaudio.models.Conformer(32, 4, 32, 2, 31, dropout=0.1).eval()
    for block, layer in zip(list(ours)[:-1], theirs.conformer_layers, strict=True):
        pairs = [
            *zip(block.first, layer.ffn1.sequential, strict=True),
            *zip(block.second, layer.ffn2.sequential, strict=True),
            (block.attention.norm, layer.self_attn_layer_norm),
            (block.attention.out, layer.self_attn.out_proj),
            (block.convolution.norm, layer.conv_module.layer_norm),
            (block.convolution.depthwise, layer.conv_module.sequential[2]),
            (block.convolution.batch_norm, layer.conv_module.sequential[3]),
            (block.norm, layer.final_layer_norm),
        ]
        for mine, other in pairs:
            for parameter in other.parameters():
                nn.init.normal_(parameter, std=0.2)
            mine.load_state_dict(other.state_dict())
        attention = (block.attention.query, block.attention.key, block.attention.value)
        weights = layer.self_attn.in_proj_weight.chunk(3)
        biases = layer.self_attn.in_proj_bias.chunk(3)
        for linear, weight, bias in zip(attention, weights, biases, strict=True):
            linear.load_state_dict({"weight": weight, "bias": bias})
        for linear, convolution in (
            (block.convolution.widen, layer.conv_module.sequential[0]),
            (block.convolution.narrow, layer.conv_module.sequential[5]),
        ):
            linear.load_state_dict(
                {"weight": convolution.weight.squeeze(-1), "bias": convolution.bias}
            )
    x = torch.randn(2, 40, 32)
    expected, _ = theirs(x, torch.tensor([40, 40]))
    torch.testing.assert_close(ours(x), expected.relu(), atol=1e-5, rtol=1e-4)


UTTERANCES = "train.resolution_s=utterance"


def test_an_utterance_is_scored_by_all_its_states_together():
    model, waves = system("S2", 16, UTTERANCES).eval(), batch().waves
    answer = model.predict(waves, UNMARKED, None)
    assert answer.logits.shape == (3, 1, 2)
    expected = model.binary(model.context_states(waves).mean(1))
    torch.testing.assert_close(answer.logits[:, 0], expected)
    torch.testing.assert_close(answer.score[:, 0], expected[:, 0] - expected[:, 1])
    # One head for both: what learnt frames answers for utterances, and the reverse.
    frames = system("S2", 16).eval()
    frames.load_state_dict(model.state_dict())
    assert torch.equal(frames.predict(waves, UNMARKED, None).logits, answer.logits)
    assert torch.equal(
        frames.predict(waves, UNMARKED, 0.16).logits, model.predict(waves, UNMARKED, 0.16).logits
    )


def test_an_utterances_loss_is_the_cross_entropy_of_its_one_answer():
    model, clips = system("S2", 16, UTTERANCES).eval(), batch()
    spoof = torch.tensor([[True], [False], [True]])
    clips = clips._replace(spoof=spoof, valid=torch.ones_like(spoof))
    expected = F.cross_entropy(
        model.predict(clips.waves, UNMARKED, None).logits[:, 0], spoof[:, 0].long()
    )
    torch.testing.assert_close(model.losses(clips)["loss"], expected)


def test_an_utterance_trained_model_repeats_its_answer_for_frames_where_asked():
    repeat = "system.finer_than_trained=repeat"
    model, waves = system("S2", 16, UTTERANCES, repeat).eval(), batch().waves
    frames, whole = (
        model.predict(waves, UNMARKED, 0.16).score,
        model.predict(waves, UNMARKED, None).score,
    )
    torch.testing.assert_close(frames, whole.expand(-1, 25))


def test_places_among_frames_cannot_be_learnt_from_utterances():
    with raises_code("model.resolution") as error:
        system("S5", 16, UTTERANCES)
    assert "system.auxiliary.kind = 'position'" in str(error.value)
