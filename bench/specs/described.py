"""What can be set of a run: each setting's values, default and docstring, from the models alone."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from bench.errors import BenchError, near_name
from bench.specs.base import NoneAs
from bench.specs.faults import union_members
from bench.specs.run import Run

ANY_NAME = "*"
"""In a key: any name, as of an evaluation (`evaluate.*.clip_s`)."""


class SettingKind(NamedTuple):
    """One of the kinds that a part of the settings can be of."""

    name: str
    doc: str
    settings: tuple[Setting, ...]
    """Its own, without those that are deeper."""


class Setting(NamedTuple):
    """One setting, or a part of the settings with others below it."""

    key: str
    """As `--set` takes it."""
    values: str
    """Which it can have, in words."""
    default: str
    """"" where each card says it."""
    doc: str
    where: tuple[str, ...]
    """Of which kinds it is: `system.kind = sal`; none where it is always there."""
    kinds: tuple[SettingKind, ...] = ()
    """Of a part that can be of several kinds."""
    settings: tuple[Setting, ...] = ()
    """Of a part of one kind: those directly below it."""


class _Place(NamedTuple):
    """A field, reached by a key."""

    key: str
    name: str
    model: type[BaseModel]
    where: tuple[str, ...]


def setting_groups() -> list[Setting]:
    """Return the parts of a run's settings."""
    return [_describe_field(_Place(name, name, Run, ()), deep=False) for name in Run.model_fields]


def describe_model(model: type[BaseModel]) -> tuple[Setting, ...]:
    """Return the fields of a card's model, without those of the models below it."""
    names = model.model_fields
    return tuple(_describe_field(_Place(name, name, model, ()), deep=False) for name in names)


def describe_setting(key: str) -> list[Setting]:
    """Return what is set by a dotted key, once for each kind of what is above it that has it.

    Raise BenchError, with a near key, where there is none.
    """
    fields = [*_matching_fields(key.split("."))]
    if not fields:
        raise BenchError("settings.unknown", _unknown_message(key))
    return [_describe_field(matched, deep=True) for matched in fields]


def _matching_fields(
    parts: Sequence[str],
    model: type[BaseModel] = Run,
    above: tuple[str, ...] = (),
    where: tuple[str, ...] = (),
) -> Iterator[_Place]:
    """Yield every field of `model`, or below it, that `parts` lead to.

    `above` leads to the model, which is there `where` other settings are so.
    """
    name, *rest = parts
    field = model.model_fields.get(name)
    if field is None:
        return
    keys, below = (*above, name), field.annotation
    if _is_mapping(below):
        if not rest[1:]:
            yield _Place(".".join(keys), name, model, where)
            return
        keys, below, rest = (*keys, rest[0]), typing.get_args(below)[1], rest[1:]
    if not rest:
        yield _Place(".".join(keys), name, model, where)
        return
    for kind, member in _kind_models(below):
        here = (*where, f"{'.'.join(keys)}.kind = {kind}") if kind else where
        yield from _matching_fields(rest, member, keys, here)


def _unknown_message(key: str) -> str:
    every = {*_all_keys(Run, "")}
    above, _, name = key.rpartition(".")
    alike = sorted(setting for setting in every if setting.rpartition(".")[2] == name)
    if alike:
        return f"{key!r}: no such setting; did you mean {' or '.join(map(repr, alike))}?"
    below = {setting.rpartition(".")[2] for setting in every if setting.rpartition(".")[0] == above}
    if above and below:
        return f"{key!r}: there is no such setting below {above}{near_name(name, below)}"
    return f"{key!r}: no such setting{near_name(key, every)}"


def _all_keys(model: type[BaseModel], before: str) -> Iterator[str]:
    """Yield every key; of an earlier training, which has all of them once more, none."""
    for name, field in model.model_fields.items():
        key = f"{before}{name}"
        yield key
        below = field.annotation
        if _is_mapping(below):
            key, below = f"{key}.{ANY_NAME}", typing.get_args(below)[1]
        for _, member in _kind_models(below):
            if member is not Run:
                yield from _all_keys(member, f"{key}.")


def _describe_field(matched: _Place, *, deep: bool) -> Setting:
    field = matched.model.model_fields[matched.name]
    below = field.annotation
    key = matched.key
    if _is_mapping(below):
        key, below = f"{key}.{ANY_NAME}", typing.get_args(below)[1]
    models = list(_kind_models(below)) if deep else []
    kinds = tuple(
        SettingKind(kind, _first_paragraph(member), _own_default(member, key))
        for kind, member in models
        if kind
    )
    own = tuple(
        default for kind, member in models if not kind for default in _own_default(member, key)
    )
    doc = _field_docs(matched.model).get(matched.name, "") or _of_model(below)
    values = _in_words(field.annotation, field.metadata)
    return Setting(key, values, _default_text(field), doc, matched.where, kinds, own)


def _own_default(model: type[BaseModel], key: str) -> tuple[Setting, ...]:
    names = [name for name in model.model_fields if name != "kind" or _has_kinds(model)]
    return tuple(
        _describe_field(_Place(f"{key}.{below}", below, model, ()), deep=False) for below in names
    )


def _has_kinds(model: type[BaseModel]) -> bool:
    """Return whether a model stands for several kinds: adam and adamw."""
    return len(typing.get_args(model.model_fields["kind"].annotation)) > 1


def _is_mapping(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _kind_models(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the models of an annotation, each with its kind; "" where it has one model alone."""
    members = union_members(annotation)
    for member in members:
        if isinstance(member, type) and issubclass(member, BaseModel):
            kinds = typing.get_args(getattr(member.model_fields.get("kind"), "annotation", None))
            if len(members) == 1 or not kinds:
                yield "", member
            else:
                yield from ((kind, member) for kind in kinds)


def _in_words(annotation: Any, metadata: Sequence[Any]) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        return _in_words(inner, [*_bounds_text(more), *metadata])
    words = _none_words(metadata)
    kinds = [kind for kind, _ in _kind_models(annotation)]
    if any(kinds):
        return f"kind: {' | '.join(kinds)}"
    if kinds:
        return "a part with settings of its own"
    arms = [arm for arm in typing.get_args(annotation) if arm is not types.NoneType]
    match typing.get_origin(annotation):
        case typing.Literal:
            return " | ".join(map(_as_toml, arms))
        case typing.Union | types.UnionType:
            return ", or ".join([*(_in_words(arm, metadata) for arm in arms), *map(repr, words)])
        case origin if origin is tuple:
            item_types = [arm for arm in arms if arm is not Ellipsis]
            return f"list of: {_in_words(item_types[0], ())}"
        case origin if isinstance(origin, type) and issubclass(origin, Mapping):
            return "a part for each name"
        case _:
            return _of_type(annotation, metadata)


def _none_words(metadata: Sequence[Any]) -> list[str]:
    """Return the words that stand for None."""
    validators = [entry for entry in metadata if isinstance(entry, BeforeValidator)]
    readers = [getattr(entry.func, "__self__", None) for entry in validators]
    return [entry.word for entry in readers if isinstance(entry, NoneAs)]


def _bounds_text(metadata: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for entry in metadata:
        flat += entry.metadata if isinstance(entry, FieldInfo) else [entry]
    return flat


def _of_type(annotation: Any, metadata: Sequence[Any]) -> str:
    names = {bool: "true | false", str: "text", int: "whole number", float: "number"}
    text = names.get(annotation, str(annotation))
    bounds: list[str] = []
    for bound in metadata:
        match bound:
            case Ge(ge=least):
                bounds.append(f"at least {least}")
            case Gt(gt=least):
                bounds.append(f"above {least}")
            case Le(le=most):
                bounds.append(f"at most {most}")
            case Lt(lt=most):
                bounds.append(f"below {most}")
            case _:
                pass
    return f"{text} {', '.join(bounds)}" if bounds else text


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return f"kind = {getattr(value, 'kind', '')}"
    if value is None:
        return next(iter(_none_words(field.metadata)), "")
    return _as_toml(value)


def _as_toml(value: Any) -> str:
    """Return a value as `--set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else json.dumps(value)


def _of_model(annotation: Any) -> str:
    models = [model for _, model in _kind_models(annotation)]
    return _first_paragraph(models[0]) if len(models) == 1 else ""


def _first_paragraph(model: type[BaseModel]) -> str:
    """Return the first paragraph of a model's docstring."""
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return what the source says below each field of a model, those of its bases too."""
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base.__module__.startswith("bench."):
            docs |= _of_module(base.__module__).get(base.__name__, {})
    return docs


@lru_cache
def _of_module(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                docs[name] = " ".join(doc.split())
            case _:
                pass
    return docs
