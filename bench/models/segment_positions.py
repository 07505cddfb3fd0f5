"""Labels for the auxiliary tasks, computed on the batch from its binary labels.

SAL (Mao et al., ICASSP 2026, section 2.1) gives each frame its position in its segment, a segment
being a run of frames of one class: Start, Middle, End, or Unit where the run is one frame long.
Positions are computed from the binary labels each time, on their device, so they are right after
Cross-Segment Mixing as well: that equals re-assigning them at the splice (section 2.2), where two
pieces of the same class join into one segment.

Padding is a border: the last valid frame ends its segment. In SAL's released code padding counts as
spoof, so that an utterance that ends in spoof never ends and one that ends in bona fide has a
transition at its last frame.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.metrics.positions import END, MIDDLE, POSITIONS, START, UNIT

IGNORED = -100
"""What a frame that is padding is labelled: the index that torch's cross entropy leaves out."""


class _Joined(NamedTuple):
    """Whether each valid frame and its neighbour are of one segment."""

    to_previous: Tensor
    to_next: Tensor


def compute_positions(spoof: Tensor, valid: Tensor) -> Tensor:
    """Return the index into `POSITION_NAMES` of each frame, `IGNORED` where it is not valid.

    `spoof` and `valid` are bool, "batch frames"; the result is long, "batch frames", on the same
    device.
    """
    joined = _join_neighbours(spoof, valid)
    position = torch.where(
        joined.to_previous,
        torch.where(joined.to_next, MIDDLE, END),
        torch.where(joined.to_next, START, UNIT),
    )
    return torch.where(valid, len(POSITIONS) * spoof.long() + position, IGNORED)


TransitionRule = Literal["both-sides", "segment-edges", "spoof-side"]
"""Which frames a change of class marks (`compute_transitions`)."""


def compute_transitions(spoof: Tensor, valid: Tensor, rule: TransitionRule) -> Tensor:
    """Return 1 where a frame is at a transition, 0 where it is not, `IGNORED` on padding.

    `spoof` and `valid` are bool, "batch frames"; the result is long, "batch frames", on the same
    device.

    `both-sides`: the last frame before and the first frame after each change of class among valid
    frames. `spoof-side`: the one of the two that is spoof (BAM). `segment-edges`: the rule of
    released SAL and of CFPRF: the first and last frame of every segment, except the first frame of
    a leading bona fide segment and the last frame, unless it is also the first, of a trailing one.
    The edges of a spoof segment are marked even where the clip begins or ends. We depart from both
    in that padding is a border and not a segment of spoof frames.
    """
    joined = _join_neighbours(spoof, valid)
    follows = pad(valid[:, :-1], (1, 0))
    precedes = pad(valid[:, 1:], (0, 1))
    match rule:
        case "both-sides" | "spoof-side":
            marked = (follows & ~joined.to_previous) | (precedes & ~joined.to_next)
            if rule == "spoof-side":
                marked &= spoof
        case "segment-edges":
            starts, ends = ~joined.to_previous, ~joined.to_next
            exempt = ~spoof & (~follows | (~precedes & ~starts))
            marked = (starts | ends) & ~exempt
    return torch.where(valid, marked.long(), IGNORED)


def _join_neighbours(spoof: Tensor, valid: Tensor) -> _Joined:
    same = (spoof[:, 1:] == spoof[:, :-1]) & valid[:, 1:] & valid[:, :-1]
    return _Joined(pad(same, (1, 0)), pad(same, (0, 1)))
