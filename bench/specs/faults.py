"""Every fault of a card at once, one line each.

A line has the file, the key, what is wrong, what would be right, and a near name.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from bench.errors import near_name
from bench.specs.kinds import is_kind_union


class CardFault(NamedTuple):
    """One mistake: the keys that lead to it, and what is wrong there."""

    keys: tuple[str, ...]
    what: str

    def line(self, file: str, prefix: str = "") -> str:
        """Return `file: dotted.key what`."""
        dotted = ".".join(self.keys)
        if prefix.startswith("--"):
            return f"{file}: {prefix} {dotted}{self.what}"
        where = f"{prefix}.{dotted}" if prefix else dotted
        return f"{file}: {where}{self.what}" if where else f"{file}{self.what}"


def explain_faults(error: ValidationError, file: str, model: type[BaseModel]) -> list[str]:
    """Return one line for each fault that pydantic found in a `model` read from `file`."""
    return [fault.line(file) for fault in card_faults(error, model)]


def card_faults(error: ValidationError, model: type[BaseModel]) -> list[CardFault]:
    """Return pydantic's errors with keys as the card has them (no union tags) and near names."""
    listed: list[CardFault] = []
    for entry in error.errors():
        keys, parent = _walk_location(model, entry["loc"])
        context = entry.get("ctx", {})
        match entry["type"]:
            case "extra_forbidden":
                what = f": no such key{near_name(keys[-1], _known_keys(parent))}"
            case "missing":
                what = ": is missing"
            case "union_tag_invalid":
                tag = str(context["tag"])
                known = [name.strip("'") for name in str(context["expected_tags"]).split(", ")]
                keys, what = (*keys, "kind"), f" = {tag!r}: no such kind{near_name(tag, known)}"
            case "union_tag_not_found":
                keys, what = (*keys, "kind"), ": is missing (which kind?)"
            case "literal_error":
                what = f" = {entry['input']!r}: should be {context['expected']}"
            case "value_error":
                # A check across fields says `dotted.key = value: what would be right`.
                dotted, _, rest = _lower_first(entry["msg"]).partition(" ")
                keys, what = (*keys, *dotted.split(".")), f" {rest}"
            case _:
                what = f" = {entry['input']!r}: {_lower_first(entry['msg'])}"
        listed.append(CardFault(keys, what))
    return listed


def _lower_first(message: str) -> str:
    message = message.removeprefix("Input ").removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _known_keys(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _walk_location(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[tuple[str, ...], type[BaseModel] | None]:
    """Follow pydantic's location.

    Return the card's own keys and the model that the last one is in.
    """
    keys: list[str] = []
    current: Any = model
    parent: type[BaseModel] | None = None
    for part in location:
        tagged = _tagged_member(current, part)
        if tagged is not None:
            current = tagged
            continue
        keys.append(str(part))
        parent = current if _is_model(current) else None
        current = _child_model(current, part)
    return tuple(keys), parent


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Return the arms of a union, within `Annotated` too; of anything else itself."""
    if is_kind_union(annotation):
        return annotation.list_members()
    if typing.get_origin(annotation) is typing.Annotated:
        return union_members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arms = typing.get_args(annotation)
        return tuple(member for arm in arms for member in union_members(arm))
    return (annotation,)


def _tagged_member(annotation: Any, part: int | str) -> type[BaseModel] | None:
    """Return the member of a discriminated union whose `kind` is `part`."""
    if is_kind_union(annotation):
        return annotation.find_member(part)
    for member in union_members(annotation):
        if member is not annotation and _is_model(member) and "kind" in member.model_fields:
            kinds = typing.get_args(member.model_fields["kind"].annotation)
            if part in kinds:
                return member
    return None


def _child_model(annotation: Any, part: int | str) -> Any:
    if _is_model(annotation):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    arguments = typing.get_args(annotation)
    if arguments and typing.get_origin(annotation) in (dict, Mapping, tuple, list):
        return arguments[0] if isinstance(part, int) else arguments[-1]
    origin = typing.get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[-1]
    return None
