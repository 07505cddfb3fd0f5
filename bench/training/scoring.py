"""Score the utterances of a split on all processes, and gather the scores without repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from bench._io import interrupts
from bench._io.child_processes import follow_parent
from bench.config import Config
from bench.data.subset import Subset
from bench.errors import RowFailed, make_stop
from bench.models.systems.base import Batch, Prediction, System
from bench.specs.augment import Augment
from bench.specs.corpus import Audio
from bench.specs.run import HeldOutData
from bench.training.data import ScoringBatch, Utterances
from bench.training.kept_features import KeptFeatures
from bench.training.reused_casts import reuse_casts
from bench.units import CLASSES


class Scorer(Protocol):
    """What scores waves: a `bench.models.systems.base.System`, or a model that only scores."""

    training: bool

    def eval(self) -> object:
        """Go to evaluation mode."""
        ...

    def train(self, mode: bool = True) -> object:
        """Go to training mode, or leave it."""
        ...

    def predict(
        self, waves: torch.Tensor, breath_mask: torch.Tensor, resolution_s: float | None
    ) -> Prediction:
        """Score waves as `System.predict`; a model without logits gives "batch frames 0"."""
        ...


class FrameScores(NamedTuple):
    """One utterance: score "frames", logits "frames 2", both float32; its length in seconds.

    A model that gives scores alone has no logits: "frames 0".
    """

    score: np.ndarray
    logits: np.ndarray
    duration_s: float


CPU_BATCH_S, DEV_BATCH_S = 40.0, 640.0
"""Seconds of audio in a batch that is scored on the CPU, and in one of the dev set on a GPU. The
dev loss depends on it where a loss weighs a batch by its classes, so that no GPU has its own."""
BYTES_PER_SECOND = 64_000_000
"""Memory for a second of audio. The first convolution of a large front-end gives 3,200 x 512
numbers a second, about four copies of which live at a time (26 MB); its 25 states take 5 MB; the
rest is for the system behind it."""
MEMORY_SHARE = 0.5
"""Of a GPU's memory: training, and the weights, have the rest."""


def fit_batch_s(total_bytes: float) -> float:
    """Return how many seconds of audio a GPU with so much memory scores at a time.

    >>> fit_batch_s(24e9), fit_batch_s(141e9)
    (187.5, 1101.5625)
    """
    return max(CPU_BATCH_S, MEMORY_SHARE * total_bytes / BYTES_PER_SECOND)


def _choose_batch_s(fabric: Fabric, config: Config, *, is_dev: bool) -> float:
    if config.speed.score_batch_s is not None and not is_dev:
        return config.speed.score_batch_s
    if fabric.device.type != "cuda":
        return CPU_BATCH_S
    if is_dev:
        return DEV_BATCH_S
    return fit_batch_s(torch.cuda.get_device_properties(fabric.device).total_memory)


def build_utterances(
    fabric: Fabric,
    subset: Subset,
    data: HeldOutData,
    audio: Audio,
    config: Config,
    augment: Augment | None = None,
    *,
    is_dev: bool = False,
) -> Utterances:
    """Return this process's share of `subset` in batches that suit the device."""
    batch_s = _choose_batch_s(fabric, config, is_dev=is_dev)
    share = (fabric.global_rank, fabric.world_size)
    return Utterances(subset, data, audio, batch_s, config, augment, share)


class RepeatedScoring(NamedTuple):
    """What is kept of a split that is scored after each epoch."""

    loader: DataLoader[ScoringBatch]
    features: KeptFeatures


def repeat_scoring(
    fabric: Fabric, system: System, share: Utterances, workers: int, config: Config
) -> RepeatedScoring:
    """Return a loader whose processes stay, and features of frozen convolutions."""
    most_bytes = 1e9 * config.speed.kept_features_gb
    return RepeatedScoring(
        _build_loader(fabric, share, workers, stays=True),
        KeptFeatures(system.frontend, most_bytes),
    )


def _build_loader(
    fabric: Fabric, share: Utterances, workers: int, *, stays: bool = False
) -> DataLoader[ScoringBatch]:
    return DataLoader(
        share,
        batch_size=None,
        num_workers=workers,
        pin_memory=fabric.device.type == "cuda",
        persistent_workers=stays and workers > 0,
        worker_init_fn=follow_parent,
    )


def score_utterances(
    fabric: Fabric,
    system: Scorer,
    share: Utterances,
    workers: int,
    each: Callable[[Batch], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    repeated: RepeatedScoring | None = None,
) -> dict[int, FrameScores]:
    """Return the scores of every utterance of the split, by its row in the table.

    Raise RowFailed, with the file's name, where a score is not finite. `each` is called with every
    batch of this process, the system being in evaluation mode. `progress` is called at the start
    and after each batch with how many utterances of its share are scored, and how many there are.
    Raise Stopped, in all processes, where one of them was asked to stop before it had all scores.
    """
    results: dict[int, FrameScores] = {}
    total = sum(map(len, share.batches))
    if progress is not None:
        progress(0, total)
    was_training = system.training
    system.eval()
    with reuse_casts(fabric, system, frozen_only=False):
        for scored in iterate_scores(fabric, system, share, workers, each, repeated):
            results |= scored
            if progress is not None:
                progress(len(results), total)
            if len(results) < total and interrupts.is_stop_asked():
                break
    system.train(was_training)
    results = _gather_scores(fabric, results if len(results) == total else None, share.subset)
    _require_finite(results, share.subset)
    return results


def iterate_scores(
    fabric: Fabric,
    system: Scorer,
    share: Utterances,
    workers: int,
    each: Callable[[Batch], None] | None = None,
    repeated: RepeatedScoring | None = None,
) -> Iterator[dict[int, FrameScores]]:
    """Yield the scores of each batch of a share, by their rows in the table.

    The system should be in evaluation mode. `each` is called with every batch.
    """
    loader, features = repeated or (_build_loader(fabric, share, workers), KeptFeatures(None, 0))
    for number, (indices, clips, heard_s) in enumerate(loader):
        with torch.inference_mode():
            batch = Batch(*(part.to(fabric.device, non_blocking=True) for part in clips))
            predict = partial(predict_batch, fabric, system, resolution_s=share.data.resolution_s)
            try:
                with features.of_batch(number):
                    answer = predict(batch)
            except torch.OutOfMemoryError:
                answer = _predict_by_halves(predict, batch)
            if each is not None:
                with features.of_batch(number):
                    each(batch)
        scored: dict[int, FrameScores] = {}
        for index, frames, logits, length_s in zip(indices, *answer, heard_s, strict=True):
            # A clip that was filled up has more frames than there are to score.
            n = len(share.labels[index])
            scored[index] = FrameScores(frames[:n], logits[:n], length_s)
        yield scored


def predict_batch(
    fabric: Fabric, system: Scorer, batch: Batch, resolution_s: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return score "batch frames" and logits "batch frames 2" as float32 arrays."""
    with fabric.autocast():
        answer = system.predict(batch.waves, batch.breath_mask, resolution_s)
    return answer.score.float().cpu().numpy(), answer.logits.float().cpu().numpy()


def _predict_by_halves(
    predict: Callable[[Batch], tuple[np.ndarray, np.ndarray]], batch: Batch
) -> tuple[np.ndarray, np.ndarray]:
    """Return the answers for a batch that does not fit the device's memory as a whole."""
    if len(batch.waves) == 1:
        return predict(batch)
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    for part in zip(*(tensor.chunk(2) for tensor in batch), strict=True):
        try:
            answers.append(predict(Batch(*part)))
        except torch.OutOfMemoryError:
            answers.append(_predict_by_halves(predict, Batch(*part)))
    score, logits = (np.concatenate(each) for each in zip(*answers, strict=True))
    return score, logits


def _gather_scores(
    fabric: Fabric, results: dict[int, FrameScores] | None, subset: Subset
) -> dict[int, FrameScores]:
    """Return the scores of all processes; a process that was asked to stop has None."""
    shares: list[dict[int, FrameScores] | None] = [results]
    if fabric.world_size > 1:
        shares *= fabric.world_size
        torch.distributed.all_gather_object(shares, results)
    gathered: dict[int, FrameScores] = {}
    for scored in shares:
        if scored is None:
            raise make_stop(f"stopped while {subset.corpus} {subset.split} was scored")
        gathered |= scored
    if len(gathered) != len(subset):
        raise RowFailed(
            "training.scores-incomplete",
            f"{subset.corpus} {subset.split}: only {len(gathered)} of {len(subset)} utterances "
            "were scored",
        )
    return dict(sorted(gathered.items()))


def _require_finite(results: Mapping[int, FrameScores], subset: Subset) -> None:
    """Raise where a score is not finite. Audio is, as it is read: the system is at fault."""
    bad = [index for index, scores in results.items() if not is_finite(scores)]
    if bad:
        raise RowFailed(
            "training.not-finite",
            f"{subset.corpus} {subset.split}: the scores of {len(bad)} of {len(subset)} utterances "
            f"are not finite, the first is {subset.audio_path(bad[0])}: the row was stopped. The "
            "audio is finite, so the system's weights are not, or its computation overflows",
        )


def is_finite(scores: FrameScores) -> bool:
    """Return whether scores and logits are finite numbers."""
    return bool(np.isfinite(scores.score).all() and np.isfinite(scores.logits).all())


def score_columns(share: Utterances, scores: Mapping[int, FrameScores]) -> dict[str, np.ndarray]:
    """Return the columns of the score file: one row a frame, utterances in the table's order.

    Where whole utterances are labelled, a row goes from 0 to the utterance's end. There are no
    logits where the model gives none.
    """
    subset, labels, resolution_s = share.subset, share.labels, share.data.resolution_s
    order = list(scores)
    counts = np.array([len(labels[i]) for i in order])
    number = np.concatenate([np.arange(n) for n in counts])
    length_s = np.repeat([scores[i].duration_s for i in order], counts)
    starts = number * (resolution_s or 0.0)
    logits = np.concatenate([scores[i].logits for i in order])
    spoof = np.concatenate([labels[i] for i in order])
    per_utterance = {
        name: np.repeat(subset.table[name].to_numpy(dtype=object)[order], counts)
        for name in ("utterance", "speaker", "attack")
    }
    return {
        **per_utterance,
        "start_s": starts,
        "end_s": length_s if resolution_s is None else starts + resolution_s,
        "label": np.array(CLASSES, dtype=object)[spoof.astype(int)],
        "score": np.concatenate([scores[i].score for i in order]),
        **dict(zip(("logit_bonafide", "logit_spoof"), logits.T, strict=False)),
    }
