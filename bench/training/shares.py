"""A share of a training split, for experiments with little training data.

Each class gives the same share of its utterances, so that the balance of the classes stays as it is
in the split. Utterances are ranked by the SHA-256 of seed and name, and the first ones are taken:
the draw depends on nothing but the seed and the names, and a smaller share is a part of a greater
one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.data.subset import Subset
from bench.errors import BenchError
from bench.specs.run import Run
from bench.units import CLASSES


def draw_share(subset: Subset, share: float, seed: int) -> Subset:
    """Return the share of `subset` that `seed` draws, in the protocol's order; all where it is 1.

    Of n utterances of a class, n times the share are drawn, rounded.
    """
    if share == 1.0:
        return subset
    rows = np.sort(np.concatenate([*_choose_rows(subset, share, seed)]))
    return subset.choose_rows(rows)


def _choose_rows(subset: Subset, share: float, seed: int) -> Iterator[NDArray[np.int64]]:
    names = subset.table["utterance"].tolist()
    rank = np.array([hashlib.sha256(f"{seed} {name}".encode()).hexdigest() for name in names])
    for rows in _by_class(subset):
        order = rows[np.argsort(rank[rows], kind="stable")]
        yield order[: count_drawn(len(rows), share)]


def _by_class(subset: Subset) -> list[NDArray[np.int64]]:
    labels = subset.table["label"].to_numpy(dtype=str)
    return [np.flatnonzero(labels == label) for label in CLASSES]


def count_drawn(utterances: int, share: float) -> int:
    """Return how many of a class's utterances are drawn.

    >>> count_drawn(2580, 0.2), count_drawn(7, 0.5)
    (516, 4)
    """
    return int(utterances * share + 0.5)


def require_share(subset: Subset, run: Run) -> None:
    """Raise unless the drawn share holds every class of the split, and a whole batch."""
    share = run.train.share
    if share == 1.0:
        return
    where = f"train.share = {share}: of {subset.corpus} {subset.split}"
    numbers = [(len(rows), count_drawn(len(rows), share)) for rows in _by_class(subset)]
    for label, (there, left) in zip(CLASSES, numbers, strict=True):
        if there and not left:
            raise BenchError(
                "training.share-too-small",
                f"{where} draws none of {there} {label} utterances: should be at least "
                f"{0.5 / there:.2g}",
            )
    left = sum(number for _, number in numbers)
    if left < run.training.batch_size:
        raise BenchError(
            "training.share-too-small",
            f"{where} draws {left} utterances, less than training.batch_size = "
            f"{run.training.batch_size}: one of the two should be changed",
        )


def describe_share(subset: Subset, share: float, seed: int) -> str:
    """Return a sentence on which share of the training split `subset` is drawn."""
    parts = [
        f"{count_drawn(len(rows), share):,} {label}"
        for label, rows in zip(CLASSES, _by_class(subset), strict=True)
    ]
    left = len(draw_share(subset, share, seed))
    return (
        f"trained on {left:,} of {len(subset):,} utterances of {subset.corpus} {subset.split} "
        f"({', '.join(parts)}), drawn by seed {seed}"
    )
