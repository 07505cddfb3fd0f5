"""TCA in loops over frames, channels and classes: its equations, which the module must equal."""

from __future__ import annotations

import math

import torch


def by_hand(model, waves, *, released):
    """Return z, S' and z' of each clip in loops over frames, channels and classes."""
    w = {name: value.double().tolist() for name, value in model.state_dict().items()}
    slope = 0.01 if released else 0.0

    def linear(x, name):
        weight, bias = w[f"{name}.weight"], w.get(f"{name}.bias")
        out = [sum(a * b for a, b in zip(row, x, strict=True)) for row in weight]
        return out if bias is None else [o + b for o, b in zip(out, bias, strict=True)]

    def stack(x, name):
        x = linear(x, f"{name}.linear")
        norm = [w[f"{name}.norm.{key}"] for key in ("running_mean", "running_var")]
        scale, shift = w[f"{name}.norm.weight"], w[f"{name}.norm.bias"]
        x = [
            (value - mean) / math.sqrt(var + 1e-5) * a + b
            for value, mean, var, a, b in zip(x, *norm, scale, shift, strict=True)
        ]
        return [value if value > 0 else slope * value for value in x]

    def softmax(x):
        total = sum(math.exp(value) for value in x)
        return [math.exp(value) / total for value in x]

    results = []
    for clip in model.frontend(waves)[-1].double().tolist():
        frames = [stack(stack(state, "stacks.0"), "stacks.1") for state in clip]
        n_frames, n_channels = len(frames), len(frames[0])
        # equations 1 and 2
        alpha = softmax([math.tanh(linear(frame, "token.score")[0]) for frame in frames])
        # equations 3 and 4
        mean, deviation = [], []
        for c in range(n_channels):
            mu = sum(a * frame[c] for a, frame in zip(alpha, frames, strict=True))
            square = sum(a * frame[c] ** 2 for a, frame in zip(alpha, frames, strict=True))
            mu = mu / n_frames if released else mu
            mean.append(mu)
            deviation.append(square - mu**2 if released else math.sqrt(max(square - mu**2, 1e-8)))
        rows = [*frames, linear(mean + deviation, "token.project")]
        channels = [[row[c] for row in rows] for c in range(n_channels)]
        # equation 5, then section 3.3.2
        vectors = [linear(channel, "channels") for channel in channels]
        n_classes = len(vectors[0])
        z = [
            linear([vector[k] for vector in vectors], "cav_head.linear")[0]
            for k in range(n_classes)
        ]
        # equation 7
        if released:
            gated = [linear(vector, "gate") for vector in vectors]
        else:
            gated = [[w["gate.weight"][0] * value for value in vector] for vector in vectors]
        m = [softmax([gated[c][k] for c in range(n_channels)]) for k in range(n_classes)]
        # equation 8
        temporal = [
            [z[k] * sum(row[c] * m[k][c] for c in range(n_channels)) for k in range(n_classes)]
            for row in rows
        ]
        # section 3.3.4
        final = [
            linear(
                [sum(row[k] for row in temporal[:-1]) / n_frames, temporal[-1][k]],
                "tca_head.linear",
            )[0]
            for k in range(n_classes)
        ]
        results.append((z, temporal, final))
    return [torch.tensor(part, dtype=torch.float64) for part in zip(*results, strict=True)]


def cross_entropies(logits, target):
    return [
        -math.log(math.exp(row[k]) / sum(map(math.exp, row)))
        for row, k in zip(logits.tolist(), target.tolist(), strict=True)
    ]
