"""One run: everything that can change a figure, and nothing else; and its signature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from bench.specs.augment import Augment, Mix
from bench.specs.base import Count, Length, NotNegative, Positive, Resolution, Share, Spec
from bench.specs.frontends import FrontEnd
from bench.specs.systems import System
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ


class Data(Spec):
    """A split of a corpus as it is trained on, selected by or reported for."""

    corpus: str
    split: str
    resolution_s: Resolution
    """Length of one labelled frame in seconds, or `utterance`: one label for a whole clip."""
    label_rule: Literal["any-spoof", "floor"] = "any-spoof"
    """How spans become frames: spoof where any sample is (PartialSpoof's rule), or both ends
    floored (released SAL on HAD and LlamaPartialSpoof: spans shift left by up to a frame). Official
    frame vectors are taken as they are."""
    fill: Literal["zeros", "repeat"] = "zeros"
    """What follows an utterance that is shorter than its clip: zeros, which frame labels mask, or
    the utterance again, as often as need be, with its labels."""


class TrainData(Data):
    """The training split, in clips; where frames are labelled, clips are cut on their grid."""

    clip_s: Positive
    """Length of a training clip in seconds."""
    crop: Literal["random", "first"] = "random"
    """Which part of an utterance longer than the clip: any, drawn anew each epoch, or its first."""


class HeldOutData(Data):
    """A split that is scored: selected by or reported for."""

    clip_s: Length = None
    """`whole` utterances, or the first so many seconds of each, filled up where it is shorter."""


class Adam(Spec):
    """Adam with coupled weight decay, as torch has it."""

    kind: Literal["adam", "adamw"]
    learning_rate: Positive
    weight_decay: NotNegative = 0.0


class StepSchedule(Spec):
    """Multiply the learning rate by `factor` every `every_epochs` epochs."""

    kind: Literal["step"]
    every_epochs: Count
    factor: Share


class ConstantSchedule(Spec):
    """Keep the learning rate."""

    kind: Literal["constant"]


Schedule = Annotated[StepSchedule | ConstantSchedule, Field(discriminator="kind")]


class Training(Spec):
    """How long, how much at once, and which checkpoint is kept (always the best on dev)."""

    epochs: Count
    minimum_epochs: Annotated[int, Field(ge=0)] = 0
    """Early stopping waits this long."""
    patience: Count = 10
    """Epochs without a better `select` after which training stops."""
    select: Literal["dev.eer", "dev.loss"] = "dev.eer"
    """What is least at the best epoch: the EER, or the system's own loss, averaged over
    utterances (over the utterances' batches, where it weighs a batch by its classes).
    """
    batch_size: Count
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    gradient_clip: NotNegative = 0.0
    """Largest norm of the gradient; 0 leaves it alone."""


_HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ


class Run(Spec):
    """One row of a table, fully resolved. Frozen; two runs with equal fields have equal
    signatures.
    """

    form: Literal["paper", "smoke"]
    """`smoke`: small, on the miniature corpora, to see that everything works; never a result."""
    system: System
    frontend: FrontEnd
    augment: Augment
    mix: Mix
    train: TrainData
    dev: HeldOutData
    optimiser: Adam
    schedule: Schedule
    training: Training
    evaluate: Mapping[str, HeldOutData]

    @model_validator(mode="after")
    def _on_the_grid(self) -> Run:
        for name, data in [("train", self.train), ("dev", self.dev), *self.evaluate.items()]:
            where = name if name in ("train", "dev") else f"evaluate.{name}"
            unit_s = data.resolution_s or 1 / SAMPLE_RATE_HZ
            if data.resolution_s is not None and not _is_multiple(data.resolution_s, _HOP_S):
                raise ValueError(
                    f"{where}.resolution_s = {data.resolution_s}: should be a multiple of "
                    f"{_HOP_S} s, or `utterance`"
                )
            if data.clip_s is not None and not _is_multiple(data.clip_s, unit_s):
                of = "the sample" if data.resolution_s is None else f"{where}.resolution_s"
                raise ValueError(f"{where}.clip_s = {data.clip_s}: should be a multiple of {of}")
        if self.train.resolution_s is None and self.mix.kind != "none":
            raise ValueError(
                f"mix.kind = {self.mix.kind!r}: mixes labelled frames, and "
                "train.resolution_s = 'utterance' has none"
            )
        return self

    @property
    def signature(self) -> str:
        """Eight hexadecimal digits of everything that can change a figure of this run."""
        return _digest(self.model_dump(mode="json"))

    @property
    def training_signature(self) -> str:
        """Eight hexadecimal digits of everything that can change the trained weights.

        Rows of different tables that differ only in what they are evaluated on share it, and train
        once.
        """
        return _digest(self.model_dump(mode="json", exclude={"evaluate": True}))

    def flat(self) -> dict[str, Any]:
        """Return the settings as dotted keys, e.g. `optimiser.learning_rate`."""
        return dict(_flatten(self.model_dump(mode="json")))


def _is_multiple(value: float, unit: float) -> bool:
    return round(value / unit) >= 1 and abs(value / unit - round(value / unit)) < 1e-6


def _digest(settings: dict[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
