"""Trees of settings, as TOML has them: folded, walked through and looked into.

Tables merge key by key; a table that names another `kind` replaces the old one whole, so that no
setting of the old kind leaks into the new; lists and values replace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

EVERY = "*"
"""As a key: every key that is there already."""


def merge_settings(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Fold settings from left to right, by the rules at the head of this module.

    What is found may share tables with what was given: neither is to be changed in place.

    >>> merge_settings({"mix": {"kind": "csm", "rounds": 1}}, {"mix": {"rounds": 2}})
    {'mix': {'kind': 'csm', 'rounds': 2}}
    >>> merge_settings({"mix": {"kind": "csm", "rounds": 1}}, {"mix": {"kind": "none"}})
    {'mix': {'kind': 'none'}}
    """
    result: dict[str, Any] = {}
    for settings in trees:
        for key, value in settings.items():
            old, new = as_tree(result.get(key)), as_tree(value)
            if old is not None and new is not None and _same_kind(old, new):
                result[key] = merge_settings(old, new)
            else:
                result[key] = value
    return result


def _same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "kind" not in new or old.get("kind") == new["kind"]


def spread_wildcard(settings: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the key `*` replaced by every key that `there` has in its place.

    It also stands for the keys beside it, which say more than it does: so `*` holds defaults.

    >>> spread_wildcard({"evaluate": {"*": {"clip_s": 4.0}}}, {"evaluate": {"a": {}, "b": {}}})
    {'evaluate': {'a': {'clip_s': 4.0}, 'b': {'clip_s': 4.0}}}
    >>> spread_wildcard({"*": {"clip_s": 4.0}, "a": {"fill": "zeros"}, "b": {"clip_s": 1.0}}, {})
    {'a': {'clip_s': 4.0, 'fill': 'zeros'}, 'b': {'clip_s': 1.0}}
    """
    every = {EVERY: settings[EVERY]} if EVERY in settings else {}
    named = {key: value for key, value in settings.items() if key != EVERY}
    result: dict[str, Any] = {}
    for key in dict.fromkeys([*there, *named] if every else named):
        below = as_tree(there.get(key)) or {}
        for value in [*every.values(), *([named[key]] if key in named else [])]:
            inner = as_tree(value)
            new = value if inner is None else spread_wildcard(inner, below)
            result = merge_settings(result, {key: new})
    return result


def iterate_leaves(
    settings: Mapping[str, Any], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value that is no table, with the keys that lead to it."""
    for key, value in settings.items():
        inner = as_tree(value)
        if inner is None:
            yield (*prefix, key), value
        else:
            yield from iterate_leaves(inner, (*prefix, key))


def as_tree(value: Any) -> Mapping[str, Any] | None:
    """Return `value` where it is a table of settings, else None."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def value_at(settings: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return what `keys` lead to, None where they lead nowhere."""
    value: Any = settings
    for key in keys:
        inner = as_tree(value)
        if inner is None:
            return None
        value = inner.get(key)
    return value


def to_toml(settings: Mapping[str, Any]) -> str:
    """Return settings as TOML on one line, by dotted key.

    >>> to_toml({"mix": {"kind": "csm", "rounds": 2}, "training": {"keep": True}})
    'mix.kind = "csm", mix.rounds = 2, training.keep = true'
    """
    return ", ".join(
        f"{'.'.join(key)} = {format_toml_value(value)}" for key, value in iterate_leaves(settings)
    )


def format_toml_value(value: Any) -> str:
    """Return a setting as TOML, on one line.

    >>> format_toml_value({"min_share": 0.1, "targets": ["q", "k"]})
    '{ min_share = 0.1, targets = ["q", "k"] }'
    """
    inner = as_tree(value)
    if inner is None:
        # JSON writes texts, numbers, truth values and lists as TOML does; no setting is null.
        return json.dumps(value, ensure_ascii=False)
    pairs = ", ".join(f"{key} = {format_toml_value(each)}" for key, each in inner.items())
    return f"{{ {pairs} }}"
