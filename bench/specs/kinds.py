"""Kinds: the systems, front-ends, heads, augmentations and sources of breath marks to choose from.

A kind is one file, `bench/specs/<part>/<kind>.py`, or `<part>/<kind>.py` of an extension
(`bench.extensions`): its class of settings, whose method `build` makes what they describe. A `-` in
the kind is a `_` in the name of the file: `mix-frame` is in `mix_frame.py`. Files are found by
their name, so that adding a kind means adding its file. The suite's own files import PyTorch and
the networks of `bench.models` within `build`, since commands that read settings, such as `bench
show`, must not import torch; nothing else of `bench.specs` may import `bench.models`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from inspect import isabstract, isclass
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeGuard, cast, get_args

from pydantic import (
    GetCoreSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticKnownError, SchemaValidator, core_schema

from bench.errors import BenchError
from bench.extensions import digest_source, find_source
from bench.specs.base import SIGNATURE, Spec

if TYPE_CHECKING:  # kinds build what only their own part needs
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.augment import Augmentation, DeviceAugmentation, Mixer, Splicer
    from bench.models.breath.marks import BreathMarker, Say
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Rules, Tensors
    from bench.models.systems.base import System
    from bench.models.systems.blocks.heads import Head
    from bench.models.systems.blocks.layers import LayerMerge
    from bench.specs.corpus import Audio
    from bench.specs.run import TrainData


SOURCE = "source_digest"
"""What the settings of an extension's kind are written with beside their own."""


class Requirement(NamedTuple):
    """A file or folder that bench.toml must name for a kind to work on this machine."""

    what: Literal["weights", "breaths", "noise"]
    """`noise`: a key of `[noise]`; the others: keys of `[weights]`."""
    key: str
    accepts: str = ""
    """What may be there, for a key that is not among the published weights."""


class KindSettings(Spec):
    """Settings of one kind of a part. Its `kind` is a literal, and the name of its file."""

    packages: ClassVar[tuple[str, ...]] = ()
    """Python packages that this kind needs beside those that every run needs."""
    part: ClassVar[str] = ""
    """What its versions call the part of a system that comes in kinds: `layers`, `head`."""
    later_settings: ClassVar[tuple[str, ...]] = ()
    """Settings that came when rows had signatures: these leave them out at their defaults."""

    if TYPE_CHECKING:
        kind: Any
        """A string. A kind narrows it to its own name."""

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the files and folders that this kind needs beside the corpora."""
        return ()

    @model_serializer(mode="wrap")
    def _write(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Add the digest of its source to the settings of an extension's kind.

        So another source is another signature. The suite's own kinds have versions instead.
        """
        settings: dict[str, Any] = handler(self)
        if info.context == SIGNATURE:
            for name in self.later_settings:
                if getattr(self, name) == type(self).model_fields[name].default:
                    del settings[name]
        path = find_source(*type(self).__module__.split(".")[-2:])
        return settings if path is None else {**settings, SOURCE: digest_source(path)}

    @model_validator(mode="before")
    @classmethod
    def _drop_source(cls, value: Any) -> Any:
        """Take settings as they are written, which is not how they are set."""
        if not isinstance(value, dict):
            return value
        settings = cast("dict[str, Any]", value)
        return {key: settings[key] for key in settings if key != SOURCE}


class SystemSettings(KindSettings):
    """Settings of a system."""

    takes_waves: ClassVar[bool] = False
    """Whether it takes waveforms and no hidden states of a pretrained model."""

    @abstractmethod
    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return the system over `frontend`, to be trained on clips of `data`."""

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of a checkpoint of its authors by the names of its own parameters.

        A kind of which no checkpoint can be evaluated does not override this.
        """
        raise NotImplementedError


class FrontEndSettings(KindSettings):
    """Settings of a front-end."""

    gives_waves: ClassVar[bool] = False
    """Whether it hands the waveforms on and has no hidden states."""

    @abstractmethod
    def build(self, config: Config) -> FrontEnd:
        """Return the front-end, with weights from the paths that `config` names."""

    @abstractmethod
    def lay_out(self) -> FrontEnd:
        """Return the front-end without its weights, whose parameters need no values."""


class LayersSettings(KindSettings):
    """Settings of what a system takes of a front-end's hidden states."""

    part: ClassVar[str] = "layers"
    gives_all: ClassVar[bool] = False
    """Whether it hands all states on, for a head that merges them itself."""

    @abstractmethod
    def build(self, frontend: FrontEnd) -> LayerMerge:
        """Return what makes one sequence of the states of `frontend`."""


class HeadInput(NamedTuple):
    """What a head is built for."""

    dim: int
    """Width of the front-end's states."""
    n_states: int
    """How many states the front-end gives."""
    samples: int | None
    """Samples of a training clip; None where clips are whole utterances, which a head that
    `takes_one_length` does not get."""


class HeadSettings(KindSettings):
    """Settings of a head: from a sequence of states to the logits of a clip."""

    part: ClassVar[str] = "head"
    gives_frames: ClassVar[bool] = False
    """Whether it has a vector for each hop, and so can answer for frames as well."""
    takes_all: ClassVar[bool] = False
    """Whether it takes all states of the front-end, and merges them itself."""
    takes_one_length: ClassVar[bool] = False
    """Whether it takes clips of one length only: that of its training."""
    official_spoof_first: ClassVar[bool] = True
    """Whether the classes of its authors' checkpoint are in the order spoof, bona fide."""

    @abstractmethod
    def build(self, given: HeadInput) -> Head:
        """Return the head."""

    def official_rules(self) -> Rules:
        """Return what makes the names in its authors' checkpoint those of a composed system.

        The front-end's names are not among them. A kind of which no checkpoint can be evaluated
        does not override this.
        """
        return ()


class HopHeadSettings(HeadSettings):
    """Settings of a head that has a vector for each hop, and pools those of a frame or a clip."""

    pooling: Literal["mean", "attentive"] = "mean"
    """How the hops of a frame, or of a clip, become one vector: their mean, or a mean with learnt
    weights (a softmax of one linear layer's tanh)."""

    gives_frames: ClassVar[bool] = True
    later_settings: ClassVar[tuple[str, ...]] = ("pooling",)


class AugmentSettings(KindSettings):
    """Settings of an augmentation of waveforms."""

    @property
    def augments_dev(self) -> bool:
        """Whether the dev split is augmented as well."""
        return False

    @abstractmethod
    def build(self, config: Config) -> Augmentation:
        """Return the augmentation."""

    def build_on_device(self) -> DeviceAugmentation | None:
        """Return the same for the clips of a batch on the device; None where there is no such."""
        return None


class MixSettings(KindSettings):
    """Settings of a mixing of the clips of a batch."""

    @abstractmethod
    def build(self) -> Mixer:
        """Return the mixing."""


class SpliceSettings(KindSettings):
    """Settings of a splice of two clips."""

    @abstractmethod
    def build(self) -> Splicer:
        """Return the splice."""


class BreathSettings(KindSettings):
    """Settings of a source of breath marks."""

    is_rule: ClassVar[bool] = False
    """Whether a rule marks hops without looking at the utterance; its code has no version of its
    own."""
    is_detector: ClassVar[bool] = False
    """Whether it searches the audio, so that results are cached with the version of its code."""

    @abstractmethod
    def build(self, subset: Subset, audio: Audio, config: Config, say: Say) -> BreathMarker:
        """Return the marks of a subset's clips; `say` is told how far a search is."""


def list_inner_parts(settings: Spec) -> list[KindSettings]:
    """Return the parts that come in kinds within `settings`, at any depth: layers, heads."""
    inner: list[KindSettings] = []
    for value in (getattr(settings, name) for name in type(settings).model_fields):
        if isinstance(value, KindSettings):
            inner.append(value)
        if isinstance(value, Spec):
            inner += list_inner_parts(value)
    return inner


def kind_name(settings: type[Spec]) -> str:
    """Return the kind of a class of settings, as cards name it."""
    return get_args(settings.model_fields["kind"].annotation)[0]


@cache
def _tagged_validator(member: type[Spec] | None) -> SchemaValidator:
    """Return what validates a tree of one kind; with no kind, what says that it is missing."""
    if member is None:
        return SchemaValidator(
            core_schema.tagged_union_schema({"": core_schema.none_schema()}, "kind")
        )
    choices = {kind_name(member): member.__pydantic_core_schema__}
    return SchemaValidator(core_schema.tagged_union_schema(choices, "kind"))


class KindUnion:
    """The settings of a part, of any of its kinds: what a field of that part holds.

    Files are looked for whenever a value is validated, as extensions may bring more.
    """

    package: ClassVar[str]
    base: ClassVar[type[KindSettings]]
    others: ClassVar[tuple[type[Spec], ...]]

    @classmethod
    def list_members(cls) -> tuple[type[Spec], ...]:
        """Return the settings of all kinds; each file is imported."""
        files = sorted(file.name for file in iter_modules(import_module(cls.package).__path__))
        kinds = (cls.import_kind(file) for file in files)
        return (*cls.others, *(kind for kind in kinds if kind is not None))

    @classmethod
    def import_kind(cls, file: str) -> type[KindSettings] | None:
        """Return the kind that a file of the part holds; None where it holds none of `base`."""
        module = import_module(f"{cls.package}.{file}")
        for settings in vars(module).values():
            if not isclass(settings) or settings.__module__ != module.__name__:
                continue
            if not issubclass(settings, cls.base) or "kind" not in settings.model_fields:
                continue
            (kind,) = get_args(settings.model_fields["kind"].annotation) or (None,)
            if not isinstance(kind, str) or kind.replace("-", "_") != file:
                raise BenchError(
                    "extension.kind-name",
                    f"{module.__file__}: {settings.__name__}.kind = {kind!r}: should be "
                    f'Literal["{file}"], as its file is called',
                )
            if isabstract(settings):
                missing = " and ".join(sorted(settings.__abstractmethods__))
                raise BenchError(
                    "extension.kind-incomplete",
                    f"{module.__file__}: {settings.__name__}: the method {missing} is missing",
                )
            return settings
        return None

    @classmethod
    def find_member(cls, kind: object) -> type[Spec] | None:
        """Return the settings of a kind; None where there is no such kind."""
        for other in cls.others:
            if kind == kind_name(other):
                return other
        file = kind.replace("-", "_") if isinstance(kind, str) else ""
        paths = cast("list[str]", import_module(cls.package).__path__)
        if not file.isidentifier() or not any(Path(path, f"{file}.py").is_file() for path in paths):
            return None
        member = cls.import_kind(file)
        return (
            member if member and kind in get_args(member.model_fields["kind"].annotation) else None
        )

    @classmethod
    def _validate(cls, value: Any) -> Any:
        if isinstance(value, (cls.base, *cls.others)):
            return value
        tagged = isinstance(value, Mapping) and "kind" in value
        kind = cast("Mapping[str, Any]", value)["kind"] if tagged else None
        member = cls.find_member(kind)
        if tagged and member is None:
            kinds = [
                get_args(each.model_fields["kind"].annotation)[0] for each in cls.list_members()
            ]
            names = ", ".join(f"'{name}'" for name in sorted(kinds))
            context = {"discriminator": "'kind'", "tag": str(kind), "expected_tags": names}
            raise PydanticKnownError("union_tag_invalid", context)
        return _tagged_validator(member).validate_python(value)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.simple_ser_schema("any")
        )


def is_kind_union(annotation: Any) -> TypeGuard[type[KindUnion]]:
    """Return whether a field's type is that of a part that comes in kinds."""
    return isinstance(annotation, type) and issubclass(annotation, KindUnion)


def unite_kinds(package: str, base: type[KindSettings], *others: type[Spec]) -> Any:
    """Return the type of a field: `others`, or any kind in `package` that derives from `base`."""
    return type("Kinds", (KindUnion,), {"package": package, "base": base, "others": others})


def require_utterances(data: TrainData, what: str) -> None:
    """Raise BenchError where `data` labels frames and `what` learns labels of whole utterances."""
    if data.resolution_s is not None:
        raise BenchError(
            "model.resolution",
            f"{what}: learns labels of whole utterances: train.resolution_s = "
            f"{data.resolution_s} should be 'utterance'",
        )


def require_one_length(data: TrainData, what: str) -> float:
    """Return the seconds of a training clip; BenchError where clips are whole utterances."""
    if data.clip_s is None:
        raise BenchError(
            "model.clip-length",
            f"{what}: takes clips of one length: train.clip_s = 'whole' should be a number",
        )
    return data.clip_s


def require_frames(data: TrainData, what: str, only_s: float | None = None) -> float:
    """Return the seconds of a labelled frame of `data`.

    Raise BenchError where it labels whole utterances and `what` learns labels of frames, or frames
    of another length than `only_s`, if that is given.
    """
    if data.resolution_s is None or only_s not in (None, data.resolution_s):
        stated = "'utterance'" if data.resolution_s is None else data.resolution_s
        right = only_s or "the length of a frame in seconds"
        raise BenchError(
            "model.resolution",
            f"{what}: learns labels of frames: train.resolution_s = {stated} should be {right}",
        )
    return data.resolution_s
