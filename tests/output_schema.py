"""The JSON Schema of what `--json` prints, as tests use it; and the list of kinds in docs/json.md,
which is made from it.

`python -m tests.output_schema` writes that list anew.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent
SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "bench" / "schema" / "output.schema.json").read_text(encoding="utf-8")
)
PARTS: dict[str, dict[str, Any]] = SCHEMA["$defs"]
KINDS = {
    PARTS[name]["properties"]["kind"]["const"]: name
    for name in (of["$ref"].rpartition("/")[2] for of in SCHEMA["oneOf"])
}
"""Names of definitions by the kind of object that they are of."""
PAGE = ROOT / "docs" / "json.md"
BEGIN, END = "<!-- kinds: begin -->", "<!-- kinds: end -->"
_HEAD = ("schema", "version", "kind")


@cache
def _validator(kind: str) -> Draft202012Validator:
    """Of one kind, so that mistakes are said of its keys; a key that is not described is one."""
    strict = deepcopy(SCHEMA)
    del strict["oneOf"]
    for part in strict["$defs"].values():
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return Draft202012Validator({**strict, "$ref": f"#/$defs/{KINDS[kind]}"})


def validated(text: str) -> dict[str, Any]:
    """Return the one object that `text` holds; AssertionError where it is not as described."""
    content = json.loads(text, parse_constant=lambda name: f"{name} is not JSON")
    kind = content["kind"]
    assert kind in KINDS, f"{kind!r}: the schema has no such kind"
    mistakes = [f"{of.json_path}: {of.message}" for of in _validator(kind).iter_errors(content)]
    assert not mistakes, "\n".join([kind, *mistakes])
    return content


def described_kinds() -> str:
    """Return the list of kinds, and of the parts that they are made of, as Markdown."""
    kinds = [f"### `{kind}`\n\n{_described(name)}" for kind, name in KINDS.items()]
    others = [name for name in PARTS if name not in KINDS.values() and "properties" in PARTS[name]]
    parts = [f"### {name}\n\n{_described(name)}" for name in others]
    return "\n\n".join(["## Kinds", *kinds, "## Parts", *parts])


def _described(name: str) -> str:
    part = PARTS[name]
    lines = [
        f"| `{key}` | {_type(of)}{'' if key in part['required'] else ', may be absent'} "
        f"| {_said(of)} |"
        for key, of in part["properties"].items()
        if key not in _HEAD or name not in KINDS.values()
    ]
    heading = ["| key | holds | what it is |", "|---|---|---|"]
    return "\n".join([f"{part['description'].removesuffix('.')}.", "", *heading, *lines])


def _said(of: dict[str, Any]) -> str:
    """Return a key's description, or that of what it refers to."""
    target = of.get("$ref", "").rpartition("/")[2]
    return of.get("description") or PARTS[target]["description"]


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def _type(of: dict[str, Any]) -> str:
    """Return in words which values a key has."""
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})" if "properties" in PARTS[name] else _type(PARTS[name])
    if "anyOf" in of:
        return " or ".join(_type(each) for each in of["anyOf"])
    if "enum" in of:
        return ", ".join("null" if value is None else f"`{value}`" for value in of["enum"]).replace(
            "``", "empty"
        )
    types = of.get("type", "anything")
    types = types if isinstance(types, list) else [types]
    if "array" in types:
        return f"list of {_type(of['items'])}"
    if "additionalProperties" in of:
        return f"{_type(of['additionalProperties'])} by name"
    return " or ".join(_WORDS.get(each, each) for each in types)


def page_with(kinds: str) -> str:
    """Return docs/json.md with that list of kinds."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{kinds}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page_with(described_kinds()), encoding="utf-8")
