"""MFPT's two stages: losses, answers, the front-end between them, and that each learns."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.config import Config
from bench.models.frontends import FrontEnd
from bench.models.frontends.lora import LoraLinear
from bench.models.systems.base import Batch
from bench.models.systems.mfpt import FineTuning, PostTraining
from bench.specs.frontends.tiny import Tiny
from bench.specs.run import TrainData
from bench.specs.systems.mfpt import Mfpt
from tests.errors import raises_code

FAMILIES = pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
LORA = {"kind": "lora", "rank": 4, "alpha": 4.0}
SMALL = {
    "ecapa": {
        "channels": 16, "scale": 4, "squeeze": 8, "aggregated": 24, "attention": 8, "embedding": 8,
    },
    "lstm": {"units": 8},
    "nes2net": {"groups": 4, "scale": 2},
}  # fmt: skip
HEADS = pytest.mark.parametrize("head", SMALL)


def tiny(family: str = "wavlm", **options: object) -> FrontEnd:
    torch.manual_seed(0)
    spec = Tiny(
        kind="tiny", family=family, blocks=2, dim=16, heads=2, feed_forward=24, channels=8,
        **options,
    )  # fmt: skip
    return spec.build(Config())


def data(**settings: object) -> TrainData:
    return TrainData.model_validate(
        {
            "corpus": "x", "split": "train", "resolution_s": "utterance", "clip_s": 0.1125,
            **settings,
        }
    )  # fmt: skip


SPLICED = data(resolution_s=0.02, splice={"kind": "mix-frame"})


def first(frontend: FrontEnd | None = None) -> PostTraining:
    spec = Mfpt.model_validate({"kind": "mfpt", "head": {"kind": "frames"}})
    stage = spec.build(frontend or tiny(tuning=LORA), SPLICED)
    assert isinstance(stage, PostTraining)
    return stage.eval()


def second(head: str = "ecapa", frontend: FrontEnd | None = None, **settings: object) -> FineTuning:
    head_spec = {"kind": head, **SMALL[head], **settings}
    spec = Mfpt.model_validate({"kind": "mfpt", "head": head_spec})
    stage = spec.build(frontend or tiny(tuning=LORA), data())
    assert isinstance(stage, FineTuning)
    return stage.eval()


def clips(size: int = 4, n_samples: int = 1800) -> torch.Tensor:
    return torch.randn(size, n_samples, generator=torch.Generator().manual_seed(1))


def batch(waves: torch.Tensor, spoof: torch.Tensor, valid: torch.Tensor | None = None) -> Batch:
    valid = torch.ones_like(spoof) if valid is None else valid
    hops = (waves.shape[1] - 400) // 320 + 1
    marks = torch.zeros(len(waves), hops, dtype=torch.bool)
    return Batch(waves, spoof, valid, torch.zeros(len(waves), dtype=torch.long), marks)


def answered(stage, waves: torch.Tensor, resolution_s: float | None):
    return stage.predict(waves, batch(waves, torch.zeros(len(waves), 1)).breath_mask, resolution_s)


# --- post-training -------------------------------------------------------------------------------


def test_the_frame_head_is_one_linear_layer_on_the_last_state():
    stage, waves = first(), clips()
    assert not stage.head.bias.any()
    bound = math.sqrt(6 / (16 + 1))
    assert 0.8 * bound < stage.head.weight.abs().max() <= bound, "not Xavier's uniform"
    expected = stage.frontend(waves)[-1] @ stage.head.weight[0]
    torch.testing.assert_close(stage.hop_logits(waves), expected)
    assert sum(p.numel() for p in stage.head.parameters()) == 16 + 1


def test_a_clip_of_the_paper_has_201_frames():
    assert first().hop_logits(clips(1, 64_600)).shape == (1, 201)


def test_post_trainings_loss_is_the_mean_over_valid_frames():
    stage, waves = first(), clips()
    spoof = torch.rand(4, 5, generator=torch.Generator().manual_seed(2)) < 0.4
    valid = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 5, [True] * 5])
    each = [
        -math.log(p if injected else 1 - p)
        for row, labels, known in zip(
            stage.hop_logits(waves).sigmoid().tolist(), spoof.tolist(), valid.tolist(), strict=True
        )
        for p, injected, use in zip(row, labels, known, strict=True)
        if use
    ]
    losses = stage.losses(batch(waves, spoof, valid))
    assert set(losses) == {"loss"}
    assert losses["loss"].item() == pytest.approx(sum(each) / 13, rel=1e-5)
    assert losses["loss"].dtype == torch.float32


def test_post_training_scores_hops_with_injected_as_spoof():
    stage, waves = first(), clips()
    answer, logits = answered(stage, waves, 0.02), stage.hop_logits(waves)
    assert torch.equal(answer.score, -logits)
    assert torch.equal(answer.logits, torch.stack([torch.zeros_like(logits), logits], dim=-1))
    torch.testing.assert_close(answer.score, answer.logits[..., 0] - answer.logits[..., 1])


@pytest.mark.parametrize("resolution_s", [0.04, 0.16, None])
def test_post_training_scores_no_other_resolution(resolution_s):
    with raises_code("model.resolution") as error:
        answered(first(), clips(), resolution_s)
    assert "0.02" in str(error.value)


def test_post_training_wants_a_splice_and_its_labels():
    spec = Mfpt.model_validate({"kind": "mfpt", "head": {"kind": "frames"}})
    with raises_code("model.splice-missing") as error:
        spec.build(tiny(), data(resolution_s=0.02, clip_s=0.12))
    assert "train.splice.kind = 'none'" in str(error.value)
    with raises_code("model.splice-missing") as error:
        first().losses(batch(clips(), torch.zeros(4, 4, dtype=torch.bool)))
    assert "4 frames for clips of 5 hops" in str(error.value)


# --- fine-tuning ---------------------------------------------------------------------------------


@HEADS
def test_fine_tunings_loss_weighs_the_classes_as_torch_does(head):
    stage, waves = second(head), clips()
    spoof = torch.tensor([[False], [True], [True], [False]])
    valid = torch.tensor([[True], [True], [True], [False]])
    each = (-stage.clip_logits(waves).log_softmax(1)).tolist()
    expected = (9 * each[0][0] + each[1][1] + each[2][1]) / 11
    assert stage.losses(batch(waves, spoof, valid))["loss"].item() == pytest.approx(expected)
    plain = second(head, bonafide_weight=1.0).losses(batch(waves, spoof))["loss"].item()
    unweighted = (each[0][0] + each[1][1] + each[2][1] + each[3][0]) / 4
    assert plain == pytest.approx(unweighted)


@pytest.mark.parametrize("spoofed", [0, 1, 4])
def test_a_batch_may_be_of_one_class(spoofed):
    spoof = torch.arange(4)[:, None] < spoofed
    assert second().losses(batch(clips(), spoof))["loss"].isfinite()


@HEADS
def test_the_score_is_the_difference_of_the_logits(head):
    stage, waves = second(head), clips()
    answer, logits = answered(stage, waves, None), stage.clip_logits(waves)
    assert torch.equal(answer.logits[:, 0], logits)
    assert torch.equal(answer.score[:, 0], logits[:, 0] - logits[:, 1])
    with raises_code("model.resolution") as error:
        answered(stage, waves, 0.02)
    assert "resolution_s = 0.02" in str(error.value)


def test_fine_tuning_wants_labels_of_utterances():
    spec = Mfpt.model_validate({"kind": "mfpt", "head": {"kind": "ecapa"}})
    with raises_code("model.resolution") as error:
        spec.build(tiny(), SPLICED)
    assert "train.resolution_s = 0.02" in str(error.value)


def test_without_merging_the_head_has_the_last_state():
    stage, waves = second("lstm", merge={"kind": "last"}), clips()
    torch.testing.assert_close(stage.clip_logits(waves), stage.head(stage.frontend(waves)[-1]))


def test_the_merge_may_be_of_the_first_blocks():
    stage = second(merge={"kind": "attentive", "layers": 1}, frontend=tiny(tuning=LORA))
    assert stage.frontend.n_states == 2
    assert stage.merge.squeeze.in_features == 1
    stage.losses(batch(clips(), torch.tensor([[True], [False]] * 2)))["loss"].backward()
    waiting = [n for n, p in stage.named_parameters() if p.requires_grad and p.grad is None]
    assert waiting == []
    with raises_code("model.sizes") as error:
        second(merge={"kind": "attentive", "layers": 3})
    assert "layers = 3" in str(error.value)


# --- both ----------------------------------------------------------------------------------------


@FAMILIES
def test_the_second_stage_takes_the_first_ones_front_end(family):
    """Adapters and all: the two state dicts have the same names, and the same states come out."""
    before = first(tiny(family, tuning=LORA))
    after = second(frontend=tiny(family, tuning=LORA))
    for module in before.frontend.modules():
        if isinstance(module, LoraLinear):
            nn.init.normal_(module.lora_B.weight)
    after.frontend.load_state_dict(before.frontend.state_dict())
    assert all(map(torch.equal, before.frontend(clips()), after.frontend(clips())))


@FAMILIES
@pytest.mark.parametrize("head", ["frames", *SMALL])
def test_batch_mates_do_not_change_a_score(family, head):
    frontend = tiny(family, tuning=LORA)
    stage = first(frontend) if head == "frames" else second(head, frontend)
    resolution_s = 0.02 if head == "frames" else None
    loud = clips(5) * torch.tensor([1.0, 10.0, 1.0, 0.1, 1.0])[:, None]
    together = answered(stage, loud, resolution_s).score
    alone = torch.cat([answered(stage, wave[None], resolution_s).score for wave in loud])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("head", ["frames", *SMALL])
def test_only_adapters_and_the_head_learn(head):
    stage = (first() if head == "frames" else second(head)).train()
    spoof = torch.tensor([[True], [False]] * 2).expand(4, 5 if head == "frames" else 1)
    stage.losses(batch(clips(), spoof))["loss"].backward()
    learning = {name for name, p in stage.named_parameters() if p.requires_grad}
    assert learning == {name for name, p in stage.named_parameters() if p.grad is not None}
    assert {n for n in learning if n.startswith("frontend.")} == {
        n for n, _ in stage.named_parameters() if ".lora_" in n
    }


@pytest.mark.parametrize("head", ["frames", *SMALL])
def test_losses_and_logits_are_float32_in_bfloat16_training(head):
    stage = first() if head == "frames" else second(head)
    spoof = torch.tensor([[True], [False]] * 2).expand(4, 5 if head == "frames" else 1)
    given = batch(clips(), spoof)
    exact = stage.losses(given)["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = stage.losses(given)["loss"]
        logits = stage.hop_logits if head == "frames" else stage.clip_logits
        assert logits(given.waves).dtype == rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.05)


def test_the_defaults_are_what_the_card_of_differences_says():
    spec = Mfpt.model_validate({"kind": "mfpt", "head": {"kind": "ecapa"}})
    assert spec.model_dump(mode="json") == {
        "kind": "mfpt",
        "head": {
            "kind": "ecapa",
            "merge": {
                "kind": "attentive", "ratio": 0.25, "layers": "all", "first_weights": "scaled",
            },
            "bonafide_weight": 9.0,
            "channels": 512, "scale": 8, "dilations": [2, 3, 4], "squeeze": 128,
            "aggregated": 1536, "attention": 256, "embedding": 192,
        },
    }  # fmt: skip
    assert Mfpt.model_validate(spec.model_dump(mode="json")) == spec


def tones(size: int, per_region: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return noise, a tone in some of it: in a third of each clip's 20 hops, or in whole clips.

    The second return value says where: "clip hops", or "clip 1".
    """
    hops, time = torch.arange(20), torch.arange(20 * 320 + 80) / 16_000
    starts = torch.randint(0, 14, (size, 1))
    inside = (hops >= starts) & (hops < starts + 6)
    if not per_region:
        inside = (torch.arange(size) % 2 == 0)[:, None].expand(size, 20)
    sounding = F.pad(inside.repeat_interleave(320, dim=1), (0, 80))
    waves = 0.3 * torch.randn(size, 20 * 320 + 80)
    waves = waves + sounding * torch.sin(2 * torch.pi * 700 * time)
    return waves, inside if per_region else inside[:, :1]


def learner(family: str, tuning: dict[str, object]) -> FrontEnd:
    torch.manual_seed(0)
    spec = Tiny(
        kind="tiny", family=family, blocks=2, dim=32, heads=2, feed_forward=64, channels=16,
        tuning=tuning,
    )  # fmt: skip
    return spec.build(Config())


@pytest.mark.rows
@FAMILIES
@pytest.mark.parametrize("head", ["frames", *SMALL])
def test_it_learns(family, head):
    """Where the tone is, or whether, from adapters over random weights in tens of steps."""
    frontend = learner(family, {"kind": "lora", "rank": 8, "alpha": 8.0})
    # With a weight of 9 the loss would fall by calling everything bona fide.
    alike = {"bonafide_weight": 1.0}
    stage = first(frontend) if head == "frames" else second(head, frontend, **alike)
    optimiser = torch.optim.AdamW([p for p in stage.parameters() if p.requires_grad], 5e-3)
    losses = []
    for _ in range(60 if head == "frames" else 30):
        loss = stage.train().losses(batch(*tones(8, head == "frames")))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    waves, spoof = tones(32, head == "frames")
    score = answered(stage.eval(), waves, 0.02 if head == "frames" else None).score.detach()
    higher = score[~spoof][:, None] > score[spoof][None]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert higher.float().mean() > 0.75, "no better than chance"
