"""Cross-Segment Mixing on a batch (SAL: Mao et al., ICASSP 2026, section 2.2, equations 2 to 4).

A mixed clip is the first frames of one utterance and the remaining frames of another of the same
batch, cut at one place for audio and labels. The paper has one T for samples and frames; a cut
between two frames is the only reading that keeps labels exact, so T counts frames. Labels of the
auxiliary tasks are computed from the mixed binary labels afterwards
(`bench.models.segment_positions`). A clip mixed from two kinds (`bench.units.ATTACK_TYPES`) is of
none that is known.

Clips shorter than the batch's length are padded. The crossover point is drawn from 1 to T - 1 with
T the number of frames that *both* utterances have: so no padding, nor the part of the last frame
that is padding, comes to lie inside the mixed clip, which lasts as long as the second utterance.
Where both have all frames this is the paper's Uniform{1, ..., T - 1}; where T is less than 2 there
is nowhere to cut and the clip stays as it is.

Released SAL mixes each clip with itself, which changes nothing (`partner = "self"`), and draws the
cut of the audio and that of the labels apart, which we do not offer: it mislabels 0.8 s of 4 s.

Draws, each round, from the generator of the CPU, so that they are the same on any device: which
clips, their partners, their crossover points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.models.augment import MixedBatch
from bench.models.segment_positions import IGNORED
from bench.specs.augment.csm import CrossSegmentMixing

_DRAWN = 2**31
"""Crossover points are drawn from this many and folded to the range, which only the device
knows."""


def mix_batch(
    waves: Tensor,
    spoof: Tensor,
    valid: Tensor,
    attack_type: Tensor,
    *,
    samples_per_frame: int,
    spec: CrossSegmentMixing,
    generator: torch.Generator,
) -> MixedBatch:
    """Return the batch after `spec.rounds` rounds of mixing; what is passed is not changed.

    In each round every clip is chosen with `spec.probability`, or exactly floor(probability *
    batch) of them are, and each chosen one is mixed with another clip as it was when the round
    began, never with itself. A batch of one clip has no other and is returned as it is.

    `waves` are "batch samples", at least frames * samples_per_frame long (samples after the last
    frame go with the second part); `spoof` and `valid` are bool, "batch frames", `valid` being True
    from a clip's first frame up to where its padding begins; `attack_type` is long, "batch".
    `generator` is one of the CPU, whatever device the batch is on. Raise ValueError where shapes do
    not fit.
    """
    if valid.shape != spoof.shape or not len(waves) == len(spoof) == len(attack_type):
        shapes = [tuple(part.shape) for part in (waves, spoof, valid, attack_type)]
        raise ValueError(f"waves, spoof, valid and kind have shapes that do not fit: {shapes}")
    if waves.shape[1] < spoof.shape[1] * samples_per_frame:
        raise ValueError(
            f"waves of {waves.shape[1]} samples are too short for "
            f"{spoof.shape[1]} frames of {samples_per_frame}"
        )
    batch = MixedBatch(waves, spoof, valid, attack_type)
    if len(waves) > 1:
        for _ in range(spec.rounds):
            batch = _mix_round(batch, samples_per_frame, spec, generator)
    return batch


def _mix_round(
    batch: MixedBatch, samples_per_frame: int, spec: CrossSegmentMixing, generator: torch.Generator
) -> MixedBatch:
    rows = _choose_clips(len(batch.waves), spec, generator)
    partners = _choose_partners(rows, len(batch.waves), spec, generator)
    points = torch.randint(_DRAWN, rows.shape, generator=generator)
    # One copy to the device, and nothing read back from it: the host never waits.
    drawn = torch.stack((rows, partners, points)).to(batch.waves.device, non_blocking=True)
    rows, partners, points = drawn
    shared = (batch.valid[rows] & batch.valid[partners]).sum(dim=1)
    cut = torch.where(shared > 1, 1 + points % (shared - 1).clamp(min=1), batch.waves.shape[1])
    differ = (shared > 1) & (batch.attack_type[rows] != batch.attack_type[partners])
    return MixedBatch(
        _splice_columns(batch.waves, rows, partners, cut * samples_per_frame),
        _splice_columns(batch.spoof, rows, partners, cut),
        _splice_columns(batch.valid, rows, partners, cut),
        batch.attack_type.index_copy(0, rows, batch.attack_type[rows].masked_fill(differ, IGNORED)),
    )


def _choose_clips(batch: int, spec: CrossSegmentMixing, generator: torch.Generator) -> Tensor:
    """Return the rows to mix, in order."""
    match spec.selection:
        case "bernoulli":
            chosen = torch.rand(batch, generator=generator) < spec.probability
        case "fixed-share":
            # The small term keeps a product such as 0.29 * 100 = 28.999... from falling one short.
            share = int(spec.probability * batch + 1e-9)
            chosen = torch.randperm(batch, generator=generator) < share
    return chosen.nonzero().squeeze(1)


def _choose_partners(
    rows: Tensor, batch: int, spec: CrossSegmentMixing, generator: torch.Generator
) -> Tensor:
    match spec.partner:
        case "other":
            steps = torch.randint(1, batch, rows.shape, generator=generator)
            return (rows + steps) % batch
        case "self":
            return rows


def _splice_columns(whole: Tensor, rows: Tensor, partners: Tensor, at: Tensor) -> Tensor:
    """Return `whole`, its chosen rows replaced from column `at` on by those of their partners."""
    before = torch.arange(whole.shape[1], device=whole.device) < at[:, None]
    return whole.index_copy(0, rows, torch.where(before, whole[rows], whole[partners]))
