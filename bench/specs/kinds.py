"""Kinds: the systems, front-ends, augmentations and sources of breath marks to choose from.

A kind is two files of one name: its settings in `bench/specs/<part>/<kind>.py` and its code in
`bench/models/<part>/<kind>.py`. They are two because commands that read settings, such as `bench
show`, must not import torch. A `-` in the kind is a `_` in the name of the file: `mix-frame` is in
`mix_frame.py`. Both files are found by their name, so that adding a kind means adding these two.
"""

from __future__ import annotations

from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Union, get_args

from pydantic import Field

from bench.specs.base import Spec


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


class SystemSettings(KindSettings):
    """Settings of a system; its code has `build(settings, frontend, data)`.

    Where checkpoints of its authors can be evaluated, it has `official_names(settings, tensors)`
    too: from the names in such a checkpoint to those of its own parameters and buffers.
    """

    takes_waves: ClassVar[bool] = False
    """Whether it takes waveforms and no hidden states of a pretrained model."""


class FrontEndSettings(KindSettings):
    """Settings of a front-end; its code has `build(settings, config)` and `lay_out(settings)`."""

    gives_waves: ClassVar[bool] = False
    """Whether it hands the waveforms on and has no hidden states."""


class AugmentSettings(KindSettings):
    """Settings of an augmentation of waveforms; its code has `build(settings, config)`."""

    @property
    def augments_dev(self) -> bool:
        """Whether the dev split is augmented as well."""
        return False


class MixSettings(KindSettings):
    """Settings of a mixing of the clips of a batch; its code has `build(settings)`."""


class SpliceSettings(KindSettings):
    """Settings of a splice of two clips; its code has `build(settings)`."""


class BreathSettings(KindSettings):
    """Settings of a source of breath marks.

    Its code has `build(settings, subset, audio, config, say)`.
    """

    is_rule: ClassVar[bool] = False
    """Whether a rule marks hops without looking at the utterance; its code has no version of its
    own."""
    is_detector: ClassVar[bool] = False
    """Whether it searches the audio, so that results are cached with the version of its code."""


def find_kinds(package: str, base: type[KindSettings], *others: type[Spec]) -> Any:
    """Return the union of `others` and of all settings in `package` that derive from `base`.

    Raise TypeError where a kind does not have the name of its file.
    """
    kinds: list[type[Spec]] = [*others]
    for file in iter_modules(import_module(package).__path__):
        module = import_module(f"{package}.{file.name}")
        for settings in vars(module).values():
            if not isclass(settings) or settings.__module__ != module.__name__:
                continue
            if issubclass(settings, base) and "kind" in settings.model_fields:
                (kind,) = get_args(settings.model_fields["kind"].annotation)
                if kind.replace("-", "_") != file.name:
                    raise TypeError(f"{module.__name__}: its kind is {kind!r}, unlike its name")
                kinds.append(settings)
    return Annotated[Union[tuple(kinds)], Field(discriminator="kind")]  # noqa: UP007


def import_kind(package: str, settings: KindSettings) -> ModuleType:
    """Return the module of `package` that holds the code of a kind."""
    return import_module(f"{package}.{settings.kind.replace('-', '_')}")
