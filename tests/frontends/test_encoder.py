"""The encoder equals s3prl's, and does what its options say."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import Config
from bench.errors import BenchError
from bench.frontends import build
from bench.frontends.blocks import RelativePositions
from bench.frontends.encoder import (
    WAVLM_LARGE,
    XLSR_300M,
    Encoder,
    EncoderConfig,
    normalise,
    standard_convolutions,
    time_mask,
)
from bench.specs.frontends import Tiny

from . import small

FAMILIES = ["wav2vec2", "wavlm"]


def tiny(**options) -> Encoder:
    torch.manual_seed(3)
    spec = Tiny(kind="tiny", dim=32, blocks=3, heads=4, feed_forward=40, channels=16, **options)
    return build(spec, Config())


def weighed(states: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return a number that every element of every state has its own share in.

    A plain sum would not do: the last LayerNorm's outputs have a sum that no input changes.
    """
    generator = torch.Generator().manual_seed(5)
    return sum((s * torch.randn(s.shape, generator=generator)).sum() for s in states)


@pytest.mark.parametrize(("config", "millions"), [(XLSR_300M, 315.4), (WAVLM_LARGE, 315.5)])
def test_full_size_constants_have_the_published_number_of_parameters(config, millions):
    with torch.device("meta"):
        encoder = Encoder(config, Tiny(kind="tiny"))
    assert round(sum(p.numel() for p in encoder.parameters()) / 1e6, 1) == millions
    assert (encoder.dim, encoder.n_states) == (1024, 25)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("heads", [4, 16])
def test_every_hidden_state_equals_that_of_s3prl(family, heads, tmp_path):
    drawn = small.draw(family, encoder_attention_heads=heads)
    path = small.fairseq(drawn, tmp_path)
    ours, theirs = small.built(family, path), small.reference(family, path)
    # 49 and 50 hops: s3prl pads the odd one to an even number and masks what it added.
    for batch, samples in [(1, 16_000), (3, 16_000), (3, 16_080)]:
        waves = small.waves(batch, samples)
        with torch.no_grad():
            pairs = list(zip(ours(waves), theirs(waves), strict=True))
        assert len(pairs) == ours.n_states == 4
        for mine, reference in pairs:
            assert mine.std() > 0.1
            torch.testing.assert_close(mine, reference, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_states_of_real_speech_equal_those_of_s3prl(family, shared, tmp_path):
    path = small.fairseq(small.draw(family), tmp_path)
    recording = sorted(shared.rglob("*.flac"))[0]
    speech, _ = soundfile.read(recording, frames=48_000, dtype="float32")
    waves = torch.from_numpy(speech)[None]
    with torch.no_grad():
        pairs = zip(
            small.built(family, path)(waves), small.reference(family, path)(waves), strict=True
        )
        for mine, reference in pairs:
            torch.testing.assert_close(mine, reference, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_s3prl(family, tmp_path):
    path = small.fairseq(small.draw(family), tmp_path)
    ours, theirs = small.built(family, path), small.reference(family, path)
    waves = small.waves(2, 8_000)
    for model in (ours, theirs):
        weighed(model(waves)).backward()
    mine = ours.blocks[1].attention.q_proj.weight.grad
    reference = theirs.upstream.model.encoder.layers[1].self_attn.q_proj.weight.grad
    assert mine.abs().max() > 1e-3
    torch.testing.assert_close(mine, reference, atol=1e-3, rtol=1e-3)


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


def test_relative_positions_equal_the_bucketing_of_the_published_code():
    from s3prl.upstream.wavlm.modules import MultiheadAttention

    theirs = MultiheadAttention(
        32, 4, self_attention=True, has_relative_attention_bias=True, num_buckets=320,
        max_distance=800,
    )  # fmt: skip
    ours = RelativePositions(320, 800, 4)
    ours.embedding.weight = theirs.relative_attention_bias.weight
    assert torch.equal(ours(1000), theirs.compute_bias(1000, 1000))


def test_state_zero_is_the_first_blocks_input_and_the_last_may_stay_raw():
    encoder, raw = tiny(), tiny(last_state="raw")
    seen = []
    encoder.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    waves = small.waves(2, 4_000)
    states, raws = encoder(waves), raw(waves)
    assert torch.equal(states[0], seen[0])
    assert torch.equal(encoder.norm(raws[-1]), states[-1])
    assert not torch.equal(raws[-1], states[-1])
    assert all(torch.equal(a, b) for a, b in zip(states[:-1], raws[:-1], strict=True))


@settings(max_examples=15, deadline=None)
@given(hops=st.integers(1, 60), more=st.integers(0, 319))
def test_a_wave_has_one_state_each_320_samples(hops, more):
    encoder = Encoder(
        EncoderConfig(
            standard_convolutions(2), True, 8, 1, 2, 4, position_kernel=4, position_groups=2
        ),
        Tiny(kind="tiny"),
    )
    states = encoder(torch.randn(1, 320 * hops + 80 + more))
    assert [state.shape for state in states] == [(1, hops, 8)] * 2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("normalisation", ["utterance", "none", "batch"])
def test_only_batch_normalisation_lets_batch_mates_change_a_state(family, normalisation):
    encoder = tiny(family=family, normalise=normalisation).eval()
    waves = small.waves(3, 6_000)
    alone, together = encoder(waves[:1])[-1], encoder(waves)[-1][:1]
    assert torch.allclose(alone, together, atol=1e-5) == (normalisation != "batch")


def test_normalisation_is_by_utterance_by_batch_or_none():
    waves = small.waves(3, 4_000)
    each, whole = normalise(waves, "utterance"), normalise(waves, "batch")
    torch.testing.assert_close(each.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    variance = waves.var(1, correction=0)
    torch.testing.assert_close(each.var(1, correction=0), variance / (variance + 1e-5))
    torch.testing.assert_close(
        whole, (waves - waves.mean()) / (waves.var(correction=0) + 1e-7).sqrt()
    )
    assert torch.equal(normalise(waves, "none"), waves)


def test_joint_normalisation_of_a_quiet_batch_is_that_of_transformers_extractor():
    """At a level of 0.003, 1e-5 in place of 1e-7 would leave a deviation of 0.69."""
    quiet = normalise(0.003 * torch.randn(2, 8_000), "batch")
    assert quiet.std().item() == pytest.approx(0.994, abs=0.005)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("convolutions", ["frozen", "trained"])
def test_frozen_convolutions_get_no_gradient_and_all_else_does(family, convolutions):
    encoder = tiny(family=family, convolutions=convolutions).train()
    weighed(encoder(small.waves(2, 6_000))).backward()
    without = {
        name
        for name, parameter in encoder.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    }
    frozen = {n for n, _ in encoder.named_parameters() if n.startswith("convolutions.")}
    # A bias of the keys adds one number to all of a query's logits, which the softmax takes away
    # again: its gradient is rounding error, zero or not.
    keys = {n for n, _ in encoder.named_parameters() if n.endswith("k_proj.bias")}
    assert without - keys == (frozen if convolutions == "frozen" else set())
    assert encoder.convolutions.training == (convolutions == "trained")
    assert all(
        p.requires_grad == (convolutions == "trained") for p in encoder.convolutions.parameters()
    )


def test_nothing_waits_for_a_gradient_that_never_comes():
    encoder = tiny(family="wavlm", last_state="raw").train()
    weighed(encoder(small.waves(1, 4_000))).backward()
    waiting = [n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
    assert waiting == []


@pytest.mark.parametrize("family", FAMILIES)
def test_by_default_training_mode_changes_nothing(family):
    encoder, waves = tiny(family=family), small.waves(2, 6_000)
    first, second = encoder.train()(waves), encoder(waves)
    evaluated = encoder.eval()(waves)
    assert all(map(torch.equal, first, second))
    assert all(map(torch.equal, first, evaluated))


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
def test_a_skipped_block_repeats_its_input_and_the_number_of_states_holds(family):
    encoder = tiny(family=family, layerdrop=1.0, last_state="raw").train()
    states = encoder(small.waves(1, 4_000))
    assert len(states) == 4
    assert all(torch.equal(states[0], state) for state in states)


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


@pytest.mark.parametrize(("hops", "most"), [(5, 0), (10, 10), (19, 10), (20, 20)])
def test_a_short_clip_has_as_many_spans_as_fit_side_by_side(hops, most):
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


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_autocast_stays_near_float32(family):
    encoder, waves = tiny(family=family).eval(), small.waves(2, 6_000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = encoder(waves)
    for state, exact in zip(rough, encoder(waves), strict=True):
        assert (state.float() - exact).norm() < 0.05 * exact.norm()


def test_attention_is_called_through_its_projections():
    """Adapters replace these modules; attention that took only their weights would miss them."""
    encoder = tiny(family="wavlm")
    called = []
    for name, module in encoder.named_modules():
        if name.endswith(("_proj", "fc1", "fc2")):
            module.register_forward_hook(lambda *_, name=name: called.append(name))
    encoder(small.waves(1, 4_000))
    parts = [f"attention.{p}_proj" for p in ("q", "k", "v", "out")] + ["fc1", "fc2"]
    assert sorted(called) == sorted(f"blocks.{i}.{part}" for i in range(3) for part in parts)


@pytest.mark.parametrize(
    ("waves", "message"),
    [
        (torch.zeros(400), r"shape \(batch, samples\).*\(400,\)"),
        (torch.zeros(1, 400, dtype=torch.int16), "int16"),
        (torch.zeros(2, 399), "399 samples are too short"),
    ],
)
def test_waves_that_cannot_be_taken_are_refused(waves, message):
    with pytest.raises(BenchError, match=message):
        tiny()(waves)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 10}, "does not divide into 10 heads"),
        ({"position_groups": 3}, "3 groups"),
        (
            {"convolutions": standard_convolutions(512)[:-1]},
            "hop of 160 and a receptive field of 240",
        ),
    ],
)
def test_dimensions_that_do_not_fit_are_refused(change, message):
    with pytest.raises(BenchError, match=message):
        replace(XLSR_300M, **change)
