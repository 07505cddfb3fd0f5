"""One run: everything that can change a figure, and nothing else; and its signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator

from bench._io import atomic_files
from bench._io.trees import iterate_leaves
from bench.specs.augment import Augment, Mix, Splice
from bench.specs.base import (
    Absent,
    Count,
    Length,
    NotNegative,
    OwnRate,
    Positive,
    Resolution,
    Share,
    Spec,
    digest,
)
from bench.specs.breath import Breath
from bench.specs.frontends import FrontEnd
from bench.specs.kinds import KindSettings
from bench.specs.systems import System
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, SAMPLE_RATE_HZ, to_samples

_ABSENT = Absent(kind="none")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
DataT = TypeVar("DataT", bound="Data")


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
    splice: Splice = _ABSENT
    """Put a region of an utterance of the opposite class into each clip. The frames, of 20 ms, are
    then labelled by it, spoof within the region, whatever labels the corpus has."""
    breath: Breath = _ABSENT
    """What says at which of the front-end's 20 ms hops someone breathes (`Batch.breath_mask`); the
    run's `breath` where a card does not say."""

    @property
    def parts(self) -> tuple[KindSettings, ...]:
        """The parts that come in kinds, those that are there."""
        return tuple(part for part in (self.splice, self.breath) if isinstance(part, KindSettings))


class TrainData(Data):
    """The training split, in clips; where frames are labelled, clips are cut on their grid."""

    clip_s: Positive
    """Length of a training clip in seconds."""
    crop: Literal["random", "first"] = "random"
    """Which part of an utterance longer than the clip: any, drawn anew each epoch, or its first."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the split's utterances that is trained on, of bona fide and of spoofed ones each,
    drawn by the run's seed; a smaller share is a part of a greater one."""


class HeldOutData(Data):
    """A split that is scored: selected by or reported for."""

    clip_s: Length = None
    """`whole` utterances, or the first so many seconds of each, filled up where it is shorter."""
    by: tuple[str, ...] = Field(default=(), strict=False)
    """Breakdowns that are logged of whole utterances: a field of the corpus (`attack`), or several
    with commas between (`attack,codec`)."""


class Adam(Spec):
    """Adam with coupled weight decay, as torch has it."""

    kind: Literal["adam", "adamw"]
    learning_rate: Positive
    frontend_learning_rate: OwnRate = None
    """Of the front-end's parameters; the `same` where it has none of its own."""
    weight_decay: NotNegative = 0.0


class StepSchedule(Spec):
    """Multiply the learning rate by `factor` every `every_epochs` epochs."""

    kind: Literal["step"]
    every_epochs: Count
    factor: Share


class ConstantSchedule(Spec):
    """Keep the learning rate."""

    kind: Literal["constant"]


class CosineSchedule(Spec):
    """Rise linearly for the first steps, then fall as half a cosine, a little each step."""

    kind: Literal["cosine"]
    warmup_share: Share = 0.0
    """Share of all steps in which the rate rises to its full value."""
    floor_share: Share = 0.0
    """Share of the full rate that is left at the end of the last epoch."""


Schedule = Annotated[StepSchedule | ConstantSchedule | CosineSchedule, Field(discriminator="kind")]


class KeepBest(Spec):
    """Keep the weights of the epoch that `select` finds best."""

    kind: Literal["best"]

    @property
    def averaged_epochs(self) -> int:
        """How many of the last epochs are averaged: none."""
        return 0


class KeepAverage(Spec):
    """Keep the mean of the weights after each of the last epochs, buffers too."""

    kind: Literal["average-last"]
    checkpoints: Count = 3

    @property
    def averaged_epochs(self) -> int:
        """How many of the last epochs are averaged."""
        return self.checkpoints


class TrainingSettings(Spec):
    """How long, how much at once, and which weights are kept."""

    epochs: Count
    minimum_epochs: Annotated[int, Field(ge=0)] = 0
    """Early stopping waits this long."""
    first_candidate: Count = 1
    """First epoch, counted from 1, that may be the best one: those before are neither kept nor does
    early stopping count from them."""
    patience: Count = 10
    """Epochs without a better `select` after which training stops."""
    select: Literal["dev.eer", "dev.loss", "train.loss"] = "dev.eer"
    """What is least at the best epoch: the EER, or the system's own loss, averaged over
    utterances (over the utterances' batches, where it weighs a batch by its classes)."""
    keep: Annotated[KeepBest | KeepAverage, Field(discriminator="kind")] = KeepBest(kind="best")
    batch_size: Count
    """Clips in a step, on all devices together."""
    accumulate: Count = 1
    """Parts that a step's clips are worked through in, one after the other, to need less memory."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    gradient_clip: NotNegative = 0.0
    """Largest norm of the gradient; 0 leaves it alone."""

    @model_validator(mode="after")
    def _whole_parts(self) -> TrainingSettings:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate = {self.accumulate}: should divide batch_size = {self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _a_candidate(self) -> TrainingSettings:
        if self.first_candidate > self.epochs:
            raise ValueError(
                f"first_candidate = {self.first_candidate}: should be at most epochs = "
                f"{self.epochs}, or no epoch could be kept"
            )
        return self


class EarlierTraining(Spec):
    """Start from the front-end of an earlier training, which is done first and kept on its own."""

    kind: Literal["stage"]
    carry: Literal["frontend"] = "frontend"
    """What is taken over: the front-end's weights, adapters and all."""
    stage: Run
    """That training. A card says in what it differs from the run that it is the start of."""

    @model_validator(mode="after")
    def _trains_only(self) -> EarlierTraining:
        if self.stage.evaluate:
            raise ValueError("stage.evaluate: an earlier training is not evaluated")
        if self.stage.start.kind != "none":
            raise ValueError("stage.start.kind: an earlier training has no earlier one")
        return self


_HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
_BEYOND_HOPS = RECEPTIVE_FIELD_SAMPLES - HOP_SAMPLES


class Run(Spec):
    """One row of a table, fully resolved.

    Frozen; two runs with equal fields have equal signatures.
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
    training: TrainingSettings
    evaluate: Mapping[str, HeldOutData]
    start: Annotated[Absent | EarlierTraining, Field(discriminator="kind")] = _ABSENT
    """What the training starts from beside the pretrained front-end."""
    breath: Breath = _ABSENT
    """The `breath` of each split that says nothing of it itself. No part of a signature: what
    counts is what each split has in the end."""

    @property
    def earlier(self) -> Run | None:
        """The training that this one starts from; None where it starts from none."""
        return self.start.stage if isinstance(self.start, EarlierTraining) else None

    @model_validator(mode="after")
    def _breaths_of_splits(self) -> Run:
        """Give the run's detector to the splits that name none."""

        def with_breath(data: DataT) -> DataT:
            is_stated = "breath" in data.model_fields_set
            return data if is_stated else data.model_copy(update={"breath": self.breath})

        evaluate = {name: with_breath(data) for name, data in self.evaluate.items()}
        train, dev = with_breath(self.train), with_breath(self.dev)
        return self.model_copy(update={"train": train, "dev": dev, "evaluate": evaluate})

    @property
    def parts(self) -> tuple[KindSettings, ...]:
        """The parts that come in kinds, those that are there, without those of its data."""
        parts = (self.system, self.frontend, self.augment, self.mix)
        return tuple(part for part in parts if isinstance(part, KindSettings))

    @property
    def data(self) -> dict[str, TrainData | HeldOutData]:
        """Every split that the run uses, by its dotted key."""
        held_out = {f"evaluate.{name}": data for name, data in self.evaluate.items()}
        return {"train": self.train, "dev": self.dev, **held_out}

    @model_validator(mode="after")
    def _names_that_files_can_have(self) -> Run:
        for name in self.evaluate:
            if not _NAME.fullmatch(name) or atomic_files.portable_name(name) != name:
                raise ValueError(
                    f"evaluate.{name!r}: files and results are called by this name: it should be "
                    "letters, digits, - and _, and no name of a device of Windows (con, nul)"
                )
        return self

    @model_validator(mode="after")
    def _check_consistency(self) -> Run:
        for where, data in self.data.items():
            _check_grid(where, data)
        if self.mix.kind == "none":
            return self
        if self.train.resolution_s is None or self.train.splice.kind != "none":
            raise ValueError(
                f"mix.kind = {self.mix.kind!r}: mixes frames with labels of the corpus, and train "
                "has none"
            )
        if self.train.breath.kind != "none":
            raise ValueError(
                f"mix.kind = {self.mix.kind!r}: cuts clips whose breaths are marked "
                f"(train.breath.kind = {self.train.breath.kind!r}): one of the two should be 'none'"
            )
        return self

    @property
    def signature(self) -> str:
        """Eight hexadecimal digits of everything that can change a figure of this run."""
        return digest(self, frozenset({"breath"}))

    @property
    def training_signature(self) -> str:
        """Eight hexadecimal digits of everything that can change the trained weights.

        Rows of different tables that differ only in what they are evaluated on share it, and train
        once.
        """
        return digest(self, frozenset({"breath", "evaluate"}))

    def flat_settings(self) -> dict[str, Any]:
        """Return the settings as dotted keys, e.g. `optimiser.learning_rate`."""
        leaves = iterate_leaves(self.model_dump(mode="json"))
        return {".".join(keys): value for keys, value in leaves}


def _check_grid(where: str, data: TrainData | HeldOutData) -> None:
    if data.splice.kind != "none" and (data.resolution_s != _HOP_S or data.clip_s is None):
        raise ValueError(
            f"{where}.splice.kind = {data.splice.kind!r}: labels frames of {_HOP_S} s in clips of "
            f"one length: {where}.resolution_s should be {_HOP_S}, and clip_s a number"
        )
    if data.splice.kind != "none" and to_samples(data.clip_s or 0.0) % HOP_SAMPLES < _BEYOND_HOPS:
        raise ValueError(
            f"{where}.clip_s = {data.clip_s}: with a splice should be at least 5 ms longer than a "
            "multiple of 20 ms, e.g. 4.0375, so that every whole 20 ms has its frame"
        )
    if data.splice.kind != "none" and data.breath.kind != "none":
        raise ValueError(
            f"{where}.breath.kind = {data.breath.kind!r}: should be 'none' with a splice"
        )
    on_frames = data.resolution_s is not None and data.splice.kind == "none"
    if data.resolution_s is not None and not _is_multiple(data.resolution_s, _HOP_S):
        raise ValueError(
            f"{where}.resolution_s = {data.resolution_s}: should be a multiple of "
            f"{_HOP_S} s, or `utterance`"
        )
    unit_s = (data.resolution_s if on_frames else None) or 1 / SAMPLE_RATE_HZ
    if data.clip_s is not None and not _is_multiple(data.clip_s, unit_s):
        unit = f"{where}.resolution_s" if on_frames else "the sample"
        raise ValueError(f"{where}.clip_s = {data.clip_s}: should be a multiple of {unit}")


def _is_multiple(value: float, unit: float) -> bool:
    return round(value / unit) >= 1 and abs(value / unit - round(value / unit)) < 1e-6


# Only now is `Run` there, which a stage holds.
EarlierTraining.model_rebuild()
Run.model_rebuild()
