"""How the parts of each system are connected, for its diagram. Shapes are those of the paper's
clips; B is the batch, D the width of the front-end's states (1024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.specs.run import Run
from bench.specs.systems.composed import Composed
from bench.units import to_samples
from generate.diagrams import Box

NETWORKS: Mapping[str, Sequence[Box]] = {
    "sal": (
        Box("waves", 0, 0.5, "waveform, 4 s", "(B, 64000)"),
        Box(
            "frontend",
            1,
            0.5,
            "front-end: XLS-R 300M or WavLM",
            "25 states, each (B, 200, D)",
            ("waves",),
        ),
        Box("layers", 2, 0.5, "layer weighting (from S1 on)", "(B, 200, D)", ("frontend",)),
        Box("context", 3, 0.5, "Conformer, 2 blocks (from S2 on)", "(B, 200, D)", ("layers",)),
        Box("pool", 4, 0.5, "average pooling to 160 ms", "(B, 25, D)", ("context",)),
        Box("binary", 5, 0, "head: bona fide or spoof", "logits (B, 25, 2)", ("pool",)),
        Box(
            "auxiliary",
            5,
            1,
            "head: position in the segment",
            "(B, 25, 8), S5 to S8",
            ("pool",),
            True,
        ),
        Box("score", 6, 0, "score: difference of the logits", "(B, 25)", ("binary",)),
    ),
    "tca": (
        Box("waves", 0, 0.5, "waveform, 4 s", "(B, 64000)"),
        Box("frontend", 1, 0.5, "front-end: XLS-R 300M", "last state (B, 199, D)", ("waves",)),
        Box(
            "stacks",
            2,
            0.5,
            "2 × (linear, norm, ReLU, dropout)",
            "frames (B, 199, 128)",
            ("frontend",),
        ),
        Box("token", 3, 0.5, "+ utterance token", "S (B, 200, 128)", ("stacks",)),
        Box("vectors", 4, 0, "channel attention vectors", "A (B, 128, 3)", ("token",)),
        Box("first", 5, 0, "classifier on A, gate", "z (B, 3), M (B, 128, 3)", ("vectors",)),
        Box("temporal", 6, 0.5, "temporal class activation", "S′ (B, 200, 3)", ("token", "first")),
        Box("second", 7, 0.5, "classifier on S′", "z′ (B, 3)", ("temporal",)),
        Box("score", 8, 0.5, "score: log-odds of bona fide", "(B,)", ("second",)),
    ),
    "breathnet": (
        Box("waves", 0, 0.5, "waveform, 64,600 samples", "(B, 64600)"),
        Box("breath", 1, 2, "breath detector", "breath mask (B, 201)"),
        Box("frontend", 1, 1, "front-end: XLS-R 300M", "24 states, each (B, 201, D)", ("waves",)),
        Box("frequency", 1, 0, "frequency branch: sinc filters", "x_freq (B, 32, D)", ("waves",)),
        Box("layers", 2, 1, "sensitive layers (eq. 1–3)", "(B, 201, D)", ("frontend",)),
        Box("film", 3, 1, "BreathFiLM (eq. 5, 6)", "x_temp (B, 201, D)", ("layers", "breath")),
        Box(
            "fusion",
            4,
            0.5,
            "cross-attention (eq. 7, 8)",
            "x_fuse (B, 32, D)",
            ("frequency", "film"),
        ),
        Box("lstm", 5, 0.5, "2 BiLSTMs, mean over tokens", "(B, 512)", ("fusion",)),
        Box("refine", 6, 1.5, "feature losses (eq. 9–14)", "", ("lstm",), True),
        Box("last", 6, 0.5, "linear layer", "logits (B, 2)", ("lstm",)),
        Box("score", 7, 0.5, "score: difference of the logits", "(B,)", ("last",)),
    ),
    "mfpt": (
        Box("mixed", 0, 0, "stage 1: clip with a foreign region", "(B, 64600)"),
        Box("first", 1, 0, "front-end with adapters (LoRA)", "last state (B, 201, D)", ("mixed",)),
        Box("frames", 2, 0, "linear layer: injected or not", "(B, 201)", ("first",), True),
        Box("waves", 0, 1, "stage 2: clip", "(B, 64600)"),
        Box("frontend", 1, 1, "the front-end of stage 1", "L + 1 states (B, 201, D)", ("waves",)),
        Box("merge", 2, 1, "attentive merging of the states", "(B, 201, D)", ("frontend",)),
        Box("head", 3, 1, "head: ECAPA, LSTM or Nes2Net", "logits (B, 2)", ("merge",)),
        Box("score", 4, 1, "score: difference of the logits", "(B,)", ("head",)),
    ),
    "aasist": (
        Box("waves", 0, 0.5, "waveform, 64,600 samples", "(B, 64600)"),
        Box("sinc", 1, 0.5, "fixed filters, magnitude, maxima", "(B, 1, 23, 21490)", ("waves",)),
        Box("blocks", 2, 0.5, "6 residual blocks", "(B, 64, 23, 29)", ("sinc",)),
        Box("spectral", 3, 0, "maxima over time, graph attention", "11 nodes of 64", ("blocks",)),
        Box("temporal", 3, 1, "maxima over bands, graph attention", "20 nodes of 64", ("blocks",)),
        Box(
            "branches",
            4,
            0.5,
            "2 branches of heterogeneous attention",
            "stack node, nodes of 32",
            ("spectral", "temporal"),
        ),
        Box("readout", 5, 0.5, "greatest of both, maxima and means", "(B, 160)", ("branches",)),
        Box("classify", 6, 0.5, "linear layer", "logits (B, 2)", ("readout",)),
        Box("score", 7, 0.5, "score: the bona fide logit", "(B,)", ("classify",)),
    ),
    "multi-reso": (
        Box("waves", 0, 1, "waveform, 9.6 s", "(B, 153600)"),
        Box("frontend", 1, 1, "front-end: wav2vec 2.0 Large", "25 states (B, 480, D)", ("waves",)),
        Box("first", 2, 1, "states weighted by a softmax", "20 ms: (B, 480, D)", ("frontend",)),
        Box("next", 3, 1, "maxima of 2 × 2, linear layer", "40 ms: (B, 240, D/2)", ("first",)),
        Box("last", 4, 1, "the same four times more", "640 ms: (B, 15, D/32)", ("next",)),
        Box("fine", 3, 0, "5 gMLP blocks, linear layer", "(B, 480, D/2)", ("first",)),
        Box("coarse", 4, 0, "5 gMLP blocks, linear layer", "(B, 240, D/4)", ("next",)),
        Box("coarsest", 5, 0.5, "5 gMLP blocks, linear layer", "(B, 15, D/64)", ("last",)),
        Box("whole", 5, 1.5, "dropout, 5 gMLP blocks, mean", "(B, 1, D/64)", ("last",)),
        Box(
            "cosines",
            6,
            0.5,
            "cosines to two class vectors each",
            "(B, 480, 2) ... (B, 15, 2), (B, 1, 2)",
            ("fine", "coarse", "coarsest", "whole"),
        ),
        Box("score", 7, 0.5, "score: cosine to bona fide", "of the scale asked for", ("cosines",)),
    ),
    "bam": (
        Box("waves", 0, 0.5, "waveform, 4 s", "(B, 64000)"),
        Box(
            "frontend",
            1,
            0.5,
            "front-end: WavLM-Large or XLS-R",
            "last state (B, 200, D)",
            ("waves",),
        ),
        Box("pool", 2, 0.5, "attentive mean over 8 states", "frames (B, 25, D)", ("frontend",)),
        Box("inter", 3, 0, "among frames: graph attention", "(B, 25, D)", ("pool",)),
        Box("intra", 3, 1, "within frames: residual network", "(B, 25, D)", ("pool",)),
        Box("boundary", 4, 0.5, "boundaries", "(B, 25)", ("inter", "intra")),
        Box(
            "graphs",
            5,
            1,
            "2 × graph attention between boundaries",
            "(B, 25, D)",
            ("pool", "boundary"),
        ),
        Box("hint", 5, 0, "linear layer, SELU", "(B, 25, D)", ("inter", "intra")),
        Box("classify", 6, 0.5, "linear layer", "logits (B, 25, 2)", ("graphs", "hint")),
        Box("score", 7, 0.5, "score: the bona fide logit", "(B, 25)", ("classify",)),
    ),
    "cfprf": (
        Box("waves", 0, 0.5, "waveform, 9.6 s", "(B, 153600)"),
        Box("frontend", 1, 0.5, "front-end: XLS-R 300M", "last state (B, 480, D)", ("waves",)),
        Box("project", 2, 0.5, "linear layer: image of bands", "(B, 1, 480, 128)", ("frontend",)),
        Box("blocks", 3, 0.5, "6 residual blocks", "(B, 128, 480, 128)", ("project",)),
        Box("weigh", 4, 0.5, "weighted sums over bands, channels", "(B, 480, 128)", ("blocks",)),
        Box("contrast", 5, 2, "contrastive loss", "", ("weigh",), True),
        Box("bounds", 5, 1, "gated block with attention", "(B, 480, 128)", ("weigh",)),
        Box("boundary", 6, 2, "linear layer: boundaries", "(B, 480, 2)", ("bounds",), True),
        Box("cross", 6, 0.5, "cross-attention, feed-forward", "(B, 480, 128)", ("weigh", "bounds")),
        Box("frames", 7, 0.5, "gated block with attention", "(B, 480, 128)", ("cross",)),
        Box("classify", 8, 0.5, "linear layer", "logits (B, 480, 2)", ("frames",)),
        Box("score", 9, 0.5, "score: the bona fide output", "(B, 480)", ("classify",)),
    ),
}


def compose_boxes(run: Run) -> Sequence[Box]:
    """Return the diagram of a composed system, as its settings say."""
    system = run.system
    if not isinstance(system, Composed):
        raise ValueError(f"{system.kind}: has no diagram in docs/generate/networks.py")
    score = (
        "the bona fide logit" if system.score == "bonafide-logit" else "difference of the logits"
    )
    layers = {
        "last": "the last state",
        "weighted": "sum of all states, a learnt weight each",
        "sensitive": "sensitive layers: weights by clip",
        "attentive": "attentive merging of the states",
        "all": "all states",
    }
    clip_s = run.train.clip_s
    clip = "whole" if clip_s is None else f"{to_samples(clip_s):,} samples"
    merged = layers.get(system.layers.kind, f"layers: {system.layers.kind}")
    return (
        Box("waves", 0, 0, f"waveform, {clip}"),
        Box("frontend", 1, 0, f"front-end: {run.frontend.kind}", "states (B, hops, D)", ("waves",)),
        Box("layers", 2, 0, merged, "", ("frontend",)),
        Box("head", 3, 0, f"head: {system.head.kind}", "logits (B, 2)", ("layers",)),
        Box("score", 4, 0, f"score: {score}", "(B,)", ("head",)),
    )
