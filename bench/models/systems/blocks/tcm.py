"""A Conformer with temporal-channel modelling (TCM) over a front-end's states.

Truong, Tao, Nguyen, Luong, Lee and Chng, "Temporal-channel modeling in multi-head self-attention
for synthetic speech detection", Interspeech 2024; sizes and order of the released code
(ductuantruong/tcm_add at 1f1179a). Shapes for 208 hops and the released sizes: states (B, 208, D)
-> narrowed (B, 208, 144), of which batch normalisation and SELU -> with positions, the class token
before them (B, 209, 144) -> four blocks -> the class token (B, 144) -> logits (B, 2).

The released code holds 1,440,000 more numbers: the positions of 10,000 hops, which are not trained.
Here they are computed for the hops of a clip, which may be any number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm2d, LayerNorm, widen_halves
from bench.models.systems.blocks.conformer import BlockSettings, ConformerBlock
from bench.models.systems.blocks.positions import encode_positions
from bench.specs.heads.tcm import TcmSettings
from bench.units import CLASSES


class HeadTokenAttention(nn.Module):
    """LayerNorm and self-attention, with a token for each head; "batch 1 + hops dim" to the same.

    A head's token is made of its share of the dimensions, averaged over class token and hops. The
    tokens stand behind the hops in the attention; their mean and that of the hops are added to the
    class token, and the tokens left out.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.widen_token = nn.Linear(dim // heads, dim)
        self.token_norm = LayerNorm(dim // heads)
        self.token_position = nn.Parameter(torch.zeros(1, heads, dim))

    def make_tokens(self, x: Tensor) -> Tensor:
        """Return "batch heads dim" for "batch 1 + hops dim"."""
        means = x.mean(dim=1).unflatten(-1, (self.heads, -1))
        widened = self.widen_token(means).unflatten(-1, (self.heads, -1))
        return F.gelu(self.token_norm(widened)).flatten(2) + self.token_position

    def forward(self, x: Tensor) -> Tensor:
        """Return the attended sequence, without the residual."""
        x = self.norm(x)
        length = x.shape[1]
        x = self.query_key_value(torch.cat([x, self.make_tokens(x)], dim=1))
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in x.chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        attended = widen_halves(self.out(mixed.transpose(1, 2).flatten(2)))
        first, hops, tokens = attended.split([1, length - 1, self.heads], dim=1)
        first = first + tokens.mean(dim=1, keepdim=True) + hops.mean(dim=1, keepdim=True)
        return torch.cat([first, hops], dim=1)


class TcmBlock(ConformerBlock):
    """A Conformer block with tokens of the heads in its attention."""

    def build_attention(self, dim: int, spec: BlockSettings) -> nn.Module:
        """Return the attention."""
        return HeadTokenAttention(dim, spec.heads)


class TcmHead(nn.Module):
    """States "batch hops dim" to logits "batch 2"; see the module's docstring."""

    def __init__(self, dim: int, spec: TcmSettings) -> None:
        super().__init__()
        self.narrow = nn.Linear(dim, spec.width)
        self.norm = BatchNorm2d(1)
        self.class_token = nn.Parameter(torch.rand(1, spec.width))
        self.blocks = nn.Sequential(
            *(TcmBlock(spec.width, spec, spec.expansion) for _ in range(spec.blocks))
        )
        self.classify = nn.Linear(spec.width, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = F.selu(self.norm(self.narrow(x)[:, None]))[:, 0]
        x = x + encode_positions(x.shape[1], x.shape[2], x.device)
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], dim=1)
        return self.classify(self.blocks(x)[:, 0])


_BLOCK = r"(head\.blocks\.\d+)\."
OFFICIAL = (
    (r"LL\.", "head.narrow."),
    (r"first_bn\.", "head.norm."),
    (r"conformer\.positional_emb$", ""),
    (r"conformer\.class_token$", "head.class_token"),
    (r"conformer\.fc5\.", "head.classify."),
    (r"conformer\.encoder_blocks\.", "head.blocks."),
    *(
        (rf"{_BLOCK}{theirs}", rf"\1.{ours}")
        for theirs, ours in (
            (r"ff1\.fn\.norm\.", "first.0."),
            (r"ff1\.fn\.fn\.net\.0\.", "first.1."),
            (r"ff1\.fn\.fn\.net\.3\.", "first.4."),
            (r"ff2\.fn\.norm\.", "second.0."),
            (r"ff2\.fn\.fn\.net\.0\.", "second.1."),
            (r"ff2\.fn\.fn\.net\.3\.", "second.4."),
            (r"attn\.norm\.", "attention.norm."),
            (r"attn\.fn\.qkv\.", "attention.query_key_value."),
            (r"attn\.fn\.proj\.", "attention.out."),
            (r"attn\.fn\.ht_proj\.", "attention.widen_token."),
            (r"attn\.fn\.ht_norm\.", "attention.token_norm."),
            (r"attn\.fn\.pos_embed$", "attention.token_position"),
            (r"conv\.net\.0\.", "convolution.norm."),
            (r"conv\.net\.2\.", "convolution.widen."),
            (r"conv\.net\.4\.conv\.", "convolution.depthwise."),
            (r"conv\.net\.5\.", "convolution.batch_norm."),
            (r"conv\.net\.7\.", "convolution.narrow."),
            (r"post_norm\.", "norm."),
        )
    ),
)
"""Names of ductuantruong/tcm_add at 1f1179a and what these become here."""
