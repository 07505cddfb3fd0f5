"""Cross-Segment Mixing: every sample and every label is followed from where it came."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from bench.models.augment import MixedBatch as Mixed
from bench.models.augment.csm import mix_batch
from bench.models.segment_positions import IGNORED
from bench.specs.augment.csm import CrossSegmentMixing

STEP = 10_000
"""Sample i of utterance u is u * STEP + i."""


def spec(**settings: Any) -> CrossSegmentMixing:
    return CrossSegmentMixing(**{"kind": "csm", "rounds": 1, "probability": 1.0, **settings})


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def coded(n_valid: list[int], frames: int, per_frame: int, tail: int, seed: int = 0) -> Mixed:
    """A batch whose samples tell the utterance and the place they are from, and random labels."""
    clips = len(n_valid)
    places = torch.arange(frames * per_frame + tail, dtype=torch.float64)
    waves = torch.arange(clips)[:, None] * STEP + places
    spoof = torch.rand(clips, frames, generator=seeded(seed)) < 0.5
    kind = torch.arange(clips) % 3
    return Mixed(waves, spoof, torch.arange(frames) < torch.tensor(n_valid)[:, None], kind)


def mixed(batch: Mixed, per_frame: int, settings: CrossSegmentMixing, seed: int = 0) -> Mixed:
    return mix_batch(*batch, samples_per_frame=per_frame, spec=settings, generator=seeded(seed))


def sources(waves: Tensor) -> Tensor:
    """Return the utterance that each sample is from; every sample must have kept its place."""
    assert (waves % STEP).equal(torch.arange(waves.shape[1]).expand_as(waves).to(waves.dtype))
    return (waves // STEP).long()


@st.composite
def batches(draw: st.DrawFn) -> tuple[Mixed, int, int]:
    """A coded batch, its samples per frame, and a seed."""
    frames, per_frame = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    n_valid = draw(st.lists(st.integers(0, frames), min_size=1, max_size=6))
    seed = draw(st.integers(0, 2**32))
    return coded(n_valid, frames, per_frame, draw(st.integers(0, 9)), seed), per_frame, seed


@given(
    batches(),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
    st.sampled_from(["bernoulli", "fixed-share"]),
)
def test_labels_go_with_the_audio_they_belong_to(
    case: tuple[Mixed, int, int], rounds: int, probability: float, selection: str
) -> None:
    batch, per_frame, seed = case
    settings = spec(rounds=rounds, probability=probability, selection=selection)
    out = mixed(batch, per_frame, settings, seed)
    frames = batch.spoof.shape[1]
    source = sources(out.waves)
    by_frame = source[:, : frames * per_frame].unflatten(1, (frames, per_frame))
    assert (by_frame == by_frame[:, :, :1]).all(), "a cut inside a frame"
    of_frame = by_frame[:, :, 0]
    at = torch.arange(frames)
    assert out.spoof.equal(batch.spoof[of_frame, at])
    assert out.valid.equal(batch.valid[of_frame, at])
    of_one_kind = (batch.attack_type[of_frame] == batch.attack_type[of_frame][:, :1]).all(1)
    known = out.attack_type != IGNORED
    assert (known & ~of_one_kind).sum() == 0
    assert out.attack_type[known].equal(batch.attack_type[of_frame][known, 0])
    assert rounds > 1 or known.equal(of_one_kind), "a kind was forgotten"
    assert (source[:, frames * per_frame :] == of_frame[:, -1:]).all(), "the tail left its clip"
    assert not (out.valid[:, 1:] & ~out.valid[:, :-1]).any(), "a hole of padding"


@given(batches())
def test_one_round_cuts_each_clip_once_where_both_have_audio(
    case: tuple[Mixed, int, int],
) -> None:
    batch, per_frame, seed = case
    out = mixed(batch, per_frame, spec(), seed)
    n_valid = batch.valid.sum(1).tolist()
    for row, source in enumerate(sources(out.waves)):
        assert source[0] == row
        other = int(source[-1])
        if other == row:
            assert source.eq(row).all()
            continue
        cut, rest = divmod(int((source == row).sum()), per_frame)
        assert rest == 0
        assert 1 <= cut < min(n_valid[row], n_valid[other])
        assert source.tolist() == [row] * cut * per_frame + [other] * (
            len(source) - cut * per_frame
        )
        assert int(out.valid[row].sum()) == n_valid[other]


def test_with_full_clips_every_chosen_clip_is_mixed_with_another() -> None:
    source = sources(mixed(coded([9] * 50, 9, 3, 0), 3, spec()).waves)
    assert (source[:, -1] != torch.arange(50)).all()


def loop(batch: Mixed, per_frame: int, settings: CrossSegmentMixing, seed: int) -> Mixed:
    """Mix clip by clip, sample by sample, with the draws in the documented order."""
    generator, clips = seeded(seed), len(batch.waves)
    now = batch
    for _ in range(settings.rounds):
        before, now = now, Mixed(*(part.clone() for part in now))
        chosen = torch.rand(clips, generator=generator) < settings.probability
        rows = [row for row in range(clips) if chosen[row]]
        steps = torch.randint(1, clips, (len(rows),), generator=generator).tolist()
        points = torch.randint(2**31, (len(rows),), generator=generator).tolist()
        for row, step, point in zip(rows, steps, points, strict=True):
            other = (row + step) % clips
            shared = min(int(before.valid[row].sum()), int(before.valid[other].sum()))
            if shared < 2:
                continue
            cut = 1 + point % (shared - 1)
            for part, source, at in zip(now, before, (cut * per_frame, cut, cut), strict=False):
                for i in range(at, part.shape[1]):
                    part[row, i] = source[other, i]
            if before.attack_type[row] != before.attack_type[other]:
                now.attack_type[row] = IGNORED
    return now


@pytest.mark.rows
@given(batches(), st.integers(1, 3), st.sampled_from([0.3, 1.0]))
def test_it_is_what_a_loop_over_samples_does(
    case: tuple[Mixed, int, int], rounds: int, probability: float
) -> None:
    batch, per_frame, seed = case
    assume(len(batch.waves) > 1)
    settings = spec(rounds=rounds, probability=probability)
    slow = loop(batch, per_frame, settings, seed)
    for ours, expected in zip(mixed(batch, per_frame, settings, seed), slow, strict=True):
        assert ours.equal(expected)


def test_crossover_points_are_uniform_from_one_to_the_last_but_one() -> None:
    frames, clips = 9, 8000
    source = sources(mixed(coded([frames] * clips, frames, 1, 0), 1, spec()).waves)
    cuts = (source == torch.arange(clips)[:, None]).sum(1)
    counts = torch.bincount(cuts, minlength=frames + 1).double()
    assert counts[0] == counts[frames] == 0
    expected = clips / (frames - 1)
    chi_square = ((counts[1:frames] - expected) ** 2 / expected).sum()
    assert chi_square < 24.3  # one in a thousand at seven degrees of freedom


@pytest.mark.rows
def test_partners_are_uniform_over_the_others() -> None:
    clips, trials = 5, 2000
    batch = coded([4] * clips, 4, 1, 0)
    counts = torch.zeros(clips, clips)
    generator = seeded(1)
    for _ in range(trials):
        out = mix_batch(*batch, samples_per_frame=1, spec=spec(), generator=generator)
        counts[torch.arange(clips), sources(out.waves)[:, -1]] += 1
    assert counts.diagonal().sum() == 0
    others = counts[~torch.eye(clips, dtype=torch.bool)]
    assert (others - trials / (clips - 1)).abs().max() < 4.5 * (trials * 0.25 * 0.75) ** 0.5


def touched(before: Mixed, after: Mixed) -> int:
    return int((before.waves != after.waves).any(1).sum())


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_the_share_of_clips_touched_is_the_probability(rounds: int) -> None:
    clips, probability = 6000, 0.2
    batch = coded([5] * clips, 5, 1, 0)
    share = touched(batch, mixed(batch, 1, spec(probability=0.2, rounds=rounds))) / clips
    expected = 1 - (1 - probability) ** rounds
    assert abs(share - expected) < 4 * (expected * (1 - expected) / clips) ** 0.5


def test_a_fixed_share_is_floored(subtests: pytest.Subtests) -> None:
    for probability, clips, chosen in [(0.2, 32, 6), (0.2, 4, 0), (0.29, 100, 29), (1.0, 7, 7)]:
        with subtests.test(clips=clips):
            batch = coded([5] * clips, 5, 2, 0)
            rows: set[int] = set()
            for seed in range(12):
                out = mixed(batch, 2, spec(probability=probability, selection="fixed-share"), seed)
                assert touched(batch, out) == chosen
                rows |= set((batch.waves != out.waves).any(1).nonzero().flatten().tolist())
            assert (len(rows) > chosen) == (0 < chosen < clips), "always the same clips"


def test_mixing_with_oneself_changes_nothing() -> None:
    batch = coded([7, 3, 5, 7], 7, 4, 3)
    for ours, before in zip(mixed(batch, 4, spec(partner="self", rounds=3)), batch, strict=True):
        assert ours.equal(before)


def test_a_batch_of_one_has_no_other() -> None:
    batch = coded([7], 7, 4, 3)
    for ours, before in zip(mixed(batch, 4, spec()), batch, strict=True):
        assert ours.equal(before)


def test_two_rounds_are_one_after_the_other() -> None:
    batch, generator = coded([12] * 8, 12, 3, 0), seeded(3)
    step = batch
    for _ in range(2):
        step = mix_batch(*step, samples_per_frame=3, spec=spec(), generator=generator)
    at_once = mixed(batch, 3, spec(rounds=2), 3)
    assert at_once.waves.equal(step.waves)
    changes = (sources(at_once.waves).diff(dim=1) != 0).sum(1)
    assert changes.max() >= 2, "no clip has two splices"


def test_draws_come_from_the_generator_and_the_input_is_left_alone() -> None:
    batch = coded([12] * 8, 12, 3, 0)
    before, state = Mixed(*(part.clone() for part in batch)), torch.get_rng_state()
    first, again, other = (mixed(batch, 3, spec(rounds=2), seed) for seed in (5, 5, 6))
    assert first.waves.equal(again.waves)
    assert not first.waves.equal(other.waves)
    assert torch.get_rng_state().equal(state)
    for part, kept in zip(batch, before, strict=True):
        assert part.equal(kept)


def test_shapes_that_do_not_fit_are_refused() -> None:
    batch = coded([5, 5], 5, 3, 0)
    with pytest.raises(ValueError, match="15 samples are too short for 5 frames of 4"):
        mixed(batch, 4, spec())
    with pytest.raises(ValueError, match="do not fit"):
        mixed(batch._replace(valid=batch.valid[:1]), 3, spec())


@pytest.mark.gpu
def test_a_gpu_gives_the_same_and_is_never_waited_for() -> None:
    batch = coded([12, 9, 12, 1, 0, 12], 12, 3, 5)
    there = Mixed(*(part.cuda() for part in batch))
    torch.cuda.set_sync_debug_mode("error")
    try:
        out = mixed(there, 3, spec(rounds=2), 7)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for ours, expected in zip(out, mixed(batch, 3, spec(rounds=2), 7), strict=True):
        assert ours.cpu().equal(expected)
