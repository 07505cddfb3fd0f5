"""TCA: sizes against the released code's, outputs against the paper's equations, one by one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bench.cards import table_cards
from bench.cards.paper_cards import add_variant
from bench.config import Config
from bench.models.frontends import FrontEnd
from bench.models.segment_positions import IGNORED
from bench.models.systems import Batch
from bench.models.systems.tca import Gate, Head
from bench.specs.frontends.tiny import Tiny
from bench.specs.run import TrainData
from bench.specs.systems.tca import Tca
from bench.units import ATTACK_TYPES, CLASSES
from tests.errors import raises_code
from tests.models.systems.plain_tca import by_hand, cross_entropies

TOKEN = {"kind": "attentive-statistics"}
PAPER = {"kind": "tca", "token": TOKEN}
RELEASED = {
    "kind": "tca",
    "token": {**TOKEN, "bias": "none", "mean": "divided", "deviation": "second-moment"},
    "activation": "leaky-relu",
    "channel_bias": "learnt",
    "gate": "across-classes",
    "last_weights": "random",
    "cross_entropy": "weighted-mean",
}
NO_TOKEN = {"kind": "tca", "token": {"kind": "none"}}
NO_CAV = {**PAPER, "cav_weight": 0.0}
BINARY = {**PAPER, "classes": "binary"}
READINGS = {
    "paper": PAPER,
    "released": RELEASED,
    "no-token": NO_TOKEN,
    "no-cav": NO_CAV,
    "binary": BINARY,
    "joint": {**PAPER, "heads": "joint"},
}


UNMARKED = torch.zeros(1, 0, dtype=torch.bool)
"""No marks: this system is not told of breaths."""


class Fixed(FrontEnd):
    """A front-end whose states are drawn from the wave, without the cost of a real one."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.n_states = dim, 2
        self.register_buffer("mould", torch.randn(2, 20, dim))

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hops = waves.unfold(1, 400, 320).unflatten(2, (20, 20)).mean(-1)
        return tuple((4 * hops @ weight).tanh() for weight in self.mould)


def data(clip_s: float = 0.1, resolution_s: float | str = "utterance") -> TrainData:
    return TrainData.model_validate(
        {"corpus": "x", "split": "train", "resolution_s": resolution_s, "clip_s": clip_s}
    )


def system(reading: str, dim: int = 12, clip_s: float = 0.1, **settings: object):
    """Return TCA in eval mode; small unless asked, its normalisation with statistics of its own."""
    torch.manual_seed(0)
    sizes = {"hidden": 16, "dim": 8} if dim < 1024 else {}
    spec = Tca.model_validate({**READINGS[reading], **sizes, **settings})
    model = spec.build(Fixed(dim), data(clip_s))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.weight, 1.0, 0.2)
            nn.init.normal_(module.bias, 0.5, 0.2)
    return model.eval()


def moved(reading: str):
    """Return the system as training leaves it: no weight where it started, none like another."""
    model = system(reading)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def batch(size: int = 5, n_samples: int = 1600) -> Batch:
    generator = torch.Generator().manual_seed(1)
    kind = torch.arange(size) % 3
    return Batch(
        torch.randn(size, n_samples, generator=generator),
        (kind > 0)[:, None],
        torch.ones(size, 1, dtype=torch.bool),
        kind,
        UNMARKED.expand(size, 0),
    )


# --- sizes and shapes -----------------------------------------------------------------------------


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_back_end_is_as_big_as_the_released_one():
    """625,777 in shared/facts/official-code.md, 3.1, of which 259 change nothing and are not here:
    a third normalisation that is never called (2 x 128) and the gate's bias, which the softmax over
    the channels cancels (3).
    """
    assert parameters(system("released", 1024, 4.0375)) == 625_777 - 2 * 128 - 3


def test_the_papers_reading_is_as_big_as_its_equations_say():
    narrowing = (1024 * 512 + 512) + 2 * 512 + (512 * 128 + 128) + 2 * 128
    token = (128 + 1) + (2 * 128 * 128 + 128)  # equation 1; the projection to C
    vectors = 200 * 3  # equation 5: T' weights for each class
    assert parameters(system("paper", 1024, 4.0)) == (
        narrowing + token + vectors + (128 + 1) + 1 + (2 + 1)
    )


@pytest.mark.parametrize(
    ("reading", "clip_s", "rows", "classes"),
    [
        ("paper", 4.0, 199 + 1, 3),
        ("released", 4.0375, 201 + 1, 3),
        ("no-token", 4.0, 199, 3),
        ("binary", 4.0, 200, 2),
    ],
)
def test_shapes(reading, clip_s, rows, classes):
    model = system(reading, clip_s=clip_s)
    waves = torch.randn(2, round(16_000 * clip_s))
    assert model.frame_features(waves).shape == (2, rows, 8)
    found = model.compute_activation(waves)
    assert found.cav_logits.shape == (2, classes)
    assert found.temporal.shape == (2, rows, classes)
    assert found.logits.shape == (2, classes)
    assert model.class_names == (ATTACK_TYPES if classes == 3 else CLASSES)
    assert model.fixed_s == clip_s
    answer = model.predict(waves, UNMARKED, None)
    assert answer.score.shape == (2, 1)
    assert answer.logits.shape == (2, 1, 2)


# --- the whole, step by step ----------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_the_forward_pass_is_the_equations(reading):
    model, waves = moved(reading), batch().waves
    expected = by_hand(model, waves, released=reading == "released")
    for ours, theirs in zip(model.compute_activation(waves), expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_the_losses_are_equations_6_and_9(reading):
    model, clips = moved(reading), batch()
    z, _, final = by_hand(model, clips.waves, released=reading == "released")
    weights = [8.0 if k == 0 else 1.0 for k in clips.attack_type.tolist()]
    parts = []
    for logits in (z, final):
        each = cross_entropies(logits, clips.attack_type)
        weighted = [a * b for a, b in zip(weights, each, strict=True)]
        if reading == "released":
            parts.append(sum(weighted) / sum(weights))
        else:
            parts.append(sum(value / 3 for value in weighted) / len(weighted))
    losses = model.losses(clips)
    assert losses["cav"].item() == pytest.approx(parts[0], rel=1e-5)
    assert losses["tca"].item() == pytest.approx(parts[1], rel=1e-5)
    assert losses["loss"].item() == pytest.approx(0.3 * parts[0] + 0.7 * parts[1], rel=1e-5)


# --- the equations, by numbers --------------------------------------------------------------------


def test_equation_7_weighs_channels_for_each_class():
    vectors = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]]])  # 3 channels, 2 classes
    spec = Tca.model_validate(PAPER)
    gate = Gate(2, spec)
    nn.init.constant_(gate.weight, 0.5)
    parts = [math.exp(0.5), math.exp(1.0), math.exp(2.0)]
    expected = [[part / sum(parts), 1 / 3] for part in parts]
    torch.testing.assert_close(gate(vectors)[0], torch.tensor(expected))
    mixing = Gate(2, spec.model_copy(update={"gate": "across-classes"}))
    with torch.no_grad():
        mixing.weight.copy_(torch.tensor([[0.0, 1.0], [0.5, 0.0]]))
    torch.testing.assert_close(mixing(vectors)[0].flip(1), torch.tensor(expected))


def test_a_head_is_shared_by_the_classes_or_joins_them():
    x = torch.tensor([[[1.0, 3.0], [2.0, 5.0]]])  # 2 inputs, 2 classes
    shared = Head(2, 2, Tca.model_validate(PAPER))
    joint = Head(2, 2, Tca.model_validate(READINGS["joint"]))
    with torch.no_grad():
        shared.linear.weight.copy_(torch.tensor([[10.0, 1.0]]))
        joint.linear.weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0], [1.0, 0.0, 0.0, 0.0]]))
        shared.linear.bias.zero_()
        joint.linear.bias.zero_()
    assert shared(x).tolist() == [[12.0, 35.0]]
    assert joint(x).tolist() == [[5231.0, 1.0]]


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("paper", (8 * math.log(3) + math.log(3)) / (2 * 3)),
        ("released", math.log(3)),
    ],
)
def test_equation_6_of_equal_logits(reading, expected):
    found = system(reading).weighted_cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]))
    assert found.item() == pytest.approx(expected)


# --- behaviour ------------------------------------------------------------------------------------


def test_every_weight_learns(subtests):
    """In eval mode: in training, normalisation cancels the bias of the layer before it."""
    for reading in READINGS:
        with subtests.test(reading=reading):
            model = system(reading)
            model.losses(batch())["loss"].backward()
            dead = [
                name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()
            ]
            assert not dead


def test_without_the_loss_on_the_cav_it_still_gates_the_frames():
    model, clips = system("no-cav"), batch()
    losses = model.losses(clips)
    torch.testing.assert_close(losses["loss"], 0.7 * losses["tca"])
    before = model.compute_activation(clips.waves).logits
    nn.init.zeros_(model.cav_head.linear.weight)
    assert not torch.allclose(before, model.compute_activation(clips.waves).logits)


@pytest.mark.parametrize("reading", ["paper", "no-token", "binary", "joint"])
def test_activation_for_a_class_first_speaks_for_it(reading):
    model, waves = system(reading), batch().waves
    found = model.compute_activation(waves)
    segments = [found.temporal[:, :4].mean(1), *found.temporal[:, 4:].unbind(1)]
    torch.testing.assert_close(found.logits, torch.stack(segments).mean(0))


def test_without_the_token_only_frames_are_pooled():
    model, waves = system("no-token"), batch().waves
    found = model.compute_activation(waves)
    pooled = found.temporal.mean(dim=1)
    head = model.tca_head.linear
    torch.testing.assert_close(found.logits, pooled * head.weight + head.bias)


def test_binary_labels_are_learnt_from_the_class_and_not_the_kind():
    model, clips = system("binary"), batch()
    forgotten = clips._replace(attack_type=torch.full_like(clips.attack_type, IGNORED))
    losses = model.losses(clips)
    assert torch.equal(losses["loss"], model.losses(forgotten)["loss"])
    each = cross_entropies(model.compute_activation(clips.waves).logits, clips.spoof[:, 0].long())
    weights = [8.0 if k == 0 else 1.0 for k in clips.attack_type.tolist()]
    expected = sum(a * b / 2 for a, b in zip(weights, each, strict=True)) / len(each)
    assert losses["tca"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_an_utterance_of_unknown_kind_is_not_learnt_from(reading):
    model, clips = system(reading), batch()
    marked = clips._replace(
        attack_type=clips.attack_type.clone().index_fill_(0, torch.tensor([1, 4]), IGNORED)
    )
    kept = Batch(*(part[torch.tensor([0, 2, 3])] for part in clips))
    torch.testing.assert_close(model.losses(marked)["loss"], model.losses(kept)["loss"])


def test_the_loss_of_a_set_does_not_depend_on_its_batches():
    """So the dev loss that selects the checkpoint is one number on every device."""
    model, clips = system("paper"), batch(6)
    whole = model.losses(clips)["loss"]
    for size in (1, 2, 3):
        parts = [
            model.losses(Batch(*(part[at : at + size] for part in clips)))["loss"]
            for at in range(0, 6, size)
        ]
        torch.testing.assert_close(torch.stack(parts).mean(), whole)


def test_the_answer_is_in_the_order_of_the_classes(subtests):
    for reading in READINGS:
        with subtests.test(reading=reading):
            model, waves = system(reading), batch().waves
            logits = model.compute_activation(waves).logits
            answer = model.predict(waves, UNMARKED, None)
            torch.testing.assert_close(answer.logits[:, 0, 0], logits[:, 0])
            torch.testing.assert_close(answer.logits[:, 0, 1], logits[:, 1:].exp().sum(1).log())
            probability = logits.softmax(1)[:, 0]
            torch.testing.assert_close(answer.score[:, 0], (probability / (1 - probability)).log())


def test_scores_can_be_chosen_and_two_of_them_rank_alike():
    waves = batch(32).waves
    odds, softmax, logit = (
        system("paper", score=score).predict(waves, UNMARKED, None).score[:, 0]
        for score in ("log-odds", "log-softmax", "bonafide-logit")
    )
    assert odds.argsort().tolist() == softmax.argsort().tolist()
    torch.testing.assert_close(softmax, -torch.log1p((-odds).exp()))
    torch.testing.assert_close(logit, system("paper").compute_activation(waves).logits[:, 0])


def tiny(reading: str):
    torch.manual_seed(0)
    encoder = Tiny(kind="tiny", blocks=1, dim=16, feed_forward=16, channels=8).build(Config())
    spec = Tca.model_validate({**READINGS[reading], "hidden": 16, "dim": 8})
    return spec.build(encoder, data()).eval()


def test_scores_do_not_depend_on_batch_mates(subtests):
    for reading in READINGS:
        with subtests.test(reading=reading):
            model, clips = tiny(reading), batch()
            loud = clips.waves * torch.tensor([1.0, 10.0, 1.0, 0.1, 1.0])[:, None]
            together = model.predict(loud, UNMARKED, None).score
            alone = torch.cat([model.predict(wave[None], UNMARKED, None).score for wave in loud])
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_another_length_is_refused():
    model = system("paper")
    for n_samples in (1599, 1601, 3200):
        with raises_code("model.clip-length") as error:
            model.predict(torch.randn(1, n_samples), UNMARKED, None)
        assert "1600 samples" in str(error.value)
        with raises_code("model.clip-length") as error:
            model.losses(batch(n_samples=n_samples))
        assert "clip_s should be 0.1" in str(error.value)


def test_frames_are_refused():
    with raises_code("model.resolution") as error:
        Tca.model_validate(PAPER).build(Fixed(12), data(resolution_s=0.02))
    assert "train.resolution_s = 0.02" in str(error.value)
    with raises_code("model.resolution") as error:
        system("paper").predict(batch().waves, UNMARKED, 0.02)
    assert "resolution_s = 0.02" in str(error.value)


def test_the_variant_released_is_the_released_reading():
    card, _ = add_variant(
        table_cards.read_table("tca/table1"), table_cards.read_paper("tca"), "released", ["TCA"]
    )
    run = table_cards.resolve_row(card, "TCA@released")
    assert run.system == Tca.model_validate(RELEASED)
    assert run.train.clip_s == run.dev.clip_s == run.evaluate["asvspoof2019la"].clip_s == 4.0375
    assert run.frontend.normalise == "batch"
    assert run.training.epochs == 20


def test_the_cards_first_row_is_the_papers_reading():
    run = table_cards.resolve_row(table_cards.read_table("tca/table2"), "TCA")
    assert run.system == Tca.model_validate(PAPER)
    assert run.training_signature == (
        table_cards.resolve_row(table_cards.read_table("tca/table1"), "TCA").training_signature
    )
