"""Dropout, layerdrop and the time mask: where they act, and how much, beside published code."""

from __future__ import annotations

import warnings

import numpy
import pytest
import torch

from bench.models.frontends.encoder import time_mask
from tests.models.frontends.small import FAMILIES, tiny

from . import small


@pytest.mark.parametrize(
    "option", ["dropout", "attention_dropout", "projection_dropout", "layerdrop", "time_mask"]
)
def test_what_is_asked_for_works_in_training_mode_only(option):
    encoder, waves = tiny(**{option: 0.4}), small.waves(2, 6_000)
    plain = tiny()(waves)
    torch.manual_seed(0)
    passes = [encoder.train()(waves)[-1] for _ in range(6)]
    assert any(not torch.equal(passes[0], other) for other in passes[1:])
    assert all(map(torch.equal, encoder.eval()(waves), plain))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("dropout", "dropout"),
        ("attention_dropout", "attention_dropout"),
        ("projection_dropout", "dropout_input"),
    ],
)
def test_each_dropout_acts_where_that_of_s3prl_does(family, ours, theirs, tmp_path):
    """The same seed drops the same elements: of one clip, s3prl's layout of time first is ours."""
    path = small.fairseq(small.draw(family, **{theirs: 0.3}), tmp_path)
    waves = small.waves(1, 320 * 50 + 80)
    found = []
    for model in (small.built(family, path, **{ours: 0.3}), small.reference(family, path)):
        torch.manual_seed(4)
        found.append(model.train()(waves))
    for mine, reference in zip(*found, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-4, rtol=0)
    plain = small.built(family, path)(waves)[-1]
    assert (found[0][-1] - plain).abs().max() > 0.1


@pytest.mark.slow  # importing transformers' models takes longer than all tests of the front-ends
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("dropout", "hidden_dropout"),
        ("attention_dropout", "attention_dropout"),
        ("projection_dropout", "feat_proj_dropout"),
        ("layerdrop", "layerdrop"),
    ],
)
def test_regularisation_acts_where_that_of_transformers_does(ours, theirs, tmp_path):
    """The same seed drops the same elements and skips the same blocks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

    names = ("hidden_dropout", "attention_dropout", "feat_proj_dropout", "activation_dropout")
    shapes = small.hugging_face_config(small.draw("wav2vec2", encoder_attention_heads=4))
    off = dict.fromkeys((*names, "layerdrop"), 0.0) | {"apply_spec_augment": False}
    torch.manual_seed(2)
    config = transformers.Wav2Vec2Config(**shapes, **(off | {theirs: 0.4}))
    model = transformers.Wav2Vec2Model(config)
    model.save_pretrained(tmp_path)
    encoder = small.built("wav2vec2", tmp_path, normalise="none", **{ours: 0.4})
    waves = small.waves(2, 8_000)
    found = []
    for module in (encoder.train(), model.train()):
        torch.manual_seed(4)
        found.append(module(waves))
    mine, reference = found
    torch.testing.assert_close(mine[-1], reference.last_hidden_state, atol=1e-4, rtol=0)
    assert (mine[-1] - encoder.eval()(waves)[-1]).abs().max() > 0.02


def masked(share: float, hops: int, clips: int = 3_000) -> torch.Tensor:
    torch.manual_seed(0)
    return time_mask(torch.zeros(clips, hops, 1), share)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.075])
def test_a_small_share_of_a_four_second_clip_is_two_spans(share):
    """transformers masks 9.7 % of 201 hops for 0.05 and for 0.075 alike: 20 hops, less overlap.

    Two starts among 192, drawn without repeats, overlap by 10 - d hops at a distance of d < 10.
    """
    starts = 201 - 9
    pairs = starts * (starts - 1) / 2
    overlap = sum((starts - d) * (10 - d) for d in range(1, 10)) / pairs
    assert (20 - overlap) / 201 == pytest.approx(0.097, abs=5e-4)
    found = masked(share, 201).float().mean().item()
    assert found == pytest.approx((20 - overlap) / 201, abs=0.001)


def test_a_share_is_rounded_to_spans_at_random():
    # 0.0225 of 2,010 hops are 4.52 spans: in every second batch five.
    torch.manual_seed(0)
    counts = [time_mask(torch.zeros(1, 2_010, 1), 0.0225).sum().item() for _ in range(400)]
    fives = sum(count > 40 for count in counts) / len(counts)
    assert max(counts) <= 50
    assert 0.4 < fives < 0.6


def test_masked_hops_are_spans_of_ten_that_begin_anywhere():
    mask = masked(0.05, 60)
    edges = torch.nn.functional.pad(mask.int(), (1, 1)).diff(dim=1)
    first, last = (edges == 1).nonzero()[:, 1], (edges == -1).nonzero()[:, 1]
    assert (last - first).min() == 10
    assert (first.min(), first.max()) == (0, 50)
    assert set(mask.sum(1).tolist()) == set(range(11, 21))


def test_a_short_clip_has_as_many_spans_as_fit_side_by_side(subtests):
    for hops, most in [(5, 0), (10, 10), (19, 10), (20, 20)]:
        with subtests.test(hops=hops):
            mask = masked(1.0, hops)
            assert mask.sum(1).max() == most


@pytest.mark.slow  # importing transformers' models takes longer than all tests of the front-ends
@pytest.mark.parametrize("share", [0.05, 0.075, 0.2, 0.65])
@pytest.mark.parametrize("hops", [15, 60, 201])
def test_the_time_mask_is_as_wide_as_that_of_transformers(share, hops):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices
    numpy.random.seed(1)  # noqa: NPY002 - transformers draws from it
    theirs = [_compute_mask_indices((8, hops), share, 10, min_masks=2) for _ in range(500)]
    torch.manual_seed(0)
    ours = [time_mask(torch.zeros(8, hops, 1), share).numpy() for _ in range(500)]
    theirs, ours = (numpy.concatenate(found).sum(1) for found in (theirs, ours))
    assert ours.mean() / hops == pytest.approx(theirs.mean() / hops, abs=0.004)
    shares = [0.05, 0.5, 0.95]
    assert numpy.quantile(ours, shares) == pytest.approx(numpy.quantile(theirs, shares), abs=2)


def test_masked_hops_become_the_checkpoints_own_vector_which_learns_on(tmp_path):
    drawn = small.draw("wav2vec2")
    encoder = small.built("wav2vec2", small.fairseq(drawn, tmp_path), time_mask=1.0).train()
    assert torch.equal(encoder.mask_vector, drawn.state["mask_emb"])
    seen = []
    encoder.position.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    states = encoder(small.waves(2, 320 * 20 + 80))
    hidden = (seen[0] == drawn.state["mask_emb"]).all(-1)
    assert 11 <= hidden[0].sum() <= 20
    states[-1].std().backward()
    assert encoder.mask_vector.grad.abs().max() > 0


def test_a_mask_vector_that_no_checkpoint_has_starts_at_zero(tmp_path):
    path = small.torchaudio_state(small.draw("wav2vec2"), tmp_path)
    assert not small.built("wav2vec2", path, time_mask=0.1).mask_vector.any()
    assert not hasattr(small.built("wav2vec2", path), "mask_vector")


def test_masked_hops_do_not_see_their_own_features():
    encoder = tiny(time_mask=1.0).train()
    waves = small.waves(2, 320 * 10 + 80)  # ten hops, one span
    first, second = encoder(waves)[-1]
    assert torch.equal(first, second)
    assert not torch.equal(*encoder.eval()(waves)[-1])
