"""One run: everything that can change a figure, and nothing else; and its signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SerializeAsAny, model_validator

from bench._io import atomic_files
from bench._io.trees import as_tree, iterate_leaves
from bench.errors import near_name
from bench.specs.augment import Augment, Mix, Splice
from bench.specs.base import (
    Absent,
    Length,
    Resolution,
    Spec,
    digest,
)
from bench.specs.breath import Breath
from bench.specs.frontends import FrontEnd
from bench.specs.kinds import KindSettings, Requirement
from bench.specs.precision import PrecisionName
from bench.specs.systems import System
from bench.specs.training import Adam, NoOptimiser, NoTraining, Schedule, TrainingSettings
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, SAMPLE_RATE_HZ, to_samples

PUBLISHED_WEIGHTS = "authors' weights, evaluated here"
"""What tables, reports and tracked runs say of a run without training."""

_ABSENT = Absent(kind="none")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
DataT = TypeVar("DataT", bound="Data")


class Data(Spec):
    """A split of a corpus, for training, selection or evaluation."""

    corpus: str
    split: str
    resolution_s: Resolution
    """Length of a labelled frame in seconds, or `utterance`: one label for a whole clip."""
    label_rule: Literal["any-spoof", "floor"] = "any-spoof"
    """How spans become frames: spoof if any sample is (PartialSpoof's rule), or both ends
    floored (released SAL on HAD and LlamaPartialSpoof: spans shift left by up to a frame). Official
    frame vectors are taken as they are."""
    fill: Literal["zeros", "repeat"] = "zeros"
    """What follows an utterance that is shorter than its clip: zeros, which frame labels mask, or
    the utterance again, as often as need be, with its labels."""
    splice: Splice = _ABSENT
    """Put a region of an utterance of the other class into each clip. Its 20 ms frames then get new
    labels: spoof within the region, whatever labels the corpus has."""
    breath: Breath = _ABSENT
    """The breath detector: it says in which 20 ms hops someone breathes (`Batch.breath_mask`).
    Default: the run's `breath`."""

    @property
    def parts(self) -> tuple[KindSettings, ...]:
        """The parts that come in kinds, those that are there."""
        return tuple(part for part in (self.splice, self.breath) if isinstance(part, KindSettings))


class TrainData(Data):
    """The training split, cut into clips, on the grid of its frame labels if it has any."""

    clip_s: Length
    """Length of a training clip in seconds; or `whole` utterances, with labels of frames. A batch
    then holds utterances of nearly one length, and masks what follows the shorter ones: zeros."""
    crop: Literal["random", "first"] = "random"
    """Which part of an utterance that is longer than the clip: a random one in each epoch, or the
    first."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the split's utterances that is used, for each class. The run's seed draws it. A
    smaller share is a part of a larger one."""


class HeldOutData(Data):
    """A split that is scored, for selection or evaluation."""

    clip_s: Length = None
    """`whole` utterances, or their first seconds; shorter utterances are filled."""
    by: tuple[str, ...] = Field(default=(), strict=False)
    """Breakdowns of utterance results that are logged: a field of the corpus (`attack`), or several
    separated by commas (`attack,codec`)."""


class PublishedStart(Spec):
    """Start from weights that the system's authors published, all of them, by the system's key map.

    In smoke form nothing is read: the system keeps the weights that it is drawn with.
    """

    kind: Literal["weights"]
    weights: str
    """Key of `[weights]` in bench.toml."""

    @property
    def requirement(self) -> Requirement:
        """The weights."""
        accepts = "the checkpoint that the system's authors published"
        return Requirement("weights", self.weights, accepts)


class EarlierTraining(Spec):
    """Start from the front-end of an earlier training, which is run first."""

    kind: Literal["stage"]
    carry: Literal["frontend"] = "frontend"
    """What is reused: the front-end's weights, with adapters."""
    stage: Run
    """The earlier training: the settings in which it differs from this run."""

    @model_validator(mode="after")
    def _trains_only(self) -> EarlierTraining:
        if self.stage.evaluate:
            raise ValueError("stage.evaluate: an earlier training is not evaluated")
        if self.stage.start.kind != "none":
            raise ValueError("stage.start.kind: an earlier training has no earlier one")
        return self


_ONLY_TRAINED = ("augment", "mix", "schedule")
"""Settings of a run, beside the optimiser, that nothing but a training uses."""


_HOP_S = HOP_SAMPLES / SAMPLE_RATE_HZ
_BEYOND_HOPS = RECEPTIVE_FIELD_SAMPLES - HOP_SAMPLES


class Run(Spec):
    """One row of a table, fully resolved.

    Frozen; two runs with equal fields have equal signatures.
    """

    form: Literal["paper", "smoke"]
    """`smoke`: tiny, on the miniature corpora, to see that everything works; never a result."""
    system: System
    frontend: FrontEnd
    augment: Augment
    mix: Mix
    train: TrainData
    dev: HeldOutData
    optimiser: SerializeAsAny[Adam]
    schedule: Schedule
    training: SerializeAsAny[TrainingSettings]
    """How it is trained. `{ kind = "none" }`: not at all, and then `train` and `dev` say what the
    weights that it starts from were trained on and selected by."""
    evaluate: Mapping[str, HeldOutData]
    start: Annotated[Absent | EarlierTraining | PublishedStart, Field(discriminator="kind")] = (
        _ABSENT
    )
    """What the training starts from beside the pretrained front-end, or what is evaluated instead
    of a training."""
    breath: Breath = _ABSENT
    """The breath detector of each split that does not name its own. (The signature has the splits'
    detectors.)"""

    @model_validator(mode="before")
    @classmethod
    def _without_training(cls, content: Any) -> Any:
        """Leave out what only a training uses where there is none.

        The smoke form's overlay says how rows of its table train: it has no effect on such a row.
        """
        stated = as_tree(content) or {}
        training = as_tree(stated.get("training")) or {}
        if "kind" not in training:
            return content
        if training["kind"] != "none":
            raise ValueError(
                f"training.kind = {training['kind']!r}: should be 'none', or left out where "
                "something is trained"
            )
        for name in training.keys() - {"kind"}:
            if name not in TrainingSettings.model_fields:
                raise ValueError(
                    f"training.{name} = {training[name]!r}: no such key"
                    f"{near_name(name, TrainingSettings.model_fields)}"
                )
            if stated.get("form") == "paper":
                raise ValueError(
                    f"training.{name} = {training[name]!r}: should be left out where "
                    "training.kind is 'none'"
                )
        unused = {name: {"kind": "none"} for name in _ONLY_TRAINED}
        return {**stated, **unused, "optimiser": NoOptimiser(), "training": NoTraining()}

    @model_validator(mode="after")
    def _trains_or_starts(self) -> Run:
        if self.is_trained and self.start.kind == "weights":
            raise ValueError(
                "start.kind = 'weights': its weights are evaluated as they are: training.kind "
                "should be 'none'"
            )
        if not self.is_trained and self.start.kind != "weights":
            raise ValueError(
                f"start.kind = {self.start.kind!r}: should be 'weights' where training.kind is "
                "'none', or there is nothing to evaluate"
            )
        if self.is_trained and self.schedule.kind == "none":
            raise ValueError("schedule.kind = 'none': a training needs one, such as 'constant'")
        return self

    @model_validator(mode="after")
    def _fits_frontend(self) -> Run:
        if self.system.takes_waves != self.frontend.gives_waves:
            fitting = "'waves'" if self.system.takes_waves else "one with hidden states"
            raise ValueError(
                f"frontend.kind = {self.frontend.kind!r}: should be {fitting} where system.kind is "
                f"{self.system.kind!r}"
            )
        return self

    @property
    def is_trained(self) -> bool:
        """Whether it trains; else published weights are evaluated."""
        return not isinstance(self.training, NoTraining)

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
    def published_weights(self) -> Requirement | None:
        """The checkpoint that is evaluated as it is.

        None where the run trains, and in smoke form, which reads none.
        """
        if isinstance(self.start, PublishedStart) and self.form == "paper":
            return self.start.requirement
        return None

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the files and folders that the run needs beside its corpora and their breaths."""
        if self.published_weights is not None:
            return (self.published_weights,)
        return tuple(needed for part in self.parts for needed in part.requirements())

    @property
    def data(self) -> dict[str, TrainData | HeldOutData]:
        """Every split that the run uses, by its dotted key."""
        held_out = {f"evaluate.{name}": data for name, data in self.evaluate.items()}
        learnt = {"train": self.train, "dev": self.dev} if self.is_trained else {}
        return {**learnt, **held_out}

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
        if self.is_trained and self.train.clip_s is None:
            self._check_whole_utterances()
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

    def _check_whole_utterances(self) -> None:
        if self.train.resolution_s is None:
            raise ValueError(
                "train.clip_s = 'whole': a batch's shorter utterances are filled up, which only "
                "labels of frames can mask: it should be a number where train.resolution_s is "
                "'utterance'"
            )
        if self.mix.kind != "none":
            raise ValueError(
                f"mix.kind = {self.mix.kind!r}: mixes clips of one length: train.clip_s should be "
                "a number, or mix.kind 'none'"
            )

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

    def in_precision(self, precision: PrecisionName) -> Run:
        """Return the run, with the training that it starts from, in an admitted `precision`.

        What states its precision stays as it is.
        """
        changes: dict[str, Any] = {}
        if self.training.precision != precision and precision in self.training.precisions:
            changes["training"] = self.training.model_copy(update={"precision": precision})
        if isinstance(self.start, EarlierTraining):
            stage = self.start.stage.in_precision(precision)
            changes["start"] = self.start.model_copy(update={"stage": stage})
        return self.model_copy(update=changes) if changes else self

    @property
    def admitted(self) -> tuple[Run, ...]:
        """The run in each precision that it may be computed in; itself first."""
        own, every = self.training.precision, self.training.precisions
        return (self, *(self.in_precision(name) for name in every if name != own))

    @property
    def signatures(self) -> tuple[str, ...]:
        """The signature in each precision that the run may be computed in; its own first."""
        return tuple(run.signature for run in self.admitted)

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
