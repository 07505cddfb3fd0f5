"""How a run is trained: optimiser, schedule, epochs, which weights are kept, or not at all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bench.specs.base import SIGNATURE, Absent, Count, NotNegative, OwnRate, Positive, Share, Spec
from bench.specs.precision import SIGNED_NAMES, Precision, PrecisionName


class Adam(Spec):
    """Adam with coupled weight decay (torch.optim.Adam)."""

    kind: Literal["adam", "adamw"]
    learning_rate: Positive
    frontend_learning_rate: OwnRate = None
    """Learning rate of the front-end, or `same`."""
    frontend_first_epoch: Count = 1
    """First epoch, counted from 1, in which the front-end learns: before, its rate is 0."""
    weight_decay: NotNegative = 0.0

    @model_serializer(mode="wrap")
    def _write(
        self, write: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Leave out of a signature what came when rows had signatures, at its default."""
        content = write(self)
        if info.context == SIGNATURE and self.frontend_first_epoch == 1:
            del content["frontend_first_epoch"]
        return content


class NoOptimiser(Adam):
    """Stands where nothing is trained; it is written as `{ kind = "none" }`."""

    kind: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 0.0

    @model_serializer(mode="wrap")
    def _write(
        self, write: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        del write, info
        return {"kind": "none"}


class StepSchedule(Spec):
    """Multiply the learning rate by `factor` every `every_epochs` epochs."""

    kind: Literal["step"]
    every_epochs: Count
    factor: Share


class ConstantSchedule(Spec):
    """Constant learning rate."""

    kind: Literal["constant"]


class CosineSchedule(Spec):
    """Linear warm-up, then half a cosine down, step by step."""

    kind: Literal["cosine"]
    warmup_share: Share = 0.0
    """Share of all steps for the warm-up."""
    floor_share: Share = 0.0
    """Final learning rate, as a share of the full one."""


class ExponentialSchedule(Spec):
    """Linear warm-up to the full learning rate, then `factor` times as much after each epoch."""

    kind: Literal["exponential"]
    factor: Annotated[float, Field(gt=0, le=1)]
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    changes: Literal["epoch", "step"] = "epoch"
    """Whether the rate changes from epoch to epoch, or by as much from step to step."""


Schedule = Annotated[
    StepSchedule | ConstantSchedule | CosineSchedule | ExponentialSchedule | Absent,
    Field(discriminator="kind"),
]


class KeepBest(Spec):
    """Keep the weights of the epoch that `select` finds best."""

    kind: Literal["best"]

    @property
    def averaged_epochs(self) -> int:
        """How many epochs are averaged: none."""
        return 0


class KeepAverage(Spec):
    """Keep the mean of the weights (and buffers) of several epochs.

    `average-last`: of the last ones. `average-best`: of those that `select` finds best from
    `first_candidate` on; of equal ones the earlier is better. Counters of batches stay those of the
    latest of them.
    """

    kind: Literal["average-last", "average-best"]
    checkpoints: Count = 3
    """How many; fewer where the training has fewer."""

    @property
    def averaged_epochs(self) -> int:
        """How many epochs are averaged."""
        return self.checkpoints


class TrainingSettings(Spec):
    """Epochs, batch size, and which weights are kept."""

    epochs: Count
    minimum_epochs: Annotated[int, Field(ge=0)] = 0
    """Early stopping cannot end the training before this epoch."""
    first_candidate: Count = 1
    """First epoch, counted from 1, that can be the best one. Early stopping ignores the epochs
    before it."""
    patience: Count = 10
    """Training stops after this many epochs without a better `select`."""
    select: Literal["dev.eer", "dev.loss", "train.loss"] = "dev.eer"
    """What is least at the best epoch: the EER, or the system's own loss, averaged over
    utterances (over the utterances' batches, where it weighs a batch by its classes).
    """
    keep: Annotated[KeepBest | KeepAverage, Field(discriminator="kind")] = KeepBest(kind="best")
    batch_size: Count
    """Clips in a step, over all devices."""
    accumulate: Count = 1
    """Number of parts into which a step is divided, to use less memory."""
    precision: Precision = "fp32"
    """In which numbers it is trained and scored. If nothing states it, the machine chooses one of
    `admits` (`bench run --precision`, `precision` in bench.toml). `tf32`: matrix products and
    convolutions of a GPU round their factors to 10 bits. `bf16-mixed`, `fp16-mixed`: they take and
    give 16-bit numbers; weights, normalisation, softmax, losses and results stay `fp32`."""
    admits: tuple[Precision, ...] = Field(default=("fp32", "tf32", "bf16-mixed"), strict=False)
    """Precisions that a machine may choose: the row stands in its table in any of them."""
    gradient_clip: NotNegative = 0.0
    """Largest norm of the gradient; 0: no clipping."""

    @property
    def precisions(self) -> tuple[PrecisionName, ...]:
        """In which it may be trained: the stated one alone, else those that it admits."""
        return (self.precision,) if "precision" in self.model_fields_set else self.admits

    @model_serializer(mode="wrap")
    def _write(
        self, write: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Write for a signature the precision alone, by the name that it always had there."""
        content = write(self)
        if info.context == SIGNATURE:
            del content["admits"]
            content["precision"] = SIGNED_NAMES.get(self.precision, self.precision)
        return content

    @model_validator(mode="after")
    def _admits_its_own(self) -> TrainingSettings:
        if self.precision not in self.precisions:
            raise ValueError(
                f"admits = {[*self.admits]}: should hold {self.precision!r}, or precision should "
                "be stated"
            )
        return self

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


class NoTraining(TrainingSettings):
    """Train nothing: the published weights that the run starts from are evaluated."""

    kind: Literal["none"] = "none"
    epochs: int = 0
    first_candidate: int = 0
    batch_size: int = 1

    @property
    def precisions(self) -> tuple[PrecisionName, ...]:
        """Published weights are scored in the one that others can repeat anywhere."""
        return (self.precision,)

    @model_serializer(mode="wrap")
    def _write(
        self, write: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        del write, info
        return {"kind": self.kind}
