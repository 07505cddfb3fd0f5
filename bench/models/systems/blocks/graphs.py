"""Graph attention over the nodes of a spectrogram: AASIST's blocks (Jung et al., ICASSP 2022).

Section 2.2 there (graph attention and pooling, after RawGAT-ST) and section 3.1 (heterogeneous
stacking graph attention). Facts that the paper leaves open follow clovaai/aasist at a04c986; the
code is ours. Nodes are "batch nodes width" throughout. BAM has the graph attention too, between
frames and without dropout, and forbids some pairs.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm1d, BatchNorm2d, widen_halves
from bench.specs.graphs import GraphSizes
from bench.units import CLASSES

INPUT_DROPOUT = 0.2
POOL_DROPOUT = 0.3
BRANCH_DROPOUT, READOUT_DROPOUT = 0.2, 0.5


class ResidualBlock(nn.Module):
    """Convolution, normalisation, SELU, convolution, beside the input; maxima over `pooled` steps.

    As released, a block computes a batch normalisation and a SELU before the first convolution and
    then gives that convolution its input as it was: here they are left out.
    """

    def __init__(self, channels_in: int, channels: int, pooled: int) -> None:
        super().__init__()
        self.pooled = pooled
        self.first = nn.Conv2d(channels_in, channels, (2, 3), padding=(1, 1))
        self.norm = BatchNorm2d(channels)
        self.activation = nn.SELU()
        self.second = nn.Conv2d(channels, channels, (2, 3), padding=(0, 1))
        self.shortcut = (
            nn.Identity()
            if channels_in == channels
            else nn.Conv2d(channels_in, channels, (1, 3), padding=(0, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return "batch channels bands steps/pooled" for "batch channels_in bands steps"."""
        inner = self.second(self.activation(self.norm(self.first(x)))) + self.shortcut(x)
        return F.max_pool2d(inner, (1, self.pooled)) if self.pooled > 1 else inner


def draw_weight(width: int) -> nn.Parameter:
    """Return a vector "width 1", drawn as Glorot and Bengio (AISTATS 2010) draw a normal one."""
    return nn.Parameter(nn.init.xavier_normal_(torch.empty(width, 1)))


class NodeProjection(nn.Module):
    """Add a projection of what is attended to and one of the node itself."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.attended = nn.Linear(width, out)
        self.itself = nn.Linear(width, out)

    def forward(self, shares: Tensor, nodes: Tensor, to: Tensor) -> Tensor:
        """Return the nodes `to` after they took `shares`, "batch to nodes", of `nodes`."""
        return self.attended(shares @ nodes) + self.itself(to)


class GraphAttention(nn.Module):
    """Graph attention between the nodes of one graph, batch normalisation, SELU.

    Pairs that are not allowed: with the mask `blocked` neither node takes anything of the other;
    with `soft` their likeness is 0 before the softmax, so that they still share.
    """

    def __init__(
        self,
        width: int,
        out: int,
        temperature: float,
        *,
        dropout: float = INPUT_DROPOUT,
        mask: Literal["blocked", "soft"] = "blocked",
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.mask = mask
        self.compare = nn.Linear(width, out)
        self.weight = draw_weight(out)
        self.project = NodeProjection(width, out)
        self.norm = BatchNorm1d(out)
        self.activation = nn.SELU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Return the nodes, `out` wide.

        `allowed`: which pairs are, bool, "batch nodes nodes", each node with itself; None: all.
        """
        nodes = self.dropout(nodes)
        likeness = torch.tanh(self.compare(pair_products(nodes))) @ self.weight
        likeness = widen_halves(likeness.squeeze(-1) / self.temperature)
        if allowed is not None:
            blocked = 0.0 if self.mask == "soft" else -torch.inf
            likeness = likeness.masked_fill(~allowed, blocked)
        shares = likeness.softmax(dim=-1)
        return self.activation(normalise_nodes(self.norm, self.project(shares, nodes, nodes)))


class JointAttention(nn.Module):
    """Attention over two kinds of nodes together, and the stack node that hears all of them.

    A pair is weighed by which kinds its nodes are of: both temporal, both spectral, or one of each.
    """

    def __init__(self, width: int, out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.temporal, self.spectral = nn.Linear(width, width), nn.Linear(width, width)
        self.compare = nn.Linear(width, out)
        self.weight_temporal, self.weight_spectral = draw_weight(out), draw_weight(out)
        self.weight_mixed = draw_weight(out)
        self.project = NodeProjection(width, out)
        self.compare_stack = nn.Linear(width, out)
        self.weight_stack = draw_weight(out)
        self.project_stack = NodeProjection(width, out)
        self.norm = BatchNorm1d(out)
        self.activation = nn.SELU()
        self.dropout = nn.Dropout(INPUT_DROPOUT)

    def forward(
        self, temporal: Tensor, spectral: Tensor, stack: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return temporal nodes, spectral nodes and the stack node, "batch 1 width"."""
        n_temporal = temporal.shape[1]
        nodes = self.dropout(torch.cat([self.temporal(temporal), self.spectral(spectral)], dim=1))
        is_temporal = torch.arange(nodes.shape[1], device=nodes.device) < n_temporal
        shares = self._weigh_pairs(nodes, is_temporal)
        heard = torch.tanh(self.compare_stack(nodes * stack)) @ self.weight_stack
        of_stack = widen_halves(heard.transpose(1, 2) / self.temperature).softmax(dim=-1)
        stack = self.project_stack(of_stack, nodes, stack)
        nodes = self.activation(normalise_nodes(self.norm, self.project(shares, nodes, nodes)))
        return nodes[:, :n_temporal], nodes[:, n_temporal:], stack

    def _weigh_pairs(self, nodes: Tensor, is_temporal: Tensor) -> Tensor:
        """Return how much each node takes of each other, "batch nodes nodes"."""
        likeness = torch.tanh(self.compare(pair_products(nodes)))
        weights = torch.cat([self.weight_temporal, self.weight_spectral, self.weight_mixed], dim=1)
        by_kind = likeness @ weights
        first, second = is_temporal[:, None], is_temporal[None, :]
        mixed = torch.where(first == second, by_kind[..., 1], by_kind[..., 2])
        likeness = torch.where(first & second, by_kind[..., 0], mixed)
        return widen_halves(likeness / self.temperature).softmax(dim=-1)


class GraphPooling(nn.Module):
    """Keep the share of nodes with the highest scores, each times its score, the highest first."""

    def __init__(self, width: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.score = nn.Linear(width, 1)
        self.dropout = nn.Dropout(POOL_DROPOUT)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return the nodes that are left, one at least."""
        scores = self.score(self.dropout(nodes)).sigmoid()
        number = max(int(nodes.shape[1] * self.share), 1)
        chosen = scores.topk(number, dim=1).indices
        return (nodes * scores).gather(1, chosen.expand(-1, -1, nodes.shape[2]))


class Branch(nn.Module):
    """Two layers of heterogeneous attention with a pooling between, and a stack node of its own."""

    def __init__(self, spec: GraphSizes) -> None:
        super().__init__()
        self.stack = nn.Parameter(torch.randn(1, 1, spec.graph_dim))
        self.first = JointAttention(spec.graph_dim, spec.joint_dim, spec.joint_temperature)
        self.second = JointAttention(spec.joint_dim, spec.joint_dim, spec.joint_temperature)
        self.pool_temporal = GraphPooling(spec.joint_dim, spec.joint_share)
        self.pool_spectral = GraphPooling(spec.joint_dim, spec.joint_share)
        self.dropout = nn.Dropout(BRANCH_DROPOUT)

    def forward(self, temporal: Tensor, spectral: Tensor) -> tuple[Tensor, ...]:
        """Return temporal nodes, spectral nodes and the stack node."""
        stack = self.stack.expand(len(temporal), -1, -1)
        temporal, spectral, stack = self.first(temporal, spectral, stack)
        temporal, spectral = self.pool_temporal(temporal), self.pool_spectral(spectral)
        more = self.second(temporal, spectral, stack)
        joined = zip((temporal, spectral, stack), more, strict=True)
        return tuple(self.dropout(before + after) for before, after in joined)


class GraphReadout(nn.Module):
    """Spectral and temporal nodes to logits: graph attention, two branches, maxima and means."""

    def add_graphs(self, width: int, spec: GraphSizes) -> None:
        """Add the parts, for nodes of `width`. A subclass ends its `__init__` by this."""
        sizes = (width, spec.graph_dim, spec.graph_temperature)
        self.spectral, self.temporal = GraphAttention(*sizes), GraphAttention(*sizes)
        self.pool_spectral = GraphPooling(spec.graph_dim, spec.spectral_share)
        self.pool_temporal = GraphPooling(spec.graph_dim, spec.temporal_share)
        self.branches = nn.ModuleList([Branch(spec), Branch(spec)])
        self.dropout = nn.Dropout(READOUT_DROPOUT)
        self.classify = nn.Linear(5 * spec.joint_dim, len(CLASSES))

    def read_graphs(self, spectral: Tensor, temporal: Tensor) -> Tensor:
        """Return what the classes are told from, "batch 5*joint_dim"."""
        spectral = self.pool_spectral(self.spectral(spectral))
        temporal = self.pool_temporal(self.temporal(temporal))
        one, two = (branch(temporal, spectral) for branch in self.branches)
        temporal, spectral, stack = (torch.maximum(*pair) for pair in zip(one, two, strict=True))
        parts = [temporal.abs().amax(dim=1), temporal.mean(dim=1)]
        parts += [spectral.abs().amax(dim=1), spectral.mean(dim=1), stack.squeeze(1)]
        return torch.cat(parts, dim=1)


def pair_products(nodes: Tensor) -> Tensor:
    """Return the product of each pair of nodes, "batch nodes nodes width"."""
    return nodes[:, :, None] * nodes[:, None]


def normalise_nodes(norm: BatchNorm1d, nodes: Tensor) -> Tensor:
    """Return nodes normalised over all nodes of the batch."""
    return norm(nodes.flatten(0, 1)).unflatten(0, nodes.shape[:2])


OFFICIAL_ATTENTION = (
    (r"(.*)\.att_proj\.", r"\1.compare."),
    (r"(.*)\.att_weight$", r"\1.weight"),
    (r"(.*)\.proj_with_att\.", r"\1.project.attended."),
    (r"(.*)\.proj_without_att\.", r"\1.project.itself."),
    (r"(.*)\.bn\.", r"\1.norm."),
)
"""What clovaai/aasist's names become within an attention, under whichever name that has by then."""
OFFICIAL_BLOCKS = (
    (r"encoder\.\d\.0\.bn1\..*", ""),
    (r"encoder\.(\d)\.0\.conv_downsample\.", r"blocks.\1.shortcut."),
    (r"encoder\.(\d)\.0\.conv1\.", r"blocks.\1.first."),
    (r"encoder\.(\d)\.0\.conv2\.", r"blocks.\1.second."),
    (r"encoder\.(\d)\.0\.bn2\.", r"blocks.\1.norm."),
)
"""Names of the residual blocks in clovaai/aasist and in what follows it, by ours."""
OFFICIAL_GRAPHS = (
    *OFFICIAL_BLOCKS,
    (r"first_bn\.", "norm."),
    (r"pos_S$", "position"),
    (r"master1$", "branches.0.stack"),
    (r"master2$", "branches.1.stack"),
    (r"GAT_layer_S\.", "spectral."),
    (r"GAT_layer_T\.", "temporal."),
    (r"HtrgGAT_layer_ST11\.", "branches.0.first."),
    (r"HtrgGAT_layer_ST12\.", "branches.0.second."),
    (r"HtrgGAT_layer_ST21\.", "branches.1.first."),
    (r"HtrgGAT_layer_ST22\.", "branches.1.second."),
    (r"pool_hS1\.proj\.", "branches.0.pool_spectral.score."),
    (r"pool_hT1\.proj\.", "branches.0.pool_temporal.score."),
    (r"pool_hS2\.proj\.", "branches.1.pool_spectral.score."),
    (r"pool_hT2\.proj\.", "branches.1.pool_temporal.score."),
    (r"pool_S\.proj\.", "pool_spectral.score."),
    (r"pool_T\.proj\.", "pool_temporal.score."),
    (r"out_layer\.", "classify."),
    # Within an attention, under whichever of our names it has by now.
    (r"(.*)\.att_projM\.", r"\1.compare_stack."),
    (r"(.*)\.att_weight11$", r"\1.weight_temporal"),
    (r"(.*)\.att_weight22$", r"\1.weight_spectral"),
    (r"(.*)\.att_weight12$", r"\1.weight_mixed"),
    (r"(.*)\.att_weightM$", r"\1.weight_stack"),
    (r"(.*)\.proj_type1\.", r"\1.temporal."),
    (r"(.*)\.proj_type2\.", r"\1.spectral."),
    (r"(.*)\.proj_with_attM\.", r"\1.project_stack.attended."),
    (r"(.*)\.proj_without_attM\.", r"\1.project_stack.itself."),
    *OFFICIAL_ATTENTION,
)
"""Names of clovaai/aasist (a04c986) and of TakHemlata/SSL_Anti-spoofing (17111cd): their
residual blocks, first normalisation and position, and what is a `GraphReadout` here."""
