"""Kinds: the systems, front-ends, augmentations and sources of breath marks to choose from.

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
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticKnownError, SchemaValidator, core_schema

from bench.errors import BenchError
from bench.extensions import digest_source, find_source
from bench.specs.base import Spec

if TYPE_CHECKING:  # kinds build what only their own part needs
    from bench.config import Config
    from bench.data.subset import Subset
    from bench.models.augment import Augmentation, DeviceAugmentation, Mixer, Splicer
    from bench.models.breath.marks import BreathMarker, Say
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
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

    if TYPE_CHECKING:
        kind: Any
        """A string. A kind narrows it to its own name."""

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the files and folders that this kind needs beside the corpora."""
        return ()

    @model_serializer(mode="wrap")
    def _add_source(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Add the digest of its source to the settings of an extension's kind.

        So another source is another signature. The suite's own kinds have versions instead.
        """
        settings: dict[str, Any] = handler(self)
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
