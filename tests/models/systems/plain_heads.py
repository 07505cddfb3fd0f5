"""Heads of published systems in loops over clips, hops and channels, in NumPy and float64.

Each reads weights by the names of its authors' checkpoint, and has made-up ones in that layout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch

from tests.models.systems.plain_mfpt import below, linear, normalised, relu, sigmoid, silu

Weights = Mapping[str, np.ndarray]


def draw(shapes: Mapping[str, tuple[int, ...]], seed: int = 5) -> dict[str, torch.Tensor]:
    """Return tensors of `shapes`: variances above 0, counters whole, all others normal."""
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, torch.Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            drawn[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            drawn[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            drawn[name] = 0.4 * torch.randn(shape, generator=generator)
    return drawn


def as_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}


def layer(name: str, inputs: int, outputs: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), **({f"{name}.bias": (outputs,)} if bias else {})}


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def batch_norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    more = {f"{name}.running_{of}": (width,) for of in ("mean", "var")}
    return {**norm(name, width), **more, f"{name}.num_batches_tracked": ()}


def standardised(w: Weights, x: np.ndarray) -> np.ndarray:
    """Layer normalisation of a vector."""
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return (x - mean) / math.sqrt(variance + 1e-5) * w["weight"] + w["bias"]


def softmax(x: np.ndarray) -> np.ndarray:
    shares = np.array([math.exp(value) for value in x])
    return shares / sum(shares)


def selu(x: float) -> float:
    return 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1))


def gelu(x: float) -> float:
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def each(function, x: np.ndarray) -> np.ndarray:
    return np.array([function(value) for value in x])


def narrowed(w: Weights, x: np.ndarray) -> np.ndarray:
    """Linear layer, batch normalisation of all numbers alike, SELU: "hops dim" to "hops width"."""
    lower = np.array([linear(below(w, "LL"), frame) for frame in x])
    return each(lambda frame: each(selu, frame), normalised(below(w, "first_bn"), lower[None])[0])


# --- TCM -----------------------------------------------------------------------------------------


def tcm_shapes(dim: int, width: int, heads: int, blocks: int, kernel: int, table: int) -> dict:
    """Return the names and shapes of ductuantruong/tcm_add at 1f1179a."""
    shapes = {
        **layer("LL", dim, width),
        **batch_norm("first_bn", 1),
        "conformer.positional_emb": (1, table, width),
        "conformer.class_token": (1, width),
        **layer("conformer.fc5", width, 2),
    }
    for block in range(blocks):
        at = f"conformer.encoder_blocks.{block}"
        for part in ("ff1", "ff2"):
            shapes |= norm(f"{at}.{part}.fn.norm", width)
            shapes |= layer(f"{at}.{part}.fn.fn.net.0", width, 4 * width)
            shapes |= layer(f"{at}.{part}.fn.fn.net.3", 4 * width, width)
        shapes |= norm(f"{at}.attn.norm", width)
        shapes |= layer(f"{at}.attn.fn.qkv", width, 3 * width, bias=False)
        shapes |= layer(f"{at}.attn.fn.proj", width, width)
        shapes |= layer(f"{at}.attn.fn.ht_proj", width // heads, width)
        shapes |= norm(f"{at}.attn.fn.ht_norm", width // heads)
        shapes[f"{at}.attn.fn.pos_embed"] = (1, heads, width)
        shapes |= norm(f"{at}.conv.net.0", width)
        shapes[f"{at}.conv.net.2.weight"] = (4 * width, width, 1)
        shapes[f"{at}.conv.net.2.bias"] = (4 * width,)
        shapes[f"{at}.conv.net.4.conv.weight"] = (2 * width, 1, kernel)
        shapes[f"{at}.conv.net.4.conv.bias"] = (2 * width,)
        shapes |= batch_norm(f"{at}.conv.net.5", 2 * width)
        shapes[f"{at}.conv.net.7.weight"] = (width, 2 * width, 1)
        shapes[f"{at}.conv.net.7.bias"] = (width,)
        shapes |= norm(f"{at}.post_norm", width)
    return shapes


def _feed_forward(w: Weights, x: np.ndarray) -> np.ndarray:
    inner = each(silu, linear(below(w, "fn.net.0"), standardised(below(w, "norm"), x)))
    return linear(below(w, "fn.net.3"), inner)


def _head_tokens(w: Weights, x: np.ndarray, heads: int) -> np.ndarray:
    size = x.shape[1] // heads
    tokens = []
    for head in range(heads):
        mean = np.array([x[:, head * size + i].mean() for i in range(size)])
        wide = linear(below(w, "ht_proj"), mean)
        pieces = [
            each(gelu, standardised(below(w, "ht_norm"), wide[i * size : (i + 1) * size]))
            for i in range(heads)
        ]
        tokens.append(np.concatenate(pieces) + w["pos_embed"][0, head])
    return np.array(tokens)


def _head_token_attention(w: Weights, x: np.ndarray, heads: int) -> np.ndarray:
    """`x` is "1 + hops width", normalised; its first row is the class token."""
    length, width = x.shape
    size = width // heads
    sequence = np.concatenate([x, _head_tokens(w, x, heads)])
    projected = np.array([w["qkv.weight"] @ row for row in sequence])
    query, key, value = (projected[:, i * width : (i + 1) * width] for i in range(3))
    mixed = np.zeros_like(sequence)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for i in range(len(sequence)):
            scores = [query[i, part] @ row / math.sqrt(size) for row in key[:, part]]
            mixed[i, part] = softmax(np.array(scores)) @ value[:, part]
    out = np.array([linear(below(w, "proj"), row) for row in mixed])
    out[0] += out[length:].mean(axis=0) + out[1:length].mean(axis=0)
    return out[:length]


def _convolution(w: Weights, x: np.ndarray) -> np.ndarray:
    rows = [standardised(below(w, "0"), row) for row in x]
    gated = []
    for row in rows:
        wide = w["2.weight"][:, :, 0] @ row + w["2.bias"]
        half = len(wide) // 2
        gated.append(wide[:half] * each(sigmoid, wide[half:]))
    channels, kernel = np.array(gated).T, w["4.conv.weight"].shape[2]
    out = np.zeros_like(channels)
    for c in range(len(channels)):
        for t in range(len(x)):
            out[c, t] = w["4.conv.bias"][c]
            for k in range(kernel):
                if 0 <= (at := t + k - kernel // 2) < len(x):
                    out[c, t] += w["4.conv.weight"][c, 0, k] * channels[c, at]
    out = normalised(below(w, "5"), out)
    return np.array([w["7.weight"][:, :, 0] @ each(silu, column) + w["7.bias"] for column in out.T])


def tcm(w: Weights, x: np.ndarray, heads: int, blocks: int) -> np.ndarray:
    """`x` is "hops dim" of one clip; return its logits, spoof first."""
    x = narrowed(w, x)
    width = x.shape[1]
    for hop in range(len(x)):
        for i in range(width):
            angle = hop / 10_000 ** (2 * (i // 2) / width)
            x[hop, i] += math.cos(angle) if i % 2 else math.sin(angle)
    x = np.concatenate([w["conformer.class_token"], x])
    for block in range(blocks):
        of = below(w, f"conformer.encoder_blocks.{block}")
        x = np.array([row + _feed_forward(below(of, "ff1.fn"), row) / 2 for row in x])
        given = np.array([standardised(below(of, "attn.norm"), row) for row in x])
        x = x + _head_token_attention(below(of, "attn.fn"), given, heads)
        x = x + _convolution(below(of, "conv.net"), x)
        x = np.array([row + _feed_forward(below(of, "ff2.fn"), row) / 2 for row in x])
        x = np.array([standardised(below(of, "post_norm"), row) for row in x])
    return linear(below(w, "conformer.fc5"), x[0])


# --- Mamba ---------------------------------------------------------------------------------------


def mamba_shapes(dim: int, width: int, blocks: int, state: int, kernel: int) -> dict:
    """Return the names and shapes of swagshaw/XLSR-Mamba with mamba_ssm, inner width x 2."""
    inner, rank = 2 * width, math.ceil(width / 16)
    shapes = {**layer("LL", dim, width), **batch_norm("first_bn", 1)}
    for column in ("forward", "backward"):
        for block in range(blocks):
            at = f"conformer.{column}_layers.{block}"
            shapes |= {
                f"{at}.mixer.A_log": (inner, state),
                f"{at}.mixer.D": (inner,),
                **layer(f"{at}.mixer.in_proj", width, 2 * inner, bias=False),
                f"{at}.mixer.conv1d.weight": (inner, 1, kernel),
                f"{at}.mixer.conv1d.bias": (inner,),
                **layer(f"{at}.mixer.x_proj", inner, rank + 2 * state, bias=False),
                **layer(f"{at}.mixer.dt_proj", rank, inner),
                **layer(f"{at}.mixer.out_proj", inner, width, bias=False),
                f"{at}.norm.weight": (width,),
            }
    return {
        **shapes,
        "conformer.norm_f.weight": (width,),
        **layer("conformer.f_attention_pool", width, 1),
        **layer("conformer.b_attention_pool", width, 1),
        **layer("conformer.LL", 2 * width, width),
        **layer("conformer.classifier", width, 2),
    }


def rms_normalised(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x / math.sqrt(sum(value * value for value in x) / len(x) + 1e-5) * weight


def scan(steps, decay, given, write, read) -> np.ndarray:
    """Selective scan of one clip, number by number; "hops channels" and "hops state"."""
    hops, channels = given.shape
    out = np.zeros((hops, channels))
    for c in range(channels):
        memory = [0.0] * decay.shape[1]
        for t in range(hops):
            for n in range(len(memory)):
                share = math.exp(steps[t, c] * decay[c, n])
                memory[n] = share * memory[n] + steps[t, c] * write[t, n] * given[t, c]
                out[t, c] += read[t, n] * memory[n]
    return out


def _mixer(w: Weights, x: np.ndarray) -> np.ndarray:
    inner, state = w["A_log"].shape
    rank, kernel = w["dt_proj.weight"].shape[1], w["conv1d.weight"].shape[2]
    wide = np.array([w["in_proj.weight"] @ row for row in x])
    given = np.zeros((len(x), inner))
    for t in range(len(x)):
        for c in range(inner):
            total = w["conv1d.bias"][c]
            for k in range(kernel):  # the last weight is that of the hop itself
                if (at := t - kernel + 1 + k) >= 0:
                    total += w["conv1d.weight"][c, 0, k] * wide[at, c]
            given[t, c] = silu(total)
    chosen = np.array([w["x_proj.weight"] @ row for row in given])
    steps = np.array([linear(below(w, "dt_proj"), row[:rank]) for row in chosen])
    steps = each(lambda row: each(lambda value: math.log1p(math.exp(value)), row), steps)
    write, read = chosen[:, rank : rank + state], chosen[:, rank + state :]
    out = scan(steps, -np.exp(w["A_log"]), given, write, read) + w["D"] * given
    gates = np.array([each(silu, row[inner:]) for row in wide])
    return np.array([w["out_proj.weight"] @ row for row in out * gates])


def mamba(w: Weights, x: np.ndarray, blocks: int, last_added: str) -> np.ndarray:
    """`x` is "hops dim" of one clip; return its logits, spoof first.

    As released, each block first adds what the one before gave, and hands on its own outcome; the
    last addition takes the columns' input instead.
    """
    given, columns = narrowed(w, x), []
    for column in ("forward", "backward"):
        hidden = given if column == "forward" else given[::-1]
        residual = np.zeros_like(given)
        for block in range(blocks):
            of = below(w, f"conformer.{column}_layers.{block}")
            residual = residual + hidden
            normal = np.array([rms_normalised(of["norm.weight"], row) for row in residual])
            hidden = _mixer(below(of, "mixer"), normal)
        last = residual + (given if last_added == "input" else hidden)
        last = np.array([rms_normalised(w["conformer.norm_f.weight"], row) for row in last])
        score = below(w, f"conformer.{column[0]}_attention_pool")
        columns.append(softmax(np.array([linear(score, row)[0] for row in last])) @ last)
    joined = linear(below(w, "conformer.LL"), np.concatenate(columns))
    return linear(below(w, "conformer.classifier"), joined)


# --- MHFA ----------------------------------------------------------------------------------------


def mhfa_shapes(dim: int, states: int, heads: int, compression: int, embedding: int) -> dict:
    """Return the names and shapes of WeDefense (zlin0/wedefense at 0d29584) with a softmax loss."""
    return {
        "weights_k": (states,),
        "weights_v": (states,),
        **layer("cmp_linear_k", dim, compression),
        **layer("cmp_linear_v", dim, compression),
        **layer("att_head", compression, heads),
        **layer("pooling_fc", heads * compression, embedding),
        **batch_norm("projection.trans.0", embedding),
        **layer("projection.trans.2", embedding, 2),
    }


def mhfa(w: Weights, states: np.ndarray, centred: bool = False) -> np.ndarray:
    """`states` are "states hops dim" of one clip; return its logits, bona fide first."""
    if centred:
        states = np.array([[row - sum(row) / len(row) for row in state] for state in states])
    sums = {}
    for part in ("k", "v"):
        shares = softmax(w[f"weights_{part}"])
        total = sum(share * state for share, state in zip(shares, states, strict=True))
        sums[part] = [linear(below(w, f"cmp_linear_{part}"), row) for row in total]
    scores = np.array([linear(below(w, "att_head"), row) for row in sums["k"]])
    means = [softmax(scores[:, head]) @ np.array(sums["v"]) for head in range(scores.shape[1])]
    embedded = linear(below(w, "pooling_fc"), np.concatenate(means))
    normal = normalised(below(w, "projection.trans.0"), embedded)
    return linear(below(w, "projection.trans.2"), relu(normal))
