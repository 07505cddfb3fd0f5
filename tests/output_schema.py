"""The JSON Schema of what `--json` prints, as tests use it."""

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
