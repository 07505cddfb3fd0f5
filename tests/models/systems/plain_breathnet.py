"""BreathNet's equations in loops over clips, hops, bands and pairs, in double precision.

Written from the paper (Ye et al., arXiv 2602.13596, 2026). Where it prints a weight without a bias
or speaks of one head, these take what they are given.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np


def numbers(module):
    """Return the state of a module as double-precision arrays by name."""
    return {name: value.double().numpy() for name, value in module.state_dict().items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer_weights(outputs, weight, bias):
    """Equations 1 and 2 for one clip: `outputs` "blocks hops dim"; one row of weight, or one a
    block.
    """
    weights = []
    for i, output in enumerate(outputs):
        mean = [sum(hop[d] for hop in output) / len(output) for d in range(len(output[0]))]
        row = i if len(weight) > 1 else 0
        score = sum(a * b for a, b in zip(weight[row], mean, strict=True)) + bias[row]
        weights.append(1 / (1 + math.exp(-score)))
    return weights


def weighted_sum(outputs, weights):
    """Equation 3 for one clip."""
    return sum(weight * np.asarray(output) for weight, output in zip(weights, outputs, strict=True))


def gates(marks, first, first_bias, second, second_bias):
    """Equation 5 for one clip, a hop at a time: g, "hops dim"."""
    rows = []
    for mark in marks:
        hidden = np.maximum(first[:, 0] * float(mark) + first_bias, 0)
        rows.append(sigmoid(second @ hidden + second_bias))
    return np.array(rows)


def modulated(x, g):
    """Equation 6 for one clip."""
    return np.array(
        [
            [(1 + gate) * value for value, gate in zip(*hop, strict=True)]
            for hop in zip(x, g, strict=True)
        ]
    )


def band_pass(low_hz, high_hz, kernel, rate=16_000):
    """SincConv's filter: the difference of two low-pass filters, in a Hamming window."""
    taps = []
    for i in range(kernel):
        n = i - kernel // 2
        window = 0.54 - 0.46 * math.cos(2 * math.pi * i / (kernel - 1))
        if n == 0:
            ideal = 2 * (high_hz - low_hz) / rate
        else:
            ideal = (
                math.sin(2 * math.pi * high_hz / rate * n)
                - math.sin(2 * math.pi * low_hz / rate * n)
            ) / (math.pi * n)
        taps.append(window * ideal)
    return taps


def filtered(wave, taps):
    """Convolution without padding."""
    n = len(wave) - len(taps) + 1
    return np.array([sum(wave[t + i] * tap for i, tap in enumerate(taps)) for t in range(n)])


def pooled(rows, n_rows, n_columns):
    """Adaptive maxima of a table: cell (i, j) is over its share of rows and columns, rounded
    outwards.
    """
    rows = np.asarray(rows)

    def parts(size, n):
        return [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]

    return np.array(
        [
            [rows[a:b, c:d].max() for c, d in parts(rows.shape[1], n_columns)]
            for a, b in parts(rows.shape[0], n_rows)
        ]
    )


def selu(x):
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * (np.exp(x) - 1))


def attention(asking, asked, query, key, value, heads):
    """Equations 7 and 8 for one clip, a head at a time, the heads side by side."""
    q, k, v = (x @ weight.T for x, weight in ((asking, query), (asked, key), (asked, value)))
    width = q.shape[1] // heads
    out = np.zeros_like(q)
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        for i in range(len(q)):
            scores = np.array([q[i, own] @ row / math.sqrt(width) for row in k[:, own]])
            weights = np.exp(scores) / np.exp(scores).sum()
            out[i, own] = sum(w * row for w, row in zip(weights, v[:, own], strict=True))
    return out


def bilstm(x, w, layers):
    """A BiLSTM's outputs for one clip "tokens dim", its weights `w` by torch's names."""
    for layer in range(layers):
        both = []
        for reverse in ("", "_reverse"):
            ih, hh, b_ih, b_hh = (
                w[f"{name}_l{layer}{reverse}"]
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            h = c = np.zeros(hh.shape[1])
            out = []
            for token in x[::-1] if reverse else x:
                i, f, g, o = np.split(ih @ token + b_ih + hh @ h + b_hh, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                out.append(h)
            both.append(np.array(out[::-1] if reverse else out))
        x = np.concatenate(both, axis=1)
    return x


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b)))


def pscl(features, temperature):
    """Equation 10 of D_bona."""
    n = len(features)
    total = 0.0
    for i in range(n):
        others = [k for k in range(n) if k != i]
        over = sum(math.exp(cosine(features[i], features[k]) / temperature) for k in others)
        inner = 0.0
        for j in others:
            inner += math.log(math.exp(cosine(features[i], features[j]) / temperature) / over)
        total += inner / (n - 1)
    return -total / n


def centre_loss(features, centre):
    """Equation 11 of D_bona."""
    return sum((1 - cosine(z, centre)) / 2 for z in features) / len(features)


def moved(centre, features, momentum):
    """Equation 12 by a batch's bona fide features; its start where there is no centre."""
    mean = np.mean(features, axis=0)
    return mean if centre is None else momentum * centre + (1 - momentum) * mean


def contrast_loss(fakes, centre):
    """Equation 13 of D_fake, of at least two."""
    single = sum((1 + cosine(z, centre)) / 2 for z in fakes) / len(fakes)
    pairs = list(combinations(fakes, 2))
    assert len(pairs) == math.comb(len(fakes), 2)
    mixed = [(1 + cosine((np.asarray(a) + np.asarray(b)) / 2, centre)) / 2 for a, b in pairs]
    return single + sum(mixed) / len(pairs)


def cross_entropies(logits, target, weights):
    """Equation 15 of each utterance."""
    losses = []
    for row, k in zip(logits, target, strict=True):
        probability = [math.exp(value) / sum(map(math.exp, row)) for value in row]
        one_hot = [float(i == k) for i in range(len(row))]
        losses.append(
            -sum(w * y * math.log(p) for w, y, p in zip(weights, one_hot, probability, strict=True))
        )
    return losses
