"""Multi-reso: its sizes, its scales and their labels, long utterances, and MultiResoModel-Simple's
checkpoints.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional as F

from bench.cards import table_cards
from bench.cards.paper_cards import add_variant
from bench.config import Config
from bench.models.official_weights import load_official
from bench.models.systems import Batch
from bench.models.systems.multi_reso import MultiResolution
from bench.specs.frontends.tiny import Tiny
from bench.specs.frontends.wav2vec2 import Wav2Vec2
from bench.specs.systems.multi_reso import MultiReso
from bench.training import engine
from tests.errors import raises_code
from tests.models.frontends import small
from tests.models.systems.plain_multi_reso import Simple

TABLE = "multi-reso/partialspoof"
HOP = 320
SCALES, BLOCKS, FRAMES = 4, 2, 90
SMALL = {"scales": SCALES, "blocks": BLOCKS, "frames": FRAMES, "piece_s": 1.6}
SIMPLE = {**SMALL, "states": "feed-forward", "score": "spoof-cosine"}


def resolved(row: str = "Multi-reso", form="smoke", *changes: str):
    return table_cards.resolve_row(table_cards.read_table(TABLE), row, form, changes)


def build(**changed: object) -> MultiResolution:
    """Return a small one, its layer weights and norms drawn too, in evaluation mode."""
    torch.manual_seed(1)
    spec = MultiReso.model_validate({"kind": "multi-reso", **SMALL, **changed})
    frontend = Tiny(kind="tiny", dim=64, blocks=2, feed_forward=16, channels=8).build(Config())
    system = MultiResolution(spec, frontend).eval()
    for part in (*system.layers.parameters(), *system.heads.parameters()):
        torch.nn.init.normal_(part, std=0.3)
    return system


def answer(system: MultiResolution, waves: torch.Tensor, resolution_s: float | None):
    with torch.no_grad():
        marks = torch.zeros(len(waves), waves.shape[1] // HOP, dtype=torch.bool)
        return system.predict(waves, marks, resolution_s)


@pytest.mark.parametrize(("row", "states"), [("Multi-reso", 25), ("Simple-released", 24)])
def test_sizes_are_the_released_ones_without_the_unused_layer_weights(row, states):
    """33,057,116 with thirty layer weights, of which as many are used as there are states."""
    run = resolved(row, "paper")
    with torch.device("meta"):
        system = run.system.build(run.frontend.lay_out(), run.train)
    behind = {
        name: part.numel()
        for name, part in system.named_parameters()
        if not name.startswith("frontend.")
    }
    assert behind["layers.weights"] == states
    assert sum(behind.values()) - states + 30 == 33_057_116
    gates = sum(size for name, size in behind.items() if ".gate.weight" in name)
    assert gates == 5 * (2001**2 + 1000**2 + 500**2 + 250**2 + 125**2 + 2 * 62**2)


@settings(max_examples=15)
@given(frames=st.integers(1, FRAMES - 2), scale=st.integers(0, SCALES - 1))
def test_every_length_has_a_frame_for_each_part_of_it(frames, scale):
    system = build()
    found = answer(system, small.waves(1, frames * HOP), 0.02 * 2**scale)
    assert found.score.shape == (1, -(-frames // 2**scale))
    assert (found.logits.abs() <= 1 + 1e-6).all()
    assert torch.equal(found.score, found.logits[..., 0])


def test_scales_are_maxima_of_pairs_and_the_last_may_be_alone():
    system, waves = build(), small.waves(2, 13 * HOP)
    with torch.no_grad():
        scales = system.compute_scales(waves, SCALES)
    for finer, coarser, project in zip(scales, scales[1:], system.projections, strict=False):
        for clip in range(2):
            for frame, found in enumerate(coarser[clip]):
                part = finer[clip, 2 * frame : 2 * frame + 2]
                pooled = part.amax(dim=0).unflatten(0, (-1, 2)).amax(dim=-1)
                torch.testing.assert_close(found, project(pooled))


def test_the_authors_padding_makes_a_frame_of_the_one_before_its_label():
    system, waves = build(last_pooling="padded"), small.waves(1, 16 * HOP)
    with torch.no_grad():
        *_, finer, coarsest = system.compute_scales(waves, SCALES)
    assert (finer.shape[1], coarsest.shape[1]) == (4, 2)
    for frame, parts in enumerate([finer[0, :1], finer[0, 1:3]]):
        pooled = parts.amax(dim=0).unflatten(0, (-1, 2)).amax(dim=-1)
        torch.testing.assert_close(coarsest[0, frame], system.projections[-1](pooled))


def label_coarser(spoof: list[bool], valid: list[bool], step: int) -> list[tuple[bool, bool]]:
    """Return of each coarse frame whether any valid part is spoof, and whether any is valid."""
    return [
        (
            any(s and v for s, v in zip(spoof[i : i + step], valid[i : i + step], strict=True)),
            any(valid[i : i + step]),
        )
        for i in range(0, len(spoof), step)
    ]


def test_the_loss_is_the_sum_of_all_scales_and_the_utterance():
    torch.manual_seed(2)
    system, frames = build(), 21
    spoof, valid = torch.rand(3, frames) < 0.2, torch.ones(3, frames, dtype=torch.bool)
    valid[1, 10:], valid[2, 3:], spoof[0] = False, False, False
    waves = small.waves(3, frames * HOP)
    batch = Batch(waves, spoof, valid, torch.zeros(3).long(), torch.zeros(3, frames).bool())
    expected = {}
    for scale, name in enumerate(["20ms", "40ms", "80ms", "160ms", "utterance"]):
        cosines = answer(system, waves, None if name == "utterance" else 0.02 * 2**scale).logits
        step = frames if name == "utterance" else 2**scale
        each = []
        for clip in range(3):
            labels = label_coarser(spoof[clip].tolist(), valid[clip].tolist(), step)
            for value, (is_spoof, is_valid) in zip(cosines[clip], labels, strict=True):
                if is_valid:
                    each += [
                        (value[0].item() - (not is_spoof)) ** 2,
                        (value[1].item() - is_spoof) ** 2,
                    ]
        expected[name] = np.mean(each)
    losses = {name: loss.item() for name, loss in system.losses(batch).items()}
    assert losses == pytest.approx({"loss": sum(expected.values()), **expected}, rel=1e-4)


def test_a_long_utterance_is_scored_in_pieces():
    system, piece = build(), 80 * HOP
    waves = small.waves(2, 2 * piece + 11 * HOP)
    parts = [waves[:, :piece], waves[:, piece : 2 * piece], waves[:, 2 * piece :]]
    for resolution_s in (0.02, 0.16):
        alone = [answer(system, part, resolution_s).logits for part in parts]
        found = answer(system, waves, resolution_s)
        torch.testing.assert_close(found.logits, torch.cat(alone, dim=1))
    alone = torch.cat([answer(system, part, None).logits for part in parts], dim=1)
    found = answer(system, waves, None)
    torch.testing.assert_close(found.logits[:, 0, 0], alone[..., 0].min(dim=1).values)
    torch.testing.assert_close(found.logits[:, 0, 1], alone[..., 1].max(dim=1).values)
    # Ten samples more are no frame.
    more = F.pad(waves[:, : 2 * piece], (0, 10))
    torch.testing.assert_close(
        answer(system, more, 0.02).score, answer(system, waves[:, : 2 * piece], 0.02).score
    )


def test_a_long_utterance_has_a_loss():
    system, frames = build(), 171
    spoof = torch.arange(frames)[None] > 100
    waves = small.waves(1, frames * HOP)
    batch = Batch(waves, spoof, torch.ones_like(spoof), torch.zeros(1).long(), spoof)
    losses = system.losses(batch)
    cosines = answer(system, waves, 0.02).logits
    expected = ((cosines - F.one_hot(spoof.long(), 2)) ** 2).mean()
    torch.testing.assert_close(losses["20ms"], expected)


def test_the_utterance_head_may_share_the_class_vectors_of_the_coarsest_scale():
    shared, own = build(utterance_vectors="shared"), build()
    names = {name for name, _ in own.named_parameters()}
    assert names - {name for name, _ in shared.named_parameters()} == {"classify_utterance.weight"}
    waves = small.waves(1, 16 * HOP)
    before = answer(shared, waves, None).score
    with torch.no_grad():
        shared.classify[-1].weight.copy_(shared.classify[-1].weight.flip(1))
    torch.testing.assert_close(answer(shared, waves, None).logits[0, 0, 1], before[0, 0])


def test_other_resolutions_are_refused():
    system = build()
    with raises_code("model.resolution", "0.02, 0.04, 0.08, 0.16 s", "resolution_s = 0.1 "):
        answer(system, small.waves(1, 1600), 0.1)
    for stated in ("0.16", "utterance"):
        changes = (f"train.resolution_s={stated}", "train.clip_s=1.92")
        run = resolved("Multi-reso", "smoke", *changes)
        with raises_code("model.resolution", "train.resolution_s", "should be 0.02"):
            engine.build_system(run, 1, Config())
    spoof = torch.zeros(1, 2, dtype=torch.bool)
    batch = Batch(small.waves(1, 5120), spoof, ~spoof, torch.zeros(1).long(), spoof)
    with raises_code("model.resolution", "labels of 2 frames for clips of 16 states"):
        system.losses(batch)


@pytest.mark.parametrize("piece_s", [0.01, 0.02, 0.24, 1.605, 1.92])
def test_pieces_are_whole_coarsest_frames_that_the_gates_reach(piece_s):
    with pytest.raises(ValidationError, match=r"multiple of 0.16 s, .* at most 1.76, which"):
        MultiReso.model_validate({"kind": "multi-reso", **SMALL, "piece_s": piece_s})
    assert MultiReso(kind="multi-reso").piece_s == 62 * 0.64


def test_a_front_end_of_other_widths_or_without_additions_is_refused(tmp_path):
    with raises_code("model.sizes", "system.scales = 6", "64 channels", "multiple of 128"):
        build(scales=6, frames=64, piece_s=0.64)
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    frontend = small.reference("wav2vec2", path)
    with raises_code("model.sizes", "system.states = 'feed-forward'", "s3prl"):
        MultiResolution(MultiReso.model_validate({"kind": "multi-reso", **SIMPLE}), frontend)


@pytest.fixture
def released(tmp_path):
    """MultiResoModel-Simple over a small model, randomly filled, and ours without its weights."""
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    upstream = small.reference("wav2vec2", path).upstream.model
    torch.manual_seed(3)
    model = Simple(upstream, 64, SCALES, FRAMES, BLOCKS).eval()
    frontend = small.built("wav2vec2", path, normalise="none")
    for weight in frontend.parameters():
        weight.detach().zero_()
    spec = MultiReso.model_validate({"kind": "multi-reso", **SIMPLE})
    return model, MultiResolution(spec, frontend).eval(), spec


def trained(model: Simple, path):
    """Write what its training writes."""
    held = {"model": model.state_dict(), "optimizer": {"state": {}, "param_groups": []}}
    torch.save({"modules": held, "meta": {"last_epoch": 55}}, path)
    return path


def test_a_randomly_filled_checkpoint_of_simple_scores_alike(released, tmp_path):
    model, ours, spec = released
    load_official(ours, spec, trained(model, tmp_path / "55.pth"))
    waves = small.waves(2, 48 * HOP)
    with torch.no_grad():
        expected = model(F.pad(waves, (0, 80)))
    for scale, resolution_s in enumerate([0.02, 0.04, 0.08, 0.16, None]):
        found = answer(ours, waves, resolution_s)
        assert found.logits.std() > 0.01
        torch.testing.assert_close(found.logits, expected[scale], atol=2e-5, rtol=0)
        torch.testing.assert_close(found.score, -expected[scale][..., 1], atol=2e-5, rtol=0)


def test_what_is_missing_left_over_or_misshapen_is_named(released, tmp_path):
    model, ours, spec = released
    path = trained(model, tmp_path / "55.pth")
    content = torch.load(path, weights_only=False)
    state = content["modules"]["model"]
    del state["cl_utt.1.layers.0.sgu.bias"]
    state["ds_blocks.7.1.weight"] = torch.zeros(2)
    state["ssl_layer_weights"] = torch.zeros(2)
    torch.save(content, path)
    with raises_code(
        "weights.mismatch",
        "missing: utterance.blocks.0.gate.bias",
        "left over: projections.6.weight",
        "layers.weights: shape (2,) where (3,) is needed",
    ):
        load_official(ours, spec, path)


def test_simple_is_a_variant_of_every_row_that_is_trained():
    table, paper = table_cards.read_table(TABLE), table_cards.read_paper("multi-reso")
    table, made = add_variant(table, paper, "simple", table_cards.runnable_rows(table))
    assert made == ("Multi-reso@simple",)
    variant = table_cards.resolve_row(table, made[0])
    released = resolved("Simple-released", "paper")
    assert (variant.system, variant.frontend) == (released.system, released.frontend)
    assert isinstance(variant.frontend, Wav2Vec2)


@pytest.mark.rows
def test_it_learns_where_a_tone_is():
    system = engine.build_system(resolved(), 1, Config())
    time = torch.arange(96 * HOP) / 16_000
    spoof = torch.zeros(8, 96, dtype=torch.bool)
    for clip in range(1, 8):
        spoof[clip, 8 * clip : 8 * clip + 24] = True
    loud = spoof.repeat_interleave(HOP, dim=1)
    noise = 0.05 * torch.randn(8, 96 * HOP, generator=torch.Generator().manual_seed(1))
    waves = noise + 0.3 * torch.sin(6.2832 * 3000 * time) * loud
    batch = Batch(waves, spoof, torch.ones_like(spoof), torch.zeros(8).long(), spoof)
    optimiser = torch.optim.Adam(system.parameters(), 2e-3)
    first = system.losses(batch)["loss"].item()
    for _ in range(30):
        optimiser.zero_grad()
        system.losses(batch)["loss"].backward()
        optimiser.step()
    score = answer(system.eval(), waves, 0.02).score
    assert system.losses(batch)["loss"].item() < 0.6 * first
    assert score[~spoof].mean() > score[spoof].mean() + 0.3
