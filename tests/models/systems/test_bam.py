"""BAM: released sizes and checkpoint, blocks against plain loops, losses, what it refuses."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from bench.cards import table_cards
from bench.config import Config
from bench.models.official_weights import load_official
from bench.models.segment_positions import compute_transitions
from bench.models.systems import Batch
from bench.models.systems.bam import balanced_cross_entropy, join_between_boundaries
from bench.training import engine
from tests.errors import raises_code
from tests.models.frontends import small
from tests.models.systems import plain_bam

TABLE = "bam/partialspoof"
UNMARKED = torch.zeros(1, 0, dtype=torch.bool)


def resolved(row: str = "BAM-WavLM", form="smoke", *changes: str):
    return table_cards.resolve_row(table_cards.read_table(TABLE), row, form, changes)


def built(*changes: str):
    return engine.build_system(resolved("BAM-WavLM", "smoke", *changes), 1, Config()).eval()


def make_clips(frames: int = 12) -> Batch:
    generator = torch.Generator().manual_seed(1)
    valid = torch.arange(frames) < torch.tensor([frames, frames - 3, 4])[:, None]
    return Batch(
        0.1 * torch.randn(3, frames * 2560, generator=generator),
        torch.rand(3, frames, generator=generator) < 0.5,
        valid,
        torch.zeros(3, dtype=torch.long),
        UNMARKED.expand(3, 0),
    )


@pytest.mark.parametrize("row", ["BAM-WavLM", "BAM-XLSR"])
def test_the_trained_part_is_as_big_as_the_released_one(row):
    run = resolved(row, "paper")
    with torch.device("meta"):
        system = run.system.build(run.frontend.lay_out(), run.train)
    parts = {name: part for name, part in system.named_children() if name != "frontend"}
    sizes = {name: sum(of.numel() for of in part.parameters()) for name, part in parts.items()}
    assert sum(sizes.values()) == 50_348_323
    assert sizes["intra"] == 38_787_360


@pytest.fixture
def released(tmp_path):
    """The released system over a small WavLM, randomly filled, and its checkpoint."""
    path = small.fairseq(small.draw("wavlm"), tmp_path)
    reference = small.reference("wavlm", path)
    torch.manual_seed(3)
    model = plain_bam.Released(reference.upstream, reference.dim)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and "ssl_layer" not in name:
                tensor += 0.02 * torch.randn(tensor.shape, generator=generator)
        # So that some frames are boundaries and some are not.
        model.model.b_output_layer[0].bias -= 0.2
    checkpoint = tmp_path / "model.ckpt"
    held = {"state_dict": model.state_dict(), "epoch": 30, "hyper_parameters": {"resolution": 0.16}}
    torch.save(held, checkpoint)
    frontend = small.built("wavlm", path)
    for weight in frontend.parameters():
        weight.detach().zero_()
    return model.eval(), frontend, checkpoint


# s3prl's WavLM gives torch's attention a bool padding mask beside its float bias.
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
@pytest.mark.parametrize("mask", ["soft", "blocked"])
def test_a_randomly_filled_checkpoint_scores_alike(released, mask):
    model, frontend, checkpoint = released
    run = resolved("BAM-WavLM", "paper", f"system.mask={mask}")
    ours = run.system.build(frontend, run.train)
    load_official(ours, run.system, checkpoint)
    ours.eval()
    waves = small.waves(2, 2560 * 9)
    with torch.inference_mode():
        logits, boundary = model(waves, 8, mask)
        frames = ours.frame_states(waves, 8)
        _, log_odds = ours.answer_frames(frames)
        answer = ours.predict(waves, UNMARKED, 0.16)
    assert 0 < (boundary > 0.5).sum() < boundary.numel()
    torch.testing.assert_close(log_odds.sigmoid(), boundary, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(answer.logits, logits.flip(-1), atol=5e-5, rtol=1e-4)
    torch.testing.assert_close(answer.score, logits[..., 1], atol=5e-5, rtol=1e-4)


def test_what_is_left_over_or_missing_of_a_checkpoint_is_named(released):
    _, frontend, checkpoint = released
    run = resolved("BAM-WavLM", "paper")
    ours = run.system.build(frontend, run.train)
    content = torch.load(checkpoint, weights_only=True)
    del content["state_dict"]["model.intra_layer.resnet.layer3.0.downsample.weight"]
    content["state_dict"]["model.gap_layers.2.bn.bias"] = torch.zeros(2)
    torch.save(content, checkpoint)
    with raises_code(
        "weights.mismatch", "missing: intra.blocks.4.shortcut.weight", "graphs.2.norm.bias"
    ):
        load_official(ours, run.system, checkpoint)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_frames_are_joined_where_no_boundary_lies_between(boundary):
    joined = join_between_boundaries(torch.tensor([boundary, [False] * len(boundary)]))
    frames = range(len(boundary))
    assert joined[0].tolist() == [
        [plain_bam.is_joined(boundary, one, other) for other in frames] for one in frames
    ]
    assert joined[1].all()


@given(
    st.lists(
        st.tuples(st.floats(-6, 6), st.sampled_from([1, 0, 0, 0, -100])), min_size=1, max_size=12
    ),
    st.sampled_from([0.5, 1.0, 5.0]),
)
def test_the_boundary_loss_takes_the_hardest_negatives(frames, ratio):
    log_odds, target = (torch.tensor([column]) for column in zip(*frames, strict=True))
    ours = balanced_cross_entropy(log_odds, target, ratio)
    probability = log_odds.double().sigmoid()[0].tolist()
    expected = plain_bam.balanced(probability, target[0].tolist(), ratio)
    assert ours.item() == pytest.approx(expected, abs=1e-5)


def test_the_loss_is_of_valid_frames_and_boundaries_on_the_spoof_side():
    model, clips = built(), make_clips()
    frames = model.frame_states(clips.waves, 8)
    logits, boundary = model.answer_frames(frames)
    each = F.cross_entropy(logits.flatten(0, 1), clips.spoof.long().flatten(), reduction="none")
    binary = each.unflatten(0, clips.spoof.shape)[clips.valid].mean()
    edges = compute_transitions(clips.spoof, clips.valid, "spoof-side")
    assert 0 < (edges == 1).sum() < clips.spoof.sum()
    edge = plain_bam.balanced(boundary.sigmoid().flatten().tolist(), edges.flatten().tolist(), 5.0)
    losses = model.losses(clips)
    torch.testing.assert_close(losses["binary"], binary)
    torch.testing.assert_close(losses["boundary"].item(), edge, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(losses["loss"], binary + 0.5 * losses["boundary"])
    flipped = clips._replace(spoof=clips.spoof ^ ~clips.valid)
    assert torch.equal(model.losses(flipped)["loss"], losses["loss"])


def test_clips_without_a_boundary_learn_their_classes_alone():
    model, clips = built(), make_clips()
    losses = model.losses(clips._replace(spoof=torch.zeros_like(clips.spoof)))
    assert losses["boundary"] == 0
    assert torch.equal(losses["loss"], losses["binary"])


def test_the_boundary_branch_learns_from_boundaries_alone():
    model, clips = built(), make_clips()
    model.losses(clips)["binary"].backward()
    assert model.project.weight.grad.any()
    assert model.graphs[0].compare.weight.grad.any()
    untouched = [*model.inter.parameters(), *model.intra.parameters(), *model.boundary.parameters()]
    assert all(part.grad is None or not part.grad.any() for part in untouched)


def test_batch_mates_change_no_score():
    model, clips = built(), make_clips()
    with torch.inference_mode():
        together = model.predict(clips.waves, UNMARKED, 0.16).score
        alone = [model.predict(wave[None], UNMARKED, 0.16).score for wave in clips.waves]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_finer_answers_repeat_or_pool_and_coarser_ones_pool():
    waves = make_clips().waves[:, : 2560 * 4 + 3 * 320]
    with torch.inference_mode():
        repeated, pooled = built(), built("system.finer_than_trained=pool")
        fine = repeated.predict(waves, UNMARKED, 0.02).score
        whole = F.pad(waves, (0, 2560 - 3 * 320))
        coarse = repeated.predict(whole, UNMARKED, 0.16).score
        assert fine.shape == (3, 35)
        assert torch.equal(fine, coarse.repeat_interleave(8, dim=1)[:, :35])
        assert pooled.predict(waves, UNMARKED, 0.02).score.unique().numel() > 15
        assert repeated.predict(waves[:, : 2560 * 4], UNMARKED, 0.32).score.shape == (3, 2)


def test_the_score_is_the_bona_fide_logit_or_the_difference():
    waves = make_clips().waves
    with torch.inference_mode():
        alone = built().predict(waves, UNMARKED, 0.16)
        difference = built("system.score=logit-difference").predict(waves, UNMARKED, 0.16)
    assert torch.equal(alone.score, alone.logits[..., 0])
    assert torch.equal(difference.score, alone.logits[..., 0] - alone.logits[..., 1])


def test_labels_and_scores_are_of_frames():
    with raises_code("model.resolution", "system.kind = 'bam'", "a frame in seconds"):
        built("train.resolution_s=utterance")
    with raises_code("model.resolution", "BAM", "'utterance'"):
        built().predict(torch.zeros(1, 2560), UNMARKED, None)
