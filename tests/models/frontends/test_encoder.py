"""The encoder equals s3prl's, and does what its options say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.models.frontends.blocks import RelativePositions
from bench.models.frontends.encoder import (
    WAVLM_LARGE,
    XLSR_300M,
    Encoder,
    EncoderConfig,
    normalise_waves,
    standard_convolutions,
)
from bench.specs.frontends.tiny import Tiny
from tests.models.frontends.small import FAMILIES, tiny

from . import small


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


@pytest.mark.parametrize("checkpointing", [False, True])
def test_additions_are_the_third_layer_results_of_fairseq(checkpointing, tmp_path):
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    ours, theirs = small.built("wav2vec2", path), small.reference("wav2vec2", path)
    ours.give_additions()
    waves = small.waves(2, 16_000)
    with torch.no_grad():
        heard = normalise_waves(waves, "utterance")
        answer = theirs.upstream.model(heard, mask=False, features_only=True)
        pairs = list(zip(ours(waves), answer["layer_results"], strict=True))
    assert len(pairs) == ours.n_states == 3
    for mine, (_, _, added) in pairs:
        assert mine.std() > 0.1
        torch.testing.assert_close(mine, added.transpose(0, 1), atol=1e-4, rtol=0)
    ours.checkpoints_gradients = checkpointing
    weighed(ours.train()(waves)).backward()
    idle = {name for name, p in ours.named_parameters() if p.requires_grad and p.grad is None}
    assert idle == set()


def test_a_skipped_block_adds_nothing():
    encoder = tiny(layerdrop=1.0).train()
    encoder.give_additions()
    assert all(not state.any() for state in encoder(small.waves(2, 8000)))


@pytest.mark.parametrize("family", FAMILIES)
def test_states_of_real_speech_equal_those_of_s3prl(family, official, tmp_path):
    path = small.fairseq(small.draw(family), tmp_path)
    recording = official / "asvspoof2019_la/audio/LA_T_1272637.flac"
    speech, _ = soundfile.read(recording, dtype="float32")
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
    each, whole = normalise_waves(waves, "utterance"), normalise_waves(waves, "batch")
    torch.testing.assert_close(each.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    variance = waves.var(1, correction=0)
    torch.testing.assert_close(each.var(1, correction=0), variance / (variance + 1e-5))
    torch.testing.assert_close(
        whole, (waves - waves.mean()) / (waves.var(correction=0) + 1e-7).sqrt()
    )
    assert torch.equal(normalise_waves(waves, "none"), waves)


def test_joint_normalisation_of_a_quiet_batch_is_that_of_transformers_extractor():
    """At a level of 0.003, 1e-5 in place of 1e-7 would leave a deviation of 0.69."""
    quiet = normalise_waves(0.003 * torch.randn(2, 8_000), "batch")
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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_skipped_block_repeats_its_input_and_the_number_of_states_holds(family):
    encoder = tiny(family=family, layerdrop=1.0, last_state="raw").train()
    states = encoder(small.waves(1, 4_000))
    assert len(states) == 4
    assert all(torch.equal(states[0], state) for state in states)


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
