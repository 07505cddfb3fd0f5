"""The interface of a system: waveforms in, logits and losses out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.segment_positions import IGNORED


class Batch(NamedTuple):
    """Clips with their frame labels; shorter ones are filled up to the longest.

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


def score_logits(
    logits: Tensor, score: Literal["bonafide-logit", "logit-difference"]
) -> Prediction:
    """Return logits, "batch frames 2", with the scores that are made of them."""
    bonafide, spoof = logits.unbind(-1)
    return Prediction(bonafide if score == "bonafide-logit" else bonafide - spoof, logits)


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


class WeighedSystem(System):
    """A system that learns the classes by a cross entropy that is weighted by class."""

    def weigh_classes(self, bonafide_weight: float) -> None:
        """Weigh bona fide so much in the loss, spoof as 1."""
        weights = torch.tensor([bonafide_weight, 1.0])
        self.register_buffer("class_weights", weights, persistent=False)
        self.class_weights: Tensor

    def class_losses(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of "batch frames 2" over what has a label, weighted by class.

        It is divided by the weights in the batch, as torch does and the released codes do.
        """
        target = batch.spoof.long().masked_fill(~batch.valid, IGNORED).flatten()
        with torch.autocast(logits.device.type, enabled=False):
            given = logits.flatten(0, 1)
            loss = F.cross_entropy(given, target, self.class_weights, ignore_index=IGNORED)
        return {"loss": loss}


class ClipSystem(WeighedSystem):
    """A system that gives one pair of logits for each clip."""

    @abstractmethod
    def clip_logits(self, waves: Tensor) -> Tensor:
        """Return "batch 2", float32, in the order of `bench.units.CLASSES`."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy over the utterances whose class is known, weighted by class."""
        return self.class_losses(self.clip_logits(batch.waves)[:, None], batch)


def refuse_frames(system: str, resolution_s: float | None) -> None:
    """Raise BenchError where frames are asked of a system that scores whole utterances."""
    if resolution_s is not None:
        raise BenchError(
            "model.resolution",
            f"{system} scores whole utterances: resolution_s = {resolution_s} should be "
            "'utterance'",
        )


def refuse_utterances(system: str, resolution_s: float | None) -> float:
    """Return `resolution_s`.

    Raise BenchError where one score for an utterance is asked of a system that scores frames.
    """
    if resolution_s is None:
        raise BenchError(
            "model.resolution",
            f"{system} scores frames: resolution_s = 'utterance' should be the length of a frame "
            "in seconds",
        )
    return resolution_s
