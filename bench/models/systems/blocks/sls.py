"""Sensitive layer selection, from all transformer blocks' outputs to one sequence; SLS's head.

Zhang, Wen, Hu, "Audio deepfake detection with self-supervised XLS-R and SLS classifier", ACM MM
2024; equations are those of BreathNet (Ye et al., 2026, section III.A.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.full_precision import BatchNorm2d
from bench.specs.heads.sls import SlsSettings
from bench.specs.kinds import HeadInput
from bench.units import CLASSES, count_hops

POOLED = 3
"""Hops, and dimensions, that a maximum is taken over."""


class SensitiveLayers(nn.Module):
    """Sum the blocks' outputs, each with a weight in (0, 1) that depends on the clip.

    `n_states` counts a front-end's states; the first, which no block has made, is left out, as in
    fairseq's `layer_results`, which the released SLS reads. `own`: each block has its own linear
    layer in equation 2, instead of one for all. The weights do not sum to one.
    """

    def __init__(self, dim: int, n_states: int, *, one_score_each: bool = False) -> None:
        super().__init__()
        self.blocks = n_states - 1
        self.score = nn.Linear(dim, self.blocks if one_score_each else 1)

    def layer_weights(self, outputs: Sequence[Tensor]) -> Tensor:
        """Equations 1 and 2: each output's mean over time through a linear layer and a sigmoid.

        `outputs`: of each block, "batch hops dim". Return w, "batch blocks", in float32.
        """
        scores = torch.stack([self.score(output.mean(dim=1)) for output in outputs], dim=1)
        if scores.shape[2] > 1:  # each block's own score of its own output
            scores = scores.diagonal(dim1=1, dim2=2)
        return scores.float().flatten(1).sigmoid()

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Equation 3: the weighted sum of all `states` but the first, each "batch hops dim".

        Return "batch hops dim" in float32: the outputs grow with depth, and few digits would lose
        the first beside the last.
        """
        outputs = states[1:]
        total = torch.zeros((), device=outputs[0].device)
        # One output after the other: stacking 24 of them would hold all of them once more.
        for weight, output in zip(self.layer_weights(outputs).unbind(1), outputs, strict=True):
            total = total + weight[:, None, None] * output
        return total


class SlsHead(nn.Module):
    """SLS's classifier: "batch hops dim", of the hops of its training's clips, to "batch 2".

    Batch normalisation of all numbers alike, SELU, maxima over 3 hops and 3 dimensions, which are
    put in a row: linear layer, SELU, linear layer, SELU. For 201 hops of 1024 dimensions there are
    67 x 341 maxima. Written from the released code (QiShanZhang/SLSforASVspoof-2021-DF at c30d005),
    whose log-softmax behind it is the loss's and the score's part here.
    """

    def __init__(self, given: HeadInput, spec: SlsSettings) -> None:
        super().__init__()
        assert given.samples is not None  # it takes one length
        self.hops = count_hops(given.samples)
        rows, columns = self.hops // POOLED, given.dim // POOLED
        if not rows * columns:
            raise BenchError(
                "model.sizes",
                f"head.kind = 'sls': takes maxima over {POOLED} hops: clips of {self.hops} hops "
                "are too short",
            )
        self.norm = BatchNorm2d(1)
        self.hidden = nn.Linear(rows * columns, spec.hidden)
        self.classify = nn.Linear(spec.hidden, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits; BenchError where clips have other hops than in training."""
        if x.shape[1] != self.hops:
            raise BenchError(
                "model.clip-length",
                f"head.kind = 'sls': takes clips of {self.hops} hops, as in training, but got "
                f"{x.shape[1]}",
            )
        maxima = F.max_pool2d(F.selu(self.norm(x[:, None])), POOLED).flatten(1)
        return F.selu(self.classify(F.selu(self.hidden(maxima))))
