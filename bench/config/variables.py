"""The environment variables that give keys of `bench.toml`: BENCH_WORK, BENCH_CORPORA_HAD, ..."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from bench.config import locations
from bench.errors import BenchError, near_name

NOISE = {
    "musan": "MUSAN (openslr.org/17), the folder that holds noise, speech and music",
    "rirs": "RIRS_NOISES (openslr.org/28), its folder simulated_rirs",
}
"""What each key of `[noise]` is."""
SECTIONS = ("corpora", "weights", "noise")
_SINGLE = (
    *("cards", "extend", "work", "tracking", "stage", "scratch"),
    *("device", "devices", "nodes", "workers", "augment_on", "precision", "deterministic"),
    *("checkpoint_minutes", "evaluate"),
)
"""Keys that are in no section."""
_OTHER = (
    *("BENCH_CONFIG", locations.WITHIN, locations.WRITTEN, "BENCH_SWEEP_STORAGE"),
    *("BENCH_SUBMISSION", "BENCH_UNIT"),
)
"""Variables of ours that give no key."""


def variable_name(*keys: str) -> str:
    """Return the variable that gives a key.

    >>> variable_name("corpora", "had")
    'BENCH_CORPORA_HAD'
    """
    return "_".join(("BENCH", *keys)).upper()


def read_variables(environment: Mapping[str, str]) -> dict[tuple[str, ...], tuple[str, Any]]:
    """Return by key the variable that gives it and its value.

    Raise one BenchError for all that begin with BENCH_ and are none of ours.
    """
    values: dict[tuple[str, ...], tuple[str, Any]] = {}
    wrong: list[str] = []
    for name in sorted(environment):
        if not name.startswith("BENCH_") or name in _OTHER:
            continue
        keys = _variable_keys(name)
        if keys is None:
            wrong.append(f"{name}: no such variable{_near_variable(name)}")
        elif keys[0] == "noise" and keys[1] not in NOISE:
            wrong.append(f"{name}: no such variable{near_name(keys[1], NOISE)}")
        else:
            parse = _PARSE.get(keys[0])
            text = environment[name]
            values[keys] = (name, parse(name, text) if parse else text)
    if wrong:
        raise BenchError("config.variable-unknown", "\n".join(wrong))
    return values


def _variable_keys(name: str) -> tuple[str, ...] | None:
    """Return the key that a variable gives; None where it gives none.

    >>> *map(_variable_keys, ("BENCH_CORPORA_HAD", "BENCH_WORK", "BENCH_WROK")),
    (('corpora', 'had'), ('work',), None)
    """
    text = name.removeprefix("BENCH_").lower()
    section, _, key = text.partition("_")
    if section in SECTIONS and key:
        return section, key
    return (text,) if text in _SINGLE else None


def _near_variable(name: str) -> str:
    """Return the near name of a variable; sections are compared with the key that it names."""
    *_, key = name.split("_", 2)
    known = [*map(variable_name, _SINGLE), *_OTHER]
    return near_name(name, [*known, *(variable_name(section, key) for section in SECTIONS)])


def _read_flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise BenchError("config.invalid", f"{name} = {text!r}: should be 'true' or 'false'")
    return text == "true"


def _read_number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise BenchError("config.invalid", f"{name} = {text!r}: should be a whole number")
    return int(text)


def _read_minutes(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BenchError("config.invalid", f"{name} = {text!r}: should be a number") from None


def _read_folders(_: str, text: str) -> list[str]:
    return [folder for folder in text.split(os.pathsep) if folder.strip()]


def _read_names(_: str, text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


_PARSE: Mapping[str, Callable[[str, str], Any]] = {
    "extend": _read_folders,
    "stage": _read_names,
    "devices": _read_number,
    "nodes": _read_number,
    "workers": _read_number,
    "deterministic": _read_flag,
    "checkpoint_minutes": _read_minutes,
}
"""How the values that are no texts are read from a variable's name and text."""
