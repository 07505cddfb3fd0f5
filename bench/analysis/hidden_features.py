"""Hidden features of a trained row, and their t-SNE embedding (BreathNet's Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from torch import Tensor, nn
from torch.utils.data import DataLoader

from bench._io.child_processes import follow_parent
from bench.analysis.gradcam import find_module
from bench.analysis.trained_rows import LoadedRow
from bench.cards import corpus_cards as corpora
from bench.config import Config
from bench.errors import BenchError, near_name
from bench.models.systems.base import Batch, System
from bench.training import engine
from bench.training.scoring import build_utterances
from bench.units import ATTACK_TYPES

PAPERS_MOST = "21LA=40000,21DF=40000"
"""What the paper draws of each evaluation (section IV.E); all of the others."""
_FEWEST = 5
"""Items that t-SNE needs."""
_PERPLEXITY = 30.0


class HiddenFeatures(NamedTuple):
    """Features of utterances, or of frames where those are scored."""

    features: NDArray[np.float32]
    """(n, dim)"""
    is_spoof: NDArray[np.bool_]
    """(n,)"""
    n_available: int
    """How many there are in all, of which n were drawn."""
    layer: str
    """The module whose input they are."""


class _Sample(NamedTuple):
    """Which frames of which utterances were drawn."""

    frames: Mapping[int, NDArray[np.int64]]
    """By the utterance's row in the table."""
    n_available: int


def extract_features(
    row: LoadedRow, evaluation: str, most: int | None, layer: str | None, config: Config
) -> HiddenFeatures:
    """Return the input of `layer` for an evaluation's utterances, or frames where those are scored.

    At most `most` of them are drawn, from the row's seed; all where `most` is None. `layer` is a
    module's dotted name; None: `last_linear_layer`, whose input is the last hidden feature. In
    BreathNet that is the output of its BiLSTMs; z of its losses, the mean of the fused features, is
    the input of `recurrent`. Raise BenchError where the system has no such layer.
    """
    data, subset = row.run.evaluate[evaluation], row.evaluation_subset(evaluation)
    fabric = engine.make_fabric(config.for_one_device(), row.run.training.precision)
    audio = corpora.read_corpus_card(subset.corpus).audio
    share = build_utterances(fabric, subset, data, audio, config)
    drawn = _draw_frames([len(labels) for labels in share.labels], most, row.seed)
    share.batches = [
        chosen for batch in share.batches if (chosen := [i for i in batch if i in drawn.frames])
    ]
    system = row.load_system(config).to(fabric.device)
    features: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.bool_]] = []
    name = layer
    workers = config.loader_workers(fabric.device.type)
    loader = DataLoader(share, batch_size=None, num_workers=workers, worker_init_fn=follow_parent)
    for indices, clips, _ in loader:
        batch = Batch(*(part.to(fabric.device) for part in clips))
        name = name or last_linear_layer(system, batch, data.resolution_s)
        with fabric.autocast():
            inputs = layer_input(system, batch, data.resolution_s, name)
        for index, of_utterance in zip(indices, inputs, strict=True):
            frames = drawn.frames[index]
            features.append(of_utterance[frames].float().cpu().numpy())
            labels.append(share.labels[index][frames])
    return HiddenFeatures(
        np.concatenate(features), np.concatenate(labels), drawn.n_available, name or ""
    )


def embed_features(features: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Return t-SNE's places in the plane, (n, 2), of features (n, dim), from `seed`.

    The perplexity, of which the paper says nothing, is scikit-learn's 30, or less where there are
    few features. BenchError for fewer than five, or all alike.
    """
    n, dim = features.shape
    if n < _FEWEST or dim < 2 or not np.ptp(features, axis=0).any():
        raise BenchError(
            "analysis.too-few-features",
            f"{n} features of {dim} numbers: t-SNE needs five or more, of two numbers or more, and "
            "not all alike",
        )
    perplexity = min(_PERPLEXITY, (n - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


def parse_limits(asked: str, names: Mapping[str, str]) -> dict[str, int | None]:
    """Return how many items of each evaluation are drawn at most, None for all of them.

    `asked` is one number for all, or numbers by evaluation: `21LA=40000,21DF=40000`; `names` are
    the evaluations' keys and what they are called, either of which it may say, in any case. Those
    that the row lacks are left out only by the default `PAPERS_MOST`. BenchError for other words,
    and for fewer than five.
    """
    if asked.strip().isdecimal():
        return dict.fromkeys(names, _parse_count(asked))
    by_word = {word.lower(): key for pair in names.items() for key in pair[:1] for word in pair}
    numbers: dict[str, int | None] = dict.fromkeys(names)
    for part in filter(None, (part.strip() for part in asked.split(","))):
        word, equals, number = part.partition("=")
        if not equals or not number.strip().isdecimal():
            raise BenchError(
                "option.invalid", f"--max-points {part!r}: should be a number, or e.g. 21LA=40000"
            )
        key = by_word.get(word.strip().lower())
        if key is not None:
            numbers[key] = _parse_count(number)
        elif asked != PAPERS_MOST:
            hint = near_name(word.strip(), names.values())
            raise BenchError(
                "row.no-such-evaluation",
                f"--max-points {part!r}: the row has no such evaluation{hint}",
            )
    return numbers


def _parse_count(number: str) -> int:
    if int(number) < _FEWEST:
        raise BenchError(
            "option.invalid", f"--max-points {number.strip()}: should be {_FEWEST} or more"
        )
    return int(number)


def last_linear_layer(system: System, batch: Batch, resolution_s: float | None) -> str:
    """Return the name of the last linear layer that runs while the system answers.

    Layers with no more inputs than there are kinds of speech weigh logits and do not count. Raise
    BenchError where there is none.
    """
    ran: list[str] = []
    handles = [
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, part in system.named_modules()
        if isinstance(part, nn.Linear) and part.in_features > len(ATTACK_TYPES)
    ]
    try:
        with torch.inference_mode():
            system.predict(batch.waves[:1], batch.breath_mask[:1], resolution_s)
    finally:
        for handle in handles:
            handle.remove()
    if not ran:
        raise BenchError(
            "analysis.unusable-layer",
            "the system has no linear layer that runs: name a layer (--layer)",
        )
    return ran[-1]


def layer_input(system: System, batch: Batch, resolution_s: float | None, layer: str) -> Tensor:
    """Return the input of `layer` as "batch frames dim".

    It has one line a frame where the layer has as many as the system scores, else the mean of each
    utterance on every line.
    """
    inputs: list[Tensor] = []

    def keep(_part: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs[:] = [arguments[0]]

    handle = find_module(system, layer).register_forward_pre_hook(keep)
    try:
        with torch.inference_mode():
            frames = system.predict(batch.waves, batch.breath_mask, resolution_s).score.shape[1]
    finally:
        handle.remove()
    if not inputs:
        raise BenchError(
            "analysis.unusable-layer", f"layer {layer!r} does not run while the system answers"
        )
    (states,) = inputs
    if states.ndim == 3 and states.shape[1] == frames:
        return states
    mean = states.flatten(1, -2).mean(dim=1) if states.ndim > 2 else states
    return mean[:, None].expand(-1, frames, -1)


def _draw_frames(counts: list[int], most: int | None, seed: int) -> _Sample:
    """Draw at most `most` frames (None: all), without repeats, of utterances of `counts` frames."""
    ends = np.cumsum(counts)
    total = int(ends[-1])
    rng = np.random.default_rng(seed)
    chosen = (
        np.arange(total)
        if most is None or total <= most
        else np.sort(rng.choice(total, most, replace=False))
    )
    utterance = np.searchsorted(ends, chosen, side="right")
    frame = chosen - (ends - counts)[utterance]
    names, begins = np.unique(utterance, return_index=True)
    parts = [part.astype(np.int64) for part in np.split(frame, begins[1:])]
    return _Sample(dict(zip(names.tolist(), parts, strict=True)), total)
