"""CFPRF's FDN: sizes and checkpoint as released, blocks and losses against loops, batch mates."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.cards import table_cards
from bench.config import Config
from bench.models.official_weights import load_official
from bench.models.systems import Batch
from bench.models.systems.cfprf import contrast_frames, mark_boundaries
from bench.training import engine
from tests.errors import raises_code
from tests.models.frontends import small
from tests.models.systems import plain_cfprf

UNMARKED = torch.zeros(1, 0, dtype=torch.bool)
RELEASED = ("system.gate_attention=over-batch", "system.cross_values=keys")
UNUSED = 640 + 256
"""First normalisations of five residual blocks, and one of 128 channels that nothing uses."""


def resolved(form, *changes: str, table: str = "cfprf/partialspoof"):
    return table_cards.resolve_row(table_cards.read_table(table), "FDN", form, changes)


def built(*changes: str):
    return engine.build_system(resolved("smoke", *changes), 1, Config()).eval()


def make_clips(frames: int = 24) -> Batch:
    generator = torch.Generator().manual_seed(1)
    valid = torch.arange(frames) < torch.tensor([frames, frames - 3, 4])[:, None]
    return Batch(
        0.1 * torch.randn(3, frames * 320, generator=generator),
        torch.rand(3, frames, generator=generator) < 0.5,
        valid,
        torch.zeros(3, dtype=torch.long),
        UNMARKED.expand(3, 0),
    )


def count_parameters(module: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("table", ["cfprf/partialspoof", "cfprf/had"])
def test_the_trained_part_is_as_big_as_the_released_one_but_for_what_that_does_not_use(table):
    run = resolved("paper", table=table)
    with torch.device("meta"):
        system = run.system.build(run.frontend.lay_out(), run.train)
        theirs = plain_cfprf.Released(None, 1024)
    ours = [part for name, part in system.named_children() if name != "frontend"]
    assert count_parameters(theirs) == 3_059_946
    assert sum(map(count_parameters, ours)) == 3_059_946 - UNUSED


@pytest.fixture
def released(tmp_path):
    """The released network over a small XLS-R, randomly filled, and its checkpoint."""
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    reference = small.reference("wav2vec2", path)
    torch.manual_seed(3)
    model = plain_cfprf.Released(reference.upstream, reference.dim)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and not name.startswith("asr."):
                tensor += 0.05 * torch.rand(tensor.shape, generator=generator)
    checkpoint = tmp_path / "1FDN_PS.pth"
    torch.save(model.state_dict(), checkpoint)
    frontend = small.built("wav2vec2", path)
    for weight in frontend.parameters():
        weight.detach().zero_()
    return model.eval(), frontend, checkpoint


@pytest.mark.parametrize(("rules", "changes"), [("released", RELEASED), ("paper", ())])
def test_a_randomly_filled_checkpoint_answers_alike(released, rules, changes):
    model, frontend, checkpoint = released
    run = resolved("paper", *changes)
    ours = run.system.build(frontend, run.train)
    load_official(ours, run.system, checkpoint)
    ours.eval()
    waves = small.waves(2, 320 * 12)
    with torch.inference_mode():
        states = ours.frontend(torch.nn.functional.pad(waves, (0, 80)))[-1]
        theirs = model.features(states)
        features = ours.frame_features(waves)
        torch.testing.assert_close(features, theirs, atol=1e-4, rtol=1e-4)
        expected, edges = model.answer(theirs, rules)
        logits, boundary = ours.answer_frames(features)
        alone = model.answer(theirs[:1], rules)[0]
        answer = ours.predict(waves, UNMARKED, 0.02)
    torch.testing.assert_close(logits, expected.flip(-1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(boundary, edges, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answer.score[:1], alone[..., 1], atol=1e-4, rtol=1e-4)


def test_what_is_left_over_or_missing_of_a_checkpoint_is_named(released):
    _, frontend, checkpoint = released
    run = resolved("paper")
    ours = run.system.build(frontend, run.train)
    content = torch.load(checkpoint, weights_only=True)
    del content["seg_amlp.layers.0.sgu.tn.proj.bias"]
    content["encoder.6.0.conv1.bias"] = torch.zeros(2)
    torch.save(content, checkpoint)
    with raises_code(
        "weights.mismatch", "frame_block.gate.attention.project_out.bias", "blocks.6.first.bias"
    ):
        load_official(ours, run.system, checkpoint)


def test_batch_mates_change_what_the_released_attention_answers_and_nothing_else():
    clips = make_clips()
    for changes, depends in ((), False), (RELEASED, True):
        model = built(*changes)
        with torch.inference_mode():
            features = model.frame_features(clips.waves)
            together = model.answer_frames(features)[0]
            alone = torch.cat([model.answer_frames(each[None])[0] for each in features])
            assert torch.allclose(together, alone, atol=1e-5) is not depends
            # Scores are of one utterance at a time there, as the released evaluation has them.
            scores = model.predict(clips.waves, UNMARKED, 0.02).logits
            torch.testing.assert_close(scores, alone, atol=1e-5, rtol=1e-4)


def test_boundaries_are_edges_of_segments_of_a_clip_or_of_the_whole_batch():
    spoof = torch.tensor([[True, True, False], [False, True, True]])
    valid = torch.ones_like(spoof)
    own = [[1, 1, 1], [0, 1, 1]]  # bona fide frames that begin a clip begin no segment
    assert mark_boundaries(spoof, valid, across=False).int().tolist() == own
    joined = [[1, 1, 1], [1, 1, 1]]  # the two bona fide frames are one segment
    assert mark_boundaries(spoof, valid, across=True).int().tolist() == joined


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.booleans(), st.integers(0, 3))
def test_the_contrastive_loss_is_of_the_least_alike_and_the_most_alike(spoof, uniform, padding):
    generator = torch.Generator().manual_seed(len(spoof))
    features = torch.randn(2, len(spoof) + padding, 3, generator=generator)
    labels = torch.tensor([[*spoof, *[True] * padding]] * 2)
    valid = torch.arange(labels.shape[1]).expand_as(labels) < len(spoof)
    ours = contrast_frames(features, labels, valid, (0.9, 0.1), uniform=uniform)
    clips = features[:, : len(spoof)]
    expected = [plain_cfprf.contrast(clip, spoof, uniform=uniform) for clip in clips]
    assert ours.item() == pytest.approx(sum(expected) / 2, abs=1e-5)


@pytest.mark.parametrize(
    "changes", [(), ("system.boundary_of=batch", "system.uniform_clips=left-out")]
)
def test_the_loss_is_the_sum_of_three(changes):
    model, clips = built(*changes), make_clips()
    clips.spoof[1] = True
    features = model.frame_features(clips.waves)
    logits, boundary = model.answer_frames(features)
    edges = mark_boundaries(clips.spoof, clips.valid, across=bool(changes))

    def squared(outputs, labels):
        target = torch.stack([~labels, labels], dim=-1).float()
        return ((outputs - target) ** 2)[clips.valid].mean()

    contrast = contrast_frames(features, clips.spoof, clips.valid, (0.9, 0.1), uniform=not changes)
    losses = model.losses(clips)
    torch.testing.assert_close(losses["binary"], squared(logits, clips.spoof))
    torch.testing.assert_close(losses["boundary"], squared(boundary, edges))
    torch.testing.assert_close(losses["contrastive"], contrast)
    expected = losses["binary"] + 0.25 * contrast + 0.1 * losses["boundary"]
    torch.testing.assert_close(losses["loss"], expected)
    flipped = clips._replace(spoof=clips.spoof ^ ~clips.valid)
    torch.testing.assert_close(model.losses(flipped)["loss"], losses["loss"])


def test_every_weight_learns():
    model = built().train()
    model.losses(make_clips())["loss"].backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None]
    assert dead == []


def test_longer_utterances_are_taken_in_pieces_and_coarser_frames_scored_by_means():
    model, clips = built("system.frames=16"), make_clips()
    waves = clips.waves
    with torch.inference_mode():
        fine = model.predict(waves, UNMARKED, 0.02)
        pieces = [model.predict(part, UNMARKED, 0.02).score for part in waves.split(5120, 1)]
        coarse = model.predict(waves, UNMARKED, 0.16)
    torch.testing.assert_close(fine.score, torch.cat(pieces, dim=1), atol=1e-5, rtol=1e-4)
    expected = fine.logits.unflatten(1, (3, 8)).mean(dim=2)
    torch.testing.assert_close(coarse.logits, expected)
    target = torch.stack([~clips.spoof, clips.spoof], dim=-1).float()
    squared = ((fine.logits - target) ** 2)[clips.valid].mean()
    torch.testing.assert_close(model.losses(clips)["binary"], squared)


def test_labels_are_of_20_ms_and_scores_of_frames():
    for wrong in ("utterance", "0.16"):
        with raises_code("model.resolution", "system.kind = 'cfprf'", "should be 0.02"):
            built(f"train.resolution_s={wrong}", "train.clip_s=1.92")
    with raises_code("model.resolution", "CFPRF", "'utterance'"):
        built().predict(torch.zeros(1, 2560), UNMARKED, None)
