"""Losses on features that draw bona fide clips together and push fakes away from them.

Equations are those of BreathNet (Ye et al., 2026, section III.C.2). Each loss takes all features of
a batch and a mask of the ones that it applies to, so that its shapes, and its random draws, do not
depend on the labels. It is 0 where there is too little to compare: with a tenth bona fide, every
third batch of 10 has no bona fide clip.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.specs.systems.breathnet import FeatureLossSettings as Spec
from bench.units import BONAFIDE, CLASSES, SPOOF

SMALLEST_NORM = 1e-8
"""Cosines divide by it where a feature, or a sum of two, is shorter."""


class Parts(NamedTuple):
    """The losses of equations 10, 11 and 13, their sum, 14, and how long features are; scalars."""

    pscl: Tensor
    centre: Tensor
    contrast: Tensor
    feature: Tensor
    feature_length: Tensor
    """Mean length of z, before any scaling; no loss, it has no gradient. Equation 9 adds noise of a
    fixed size to z, which does the less the longer z is."""


class FeatureLosses(nn.Module):
    """Equations 9 to 14, with the bona fide centre as a buffer: zeros until there is one.

    In training a batch with bona fide clips first moves the centre, then is compared with it: the
    first such batch has no other, and later ones are treated alike. The centre takes no gradient,
    and stays where it is in evaluation and in a batch without bona fide clips.
    """

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("centre", torch.zeros(dim))
        self.centre: Tensor

    def forward(self, z: Tensor, target: Tensor) -> Parts:
        """Return the losses of `z`, "batch dim", with classes `target`, "batch", long.

        Clips of no class (`IGNORED`) are left out. In float32 whatever the precision around.
        """
        spec, bonafide = self.spec, target == CLASSES.index(BONAFIDE)
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            length = z.detach().norm(dim=1).mean()
            if spec.scale == "unit":
                z = F.normalize(z, dim=1, eps=SMALLEST_NORM)
            centre = self._move_centre(z.detach(), bonafide)
            positives, positive = self._with_copies(z, bonafide)
            drawn = (positives, positive) if spec.centre_of == "with-copies" else (z, bonafide)
            pull = centre_loss(*drawn, centre)
            push = contrast_loss(z, target == CLASSES.index(SPOOF), centre)
            similar = pscl_loss(positives, positive, spec.temperature)
            feature = (  # equation 14
                spec.pscl_weight * similar + spec.centre_weight * pull + spec.contrast_weight * push
            )
        return Parts(similar, pull, push, feature, length)

    def _move_centre(self, z: Tensor, bonafide: Tensor) -> Tensor:
        """Equation 12: move the centre towards the batch's mean bona fide feature, and return it.

        The centre starts at the first mean.
        """
        if self.training:
            mean = (z * bonafide[:, None]).sum(dim=0) / bonafide.sum().clamp_min(1)
            momentum = self.spec.momentum
            later = momentum * self.centre + (1 - momentum) * mean
            moved = torch.where(self.centre.any(), later, mean)
            self.centre.copy_(torch.where(bonafide.any(), moved, self.centre))
        # A copy: moving the centre again must not change what a backward pass still needs.
        return self.centre.clone()

    def _with_copies(self, z: Tensor, bonafide: Tensor) -> tuple[Tensor, Tensor]:
        """Equation 9: append noisy copies; return the features and which of them make up D_bona.

        The copies of features that are not bona fide are there, too, and not in D_bona.
        """
        n, copies = len(z), self.spec.copies
        if self.spec.copies_of == "each":
            source = torch.arange(n, device=z.device).repeat(copies)
        else:  # a bona fide one by chance each time, if there is any
            draws = torch.rand(copies, n, device=z.device).masked_fill(~bonafide, -1.0)
            source = draws.argmax(dim=1)
        copied = z[source]
        noisy = copied + self.spec.noise * torch.randn_like(copied)
        return torch.cat([z, noisy]), torch.cat([bonafide, bonafide[source]])


def pscl_loss(z: Tensor, chosen: Tensor, temperature: float) -> Tensor:
    """Equation 10, the positive-only supervised contrastive loss of the `chosen` features.

    `z`: "n dim"; `chosen`: "n", bool. log(|D| - 1) where all cosines are equal, whatever they are,
    and more else; 0 where fewer than two are chosen, and with no gradient where two are.
    """
    unit = F.normalize(z, dim=1, eps=SMALLEST_NORM)
    similarity = unit @ unit.T / temperature
    others = (chosen & chosen[:, None]).fill_diagonal_(False)
    count = others.sum(dim=1)
    # Finite, not -inf: a row without others has a gradient of zero then, and not NaN.
    lowest = torch.finfo(z.dtype).min
    log_sum = similarity.masked_fill(~others, lowest).logsumexp(dim=1)
    mean = (similarity * others).sum(dim=1) / count.clamp_min(1)
    return _masked_mean(log_sum - mean, chosen & (count > 0))


def centre_loss(z: Tensor, chosen: Tensor, centre: Tensor) -> Tensor:
    """Equation 11: mean of (1 - s(z, c)) / 2 over the `chosen` features, in [0, 1].

    `z`: "n dim"; `chosen`: "n", bool; `centre`: "dim". 0 where none is chosen or there is no
    centre yet.
    """
    cosine = F.cosine_similarity(z, centre[None], dim=1, eps=SMALLEST_NORM)
    return _masked_mean((1 - cosine) / 2, chosen & centre.any())


def contrast_loss(z: Tensor, chosen: Tensor, centre: Tensor) -> Tensor:
    """Equation 13: mean similarity of fake features, and of their pairwise middles, to the centre.

    The mean of (1 + s(z, c)) / 2 over the `chosen` features, plus the same over the middles of all
    pairs of them; in [0, 2].

    `z`: "n dim"; `chosen`: "n", bool; `centre`: "dim". One feature alone makes no pair and adds
    nothing for it; 0 where none is chosen or there is no centre yet.
    """
    chosen = chosen & centre.any()
    pairs = (chosen & chosen[:, None]).triu(diagonal=1)
    along = z @ F.normalize(centre, dim=0, eps=SMALLEST_NORM)
    # s of a middle is s of the sum. A sum's length is the distance of one to the other's opposite:
    # no pair is laid out, and none is a difference of squares, which fails for near opposites.
    sums = torch.cdist(z, -z, compute_mode="donot_use_mm_for_euclid_dist")
    of_pairs = (along[:, None] + along) / sums.clamp_min(SMALLEST_NORM)
    of_each = along / z.norm(dim=1).clamp_min(SMALLEST_NORM)
    return _masked_mean((1 + of_each) / 2, chosen) + _masked_mean((1 + of_pairs) / 2, pairs)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the `values` in `mask`; 0 where it is empty."""
    return values.masked_fill(~mask, 0.0).sum() / mask.sum().clamp_min(1)
