"""The kinds of JSON objects, from the JSON Schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_SCHEMA: dict[str, Any] = json.loads(
    (files("bench") / "schema/output.schema.json").read_text(encoding="utf-8")
)
_PARTS: dict[str, dict[str, Any]] = _SCHEMA["$defs"]
_KINDS: dict[str, str] = {
    _PARTS[name]["properties"]["kind"]["const"]: name
    for name in (member["$ref"].rpartition("/")[2] for member in _SCHEMA["oneOf"])
}
"""Names of definitions by the kind of object that they describe."""
_HEAD = ("schema", "version", "kind")
_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def make_pages() -> dict[str, str]:
    """Return the list of kinds and of their parts, which docs/json.md includes."""
    kinds = [f"### `{kind}`\n\n{_describe_part(name)}" for kind, name in _KINDS.items()]
    others = [
        name for name in _PARTS if name not in _KINDS.values() and "properties" in _PARTS[name]
    ]
    parts = [f"({_anchor(name)})=\n### {name}\n\n{_describe_part(name)}" for name in others]
    text = "\n\n".join(["# Kinds of JSON objects", "## Kinds", *kinds, "## Parts", *parts])
    return {"json-kinds.md": f"{text}\n"}


def _anchor(name: str) -> str:
    return f"json-{name}".replace("_", "-")


def _describe_part(name: str) -> str:
    part = _PARTS[name]
    lines = [
        f"| `{key}` | {_describe_type(value)}"
        f"{'' if key in part['required'] else ', may be absent'} | {_read_description(value)} |"
        for key, value in part["properties"].items()
        if key not in _HEAD or name not in _KINDS.values()
    ]
    heading = ["| key | holds | what it is |", "|---|---|---|"]
    return "\n".join([f"{part['description'].removesuffix('.')}.", "", *heading, *lines])


def _read_description(value: dict[str, Any]) -> str:
    """Return a key's description, or that of its target."""
    target = value.get("$ref", "").rpartition("/")[2]
    return value.get("description") or _PARTS[target]["description"]


def _describe_type(value: dict[str, Any]) -> str:
    """Return in words which values a key can have."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        if "properties" in _PARTS[name]:
            return f"[{name}](#{_anchor(name)})"
        return _describe_type(_PARTS[name])
    if "anyOf" in value:
        return " or ".join(_describe_type(each) for each in value["anyOf"])
    if "enum" in value:
        words = ["null" if word is None else f"`{word}`" for word in value["enum"]]
        return ", ".join(words).replace("``", "empty")
    types = value.get("type", "anything")
    types = types if isinstance(types, list) else [types]
    if "array" in types:
        return f"list of {_describe_type(value['items'])}"
    if "additionalProperties" in value:
        return f"{_describe_type(value['additionalProperties'])} by name"
    return " or ".join(_WORDS.get(each, each) for each in types)
