"""What frozen convolutions make of a split that is scored again and again, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from torch import Tensor

from bench.models.frontends.encoder import Encoder


class KeptFeatures:
    """Features of a split's batches, by their number, as far as `most_bytes` of memory hold them.

    They lie in the computer's memory, not on the device, in the precision that they were made in.
    """

    def __init__(self, encoder: object, most_bytes: float) -> None:
        self._encoder = encoder if isinstance(encoder, Encoder) and most_bytes else None
        self._left = most_bytes
        self._kept: dict[int, Tensor] = {}

    @contextmanager
    def of_batch(self, number: int) -> Iterator[None]:
        """Have the encoder recall, or keep, the features of a batch."""
        if self._encoder is None:
            yield
            return
        self._encoder.recall = partial(self._recall, number)
        try:
            yield
        finally:
            self._encoder.recall = None

    def _recall(self, number: int, compute: Callable[[], Tensor]) -> Tensor:
        if (features := self._kept.get(number)) is not None:
            assert self._encoder is not None
            return features.to(self._encoder.projection.weight.device, non_blocking=True)
        features = compute()
        if features.nbytes <= self._left:
            self._left -= features.nbytes
            self._kept[number] = features.to("cpu", copy=True)
        return features
