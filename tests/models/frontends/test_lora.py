"""What of a front-end is trained: all, nothing, or low-rank adapters that really are called."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bench.config import Config
from bench.models.frontends.encoder import WAVLM_LARGE, Encoder
from bench.models.frontends.lora import LoraLinear, add_adapters, merge_adapters
from bench.specs.frontends.encoder import Lora
from bench.specs.frontends.tiny import Tiny
from bench.specs.frontends.wavlm import WavLM
from tests.errors import raises_code

from . import small

FAMILIES = pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
ALL = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


def lora(**settings: object) -> Lora:
    return Lora.model_validate({"kind": "lora", "rank": 3, "alpha": 4.5, **settings})


def tiny(family: str, tuning: Lora | None = None, **options: object) -> Encoder:
    torch.manual_seed(3)
    adapted = {} if tuning is None else {"tuning": tuning}
    spec = Tiny(
        kind="tiny", family=family, dim=32, blocks=3, heads=4, feed_forward=40, channels=16,
        **adapted, **options,
    )  # fmt: skip
    return spec.build(Config())


def move(encoder: Encoder) -> None:
    """Give every B weights, as a step of training would."""
    for module in encoder.modules():
        if isinstance(module, LoraLinear):
            nn.init.normal_(module.lora_B.weight, std=0.1)


def weighed(states: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return a number that every element of every state has its own share in."""
    generator = torch.Generator().manual_seed(5)
    return sum((s * torch.randn(s.shape, generator=generator)).sum() for s in states)


def adapters(encoder: Encoder) -> dict[str, nn.Parameter]:
    return {name: p for name, p in encoder.named_parameters() if ".lora_" in name}


def learning(encoder: Encoder) -> set[str]:
    return {name for name, p in encoder.named_parameters() if p.requires_grad}


# --- adapters ------------------------------------------------------------------------------------


@FAMILIES
@torch.no_grad()
def test_an_adapted_encoder_starts_as_its_base(family):
    """Without a graph: with one, WavLM's attention takes another kernel where its bias learns."""
    waves = small.waves(2, 6_000)
    for ours, base in zip(tiny(family, lora())(waves), tiny(family)(waves), strict=True):
        assert torch.equal(ours, base)


@FAMILIES
@pytest.mark.parametrize("trained", [False, True])
def test_every_adapter_gets_a_gradient_and_the_base_none(family, trained):
    """At the start B is zero, and so is A's gradient, B^T G x^T; one step on, all have one."""
    encoder = tiny(family, lora(targets=ALL)).train()
    if trained:
        move(encoder)
    weighed(encoder(small.waves(2, 6_000))).backward()
    moved = {n for n, p in encoder.named_parameters() if p.grad is not None and p.grad.any()}
    expected = {name for name in adapters(encoder) if trained or name.endswith("lora_B.weight")}
    assert moved == expected
    assert len(adapters(encoder)) == 2 * 6 * 3
    assert learning(encoder) == set(adapters(encoder))


@FAMILIES
def test_what_an_adapter_learns_reaches_every_state(family):
    """As peft's adapters on transformers' WavLM do not: there, queries, keys and values pass by."""
    waves = small.waves(2, 6_000)
    for target in ALL:
        encoder = tiny(family, lora(targets=[target]))
        before = encoder(waves)
        move(encoder)
        after = encoder(waves)
        assert torch.equal(before[0], after[0])
        assert not any(map(torch.equal, before[1:], after[1:])), target


@FAMILIES
@pytest.mark.parametrize("targets", [ALL, ["q_proj", "fc2"]])
def test_merged_equals_unmerged(family, targets):
    encoder, waves = tiny(family, lora(targets=targets)).eval(), small.waves(2, 6_000)
    plain = set(tiny(family).state_dict())
    move(encoder)
    before, start = encoder(waves), tiny(family)(waves)
    merge_adapters(encoder)
    for unmerged, merged in zip(before, encoder(waves), strict=True):
        assert (unmerged - merged).abs().max() < 1e-4
    assert (before[-1] - start[-1]).abs().max() > 0.1, "the adapters changed nothing"
    assert set(encoder.state_dict()) == plain


def test_an_adapter_is_the_formula():
    torch.manual_seed(0)
    base = nn.Linear(5, 4)
    layer, x = LoraLinear(base, lora()), torch.randn(2, 7, 5)
    nn.init.normal_(layer.lora_B.weight)
    a, b = layer.lora_A.weight, layer.lora_B.weight
    expected = torch.stack(
        [
            torch.stack([base.weight @ v + base.bias + 4.5 / 3 * (b @ (a @ v)) for v in row])
            for row in x
        ]
    )
    torch.testing.assert_close(layer(x), expected)


def test_dropout_acts_on_the_adapter_in_training_only():
    torch.manual_seed(0)
    layer, x = LoraLinear(nn.Linear(5, 4), lora(dropout=0.5)), torch.randn(2, 7, 5)
    assert torch.equal(layer.train()(x), layer.base_layer(x))
    nn.init.normal_(layer.lora_B.weight)
    assert not torch.equal(layer(x), layer(x))
    assert torch.equal(layer.eval()(x), layer(x))


def test_the_first_weights_are_those_of_the_released_code():
    layer = LoraLinear(nn.Linear(400, 30), lora(rank=50))
    assert not layer.lora_B.weight.any()
    bound = 1 / math.sqrt(400)
    assert 0.99 * bound < layer.lora_A.weight.abs().max() <= bound
    assert layer.lora_A.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("targets", "millions"), [(None, 12.58), (["q_proj", "k_proj", "v_proj"], 4.72), (ALL, 14.16)]
)
def test_the_number_of_parameters_of_wavlm_large(targets, millions):
    """r (in + out) for each target: 12.58 million in MFPT (shared/facts/methods.md, 1.5)."""
    tuning = Lora(kind="lora") if targets is None else Lora(kind="lora", targets=targets)
    with torch.device("meta"):
        encoder = Encoder(WAVLM_LARGE, Tiny(kind="tiny"))
        before = sum(p.numel() for p in encoder.parameters())
        add_adapters(encoder, tuning)
    found = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    sizes = {"fc1": (1024, 4096), "fc2": (4096, 1024)}
    expected = 24 * sum(32 * sum(sizes.get(name, (1024, 1024))) for name in tuning.targets)
    assert found == expected
    assert round(found / 1e6, 2) == millions
    assert sum(p.numel() for p in encoder.parameters()) == before + found


@FAMILIES
def test_the_state_of_an_adapted_front_end_round_trips(family):
    first, second = tiny(family, lora()), tiny(family, lora(), normalise="utterance")
    move(first)
    waves = small.waves(2, 6_000)
    assert not torch.equal(first(waves)[-1], second(waves)[-1])
    second.load_state_dict(first.state_dict())
    assert all(map(torch.equal, first(waves), second(waves)))
    assert {name for name in first.state_dict() if "blocks.0.attention.q_proj" in name} == {
        f"blocks.0.attention.q_proj.{part}"
        for part in ("base_layer.weight", "base_layer.bias", "lora_A.weight", "lora_B.weight")
    }


@FAMILIES
@torch.no_grad()
def test_a_checkpoint_is_adapted_once_it_is_read(family, tmp_path):
    path, waves = small.fairseq(small.draw(family), tmp_path), small.waves(2, 6_000)
    torch.manual_seed(0)
    adapted = small.built(family, path, tuning=lora())
    assert all(map(torch.equal, adapted(waves), small.built(family, path)(waves)))
    assert learning(adapted) == set(adapters(adapted))
    assert len(adapters(adapted)) == 2 * 5 * 3


# --- frozen --------------------------------------------------------------------------------------


@FAMILIES
def test_a_frozen_front_end_has_no_graph_and_stays_in_eval_mode(family, tmp_path):
    path = small.fairseq(small.draw(family), tmp_path)
    for encoder in (
        tiny(family, tuning={"kind": "frozen"}),
        small.built(family, path, tuning={"kind": "frozen"}),
    ):
        encoder.train()
        assert learning(encoder) == set()
        assert not any(module.training for module in encoder.modules())
        assert not any(state.requires_grad for state in encoder(small.waves(1, 4_000)))


@FAMILIES
def test_full_tuning_is_what_it_was(family):
    frozen = {f"convolutions.{name}" for name, _ in tiny(family).convolutions.named_parameters()}
    every = {name for name, _ in tiny(family).named_parameters()}
    assert learning(tiny(family, tuning={"kind": "full"})) == every - frozen


# --- the first blocks ----------------------------------------------------------------------------


@FAMILIES
def test_an_encoder_that_stops_early_gives_the_first_states_and_the_rest_rests(family):
    encoder, waves = tiny(family, lora()).train(), small.waves(2, 6_000)
    move(encoder)
    whole, names = encoder(waves), set(encoder.state_dict())
    encoder.stop_after(2)
    states = encoder(waves)
    assert (len(states), encoder.n_states) == (3, 3)
    assert all(map(torch.equal, states, whole[:3]))
    weighed(states).backward()
    waiting = {n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None}
    assert waiting == set()
    assert set(encoder.state_dict()) == names


def test_an_encoder_cannot_stop_behind_its_end():
    encoder = tiny("wavlm")
    encoder.stop_after(3)
    assert "norm.weight" in learning(encoder)
    with raises_code("model.sizes") as error:
        encoder.stop_after(4)
    assert "4 blocks" in str(error.value)


# --- settings ------------------------------------------------------------------------------------


def test_contradictions_are_refused(subtests):
    cases = [
        (
            {"tuning": {"kind": "lora"}, "convolutions": "trained"},
            "convolutions = 'trained': should be 'frozen' where tuning.kind is 'lora'",
        ),
        (
            {"tuning": {"kind": "frozen"}, "convolutions": "trained"},
            "where tuning.kind is 'frozen'",
        ),
        ({"tuning": {"kind": "frozen"}, "dropout": 0.1}, "dropout = 0.1: should be 0 where"),
        ({"tuning": {"kind": "frozen"}, "layerdrop": 0.1}, "layerdrop = 0.1: should be 0"),
        ({"tuning": {"kind": "frozen"}, "time_mask": 0.1}, "time_mask = 0.1: should be 0"),
        ({"tuning": {"kind": "lora", "targets": []}}, "at least 1 item"),
        ({"tuning": {"kind": "lora", "targets": ["fc1", "fc1"]}}, "should name each layer once"),
        ({"tuning": {"kind": "lora", "targets": ["fc3"]}}, "'fc1' or 'fc2'"),
        ({"tuning": {"kind": "lora", "alpha": 0.0}}, "greater than 0"),
    ]
    for options, message in cases:
        with subtests.test(options=options), pytest.raises(ValidationError, match=message):
            WavLM.model_validate({"kind": "wavlm", **options})


def test_the_papers_five_targets_are_the_default():
    spec = WavLM.model_validate({"kind": "wavlm", "tuning": {"kind": "lora"}})
    assert spec.tuning.model_dump(mode="json") == {
        "kind": "lora",
        "rank": 32,
        "alpha": 32.0,
        "dropout": 0.0,
        "targets": ["q_proj", "k_proj", "v_proj", "fc1", "fc2"],
    }
    assert WavLM(kind="wavlm").tuning.kind == "full"
