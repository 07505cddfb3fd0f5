"""The interface of a system: waveforms in, logits and losses out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

from bench.models.frontends import FrontEnd


class Batch(NamedTuple):
    """Clips of one length with their frame labels.

    Where whole utterances are labelled, one frame is the whole clip.
    """

    waves: Tensor
    """"batch samples", float, 16 kHz; whole frames."""
    spoof: Tensor
    """"batch frames", bool."""
    valid: Tensor
    """"batch frames", bool: False on padding, which is never learnt from."""
    attack_type: Tensor
    """"batch", long: index into `bench.units.ATTACK_TYPES`, or `segment_positions.IGNORED`
    where it is not known whether an utterance is text-to-speech or voice conversion."""
    breath_mask: Tensor
    """"batch hops", bool, a hop each 20 ms: whether someone breathes in the middle of what the
    front-end's state hears, by the detector that the data names; False throughout where it names
    none."""


class Prediction(NamedTuple):
    """The scores and logits of a batch, a frame at a time."""

    score: Tensor
    """"batch frames": higher means more bona fide."""
    logits: Tensor
    """"batch frames 2" in the order of `bench.units.CLASSES`."""


class System(nn.Module, ABC):
    """A trainable system. Nothing in the engine knows which one it holds."""

    frontend: FrontEnd
    """Its parameters may have a learning rate of their own, or come from an earlier training."""
    fixed_s: float | None = None
    """The one length of clips in seconds that the system takes; None: any length."""
    needs_attack_type: bool = False
    """Whether it learns text-to-speech from voice conversion: `Batch.attack_type` of a spoofed clip
    may then not be unknown."""
    needs_breath_mask: bool = False
    """Whether `Batch.breath_mask` must come from a detector."""

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return scalar losses by name; `loss` is the one to minimise, the others are its parts."""

    @abstractmethod
    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:
        """Score `waves`, "batch samples", whole frames, with their `Batch.breath_mask`.

        There is one score for each `resolution_s`; None: one for each clip.
        """
