"""MFPT's merging and heads in loops over clips, layers, channels and hops, in NumPy and float64."""

from __future__ import annotations

import math

import numpy as np


def weights(module):
    """Return the state of a torch module as float64 arrays by name."""
    return {name: value.double().numpy() for name, value in module.state_dict().items()}


def below(w, name):
    """Return the weights below `name`."""
    return {key[len(name) + 1 :]: value for key, value in w.items() if key.startswith(f"{name}.")}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def silu(x):
    return x * sigmoid(x)


def relu(x):
    return np.maximum(x, 0.0)


def linear(w, x):
    """`x` is a vector."""
    return w["weight"] @ x + w.get("bias", 0.0)


def normalised(w, x):
    """Batch normalisation in evaluation: of a vector, or of "channels hops"."""
    out = np.empty_like(x)
    for c in range(len(x)):
        scale = w["weight"][c] / math.sqrt(w["running_var"][c] + 1e-5)
        out[c] = (x[c] - w["running_mean"][c]) * scale + w["bias"][c]
    return out


def convolution(w, x, dilation=1):
    """`x` is "channels hops"; zeros stand before and behind it."""
    channels, _, kernel = w["weight"].shape
    hops = x.shape[1]
    out = np.zeros((channels, hops))
    for c in range(channels):
        for t in range(hops):
            out[c, t] = w["bias"][c]
            for k in range(kernel):
                at = t + (k - kernel // 2) * dilation
                if 0 <= at < hops:
                    out[c, t] += w["weight"][c, :, k] @ x[:, at]
    return out


def convolved(w, x, dilation=1):
    return normalised(below(w, "2"), relu(convolution(below(w, "0"), x, dilation)))


def squeezed(w, x):
    """Squeeze-excitation."""
    means = np.array([channel.mean() for channel in x])
    gates = linear(below(w, "excite"), relu(linear(below(w, "squeeze"), means)))
    return np.array([sigmoid(g) * channel for g, channel in zip(gates, x, strict=True)])


def attentive_merging(w, states):
    """AttM of one clip: `states` are "hops dim", state 0 left out already. Return gates, merged."""
    told = [silu(float((w["attend.weight"] @ state.mean(axis=0))[0])) for state in states]
    inner = [silu(value) for value in w["squeeze.weight"] @ np.array(told)]
    gates = [sigmoid(value) for value in w["excite.weight"] @ np.array(inner)]
    merged = []
    for t in range(len(states[0])):
        side_by_side = np.concatenate(
            [gate * state[t] for gate, state in zip(gates, states, strict=True)]
        )
        hidden = linear(below(w, "project.0"), side_by_side)
        hidden = np.array([silu(value) for value in hidden])
        merged.append(linear(below(w, "project.2"), hidden))
    return gates, np.array(merged)


def res2_block(w, x, scale, dilation):
    parts = np.split(convolved(below(w, "widen"), x), scale)
    out, previous = [], 0.0
    for i in range(scale - 1):
        previous = convolved(below(w, f"parts.{i}"), parts[i] + previous, dilation)
        out.append(previous)
    narrowed = convolved(below(w, "narrow"), np.concatenate([*out, parts[-1]]))
    return x + squeezed(below(w, "gate"), narrowed)


def statistics_pooling(w, x):
    """`x` is "channels hops"; return the means and then the deviations."""
    means = [channel.mean() for channel in x]
    deviations = [
        math.sqrt(max(1e-4, sum((v - m) ** 2 for v in channel) / len(channel)))
        for channel, m in zip(x, means, strict=True)
    ]
    context = np.array([[*frame, *means, *deviations] for frame in x.T]).T
    scores = convolution(below(w, "score"), np.tanh(convolved(below(w, "hidden"), context)))
    mean, deviation = [], []
    for channel, score in zip(x, scores, strict=True):
        alpha = [math.exp(s) / sum(math.exp(o) for o in score) for s in score]
        mu = sum(a * v for a, v in zip(alpha, channel, strict=True))
        square = sum(a * v * v for a, v in zip(alpha, channel, strict=True))
        mean.append(mu)
        deviation.append(math.sqrt(max(1e-4, square - mu * mu)))
    return np.array(mean + deviation)


def ecapa(w, x, scale, dilations):
    """`x` is "hops dim" of one clip; return its logits."""
    first = convolved(below(w, "first"), x.T)
    outcomes = []
    for i, dilation in enumerate(dilations):
        before = first + sum(outcomes)
        outcomes.append(res2_block(below(w, f"blocks.{i}"), before, scale, dilation))
    aggregated = relu(convolution(below(w, "aggregate"), np.concatenate(outcomes)))
    pooled = statistics_pooling(below(w, "pool"), aggregated)
    embedded = linear(below(w, "embed.1"), normalised(below(w, "embed.0"), pooled))
    return linear(below(w, "classify"), normalised(below(w, "embed.2"), embedded))


def weighted_res2(w, x, scale, dilation):
    convolved_parts = convolved(below(w, "widen"), x)
    width = len(convolved_parts) // scale
    parts = [convolved_parts[i * width : (i + 1) * width] for i in range(scale)]
    pile, out = [parts[-1]], []
    for i in range(scale - 1):
        pile = [convolved(below(w, f"parts.{i}"), part, dilation) for part in [*pile, parts[i]]]
        shares = w[f"weights.{i}"]
        assert len(shares) == len(pile) == i + 2
        out.append(sum(share * part for share, part in zip(shares, pile, strict=True)))
    narrowed = convolved(below(w, "narrow"), np.concatenate([*out, parts[-1]]))
    return x + squeezed(below(w, "gate"), narrowed)


def nes2net(w, x, groups, scale, dilation):
    """`x` is "hops dim" of one clip; return its logits."""
    parts, out, previous = np.split(x.T, groups), [], 0.0
    for i in range(groups - 1):
        inner = weighted_res2(below(w, f"inner.{i}"), parts[i] + previous, scale, dilation)
        previous = normalised(below(w, f"norms.{i}"), relu(inner))
        out.append(previous)
    joined = relu(normalised(below(w, "norm"), np.concatenate([*out, parts[-1]])))
    return linear(below(w, "classify"), np.array([channel.mean() for channel in joined]))


def lstm(w, x):
    """`x` is "hops dim" of one clip; return its logits."""
    units = w["lstm.weight_hh_l0"].shape[1]
    hidden, cell, states = np.zeros(units), np.zeros(units), []
    for frame in x:
        gates = (
            w["lstm.weight_ih_l0"] @ frame
            + w["lstm.bias_ih_l0"]
            + w["lstm.weight_hh_l0"] @ hidden
            + w["lstm.bias_hh_l0"]
        )
        admit, forget, new, show = np.split(gates, 4)
        admit, forget, show = (
            np.array([sigmoid(value) for value in gate]) for gate in (admit, forget, show)
        )
        cell = forget * cell + admit * np.tanh(new)
        hidden = show * np.tanh(cell)
        states.append(hidden)
    return linear(below(w, "classify"), np.mean(states, axis=0))
