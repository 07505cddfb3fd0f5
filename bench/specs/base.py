"""What every specification shares: frozen, strict, no unknown keys."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError


class Spec(BaseModel):
    """A frozen model that refuses unknown keys and wrong types.

    A string is no number, and 1 is no bool.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def check_ranges(spec: Spec, *names: str) -> None:
    """Raise ValueError for the first of `names` whose least value is above its largest."""
    for name in names:
        low, high = getattr(spec, f"min_{name}"), getattr(spec, f"max_{name}")
        if low > high:
            raise ValueError(f"min_{name} = {low}: should be at most max_{name} = {high}")


SIGNATURE = "signature"
"""Context in which settings are written for a signature."""


def digest(spec: Spec, without: frozenset[str] = frozenset()) -> str:
    """Return eight hexadecimal digits of all settings but those `without`."""
    settings = spec.model_dump(mode="json", exclude=set(without), context=SIGNATURE)
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Absent(Spec):
    """`{ kind = "none" }`: the part is not there."""

    kind: Literal["none"]


Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class NoneAs:
    """None as a card writes it.

    TOML has no null, and a word that says what is meant can replace a number where settings are
    folded.
    """

    def __init__(self, word: str) -> None:
        self.word = word
        self.read = BeforeValidator(self._read)
        self.write = PlainSerializer(self._write, when_used="json")

    def _read(self, value: Any) -> Any:
        if isinstance(value, str) and value != self.word:
            raise PydanticCustomError("word", "should be a number or '{word}'", {"word": self.word})
        return None if value == self.word else value

    def _write(self, value: Any) -> Any:
        return self.word if value is None else value


_utterance, _whole, _same = NoneAs("utterance"), NoneAs("whole"), NoneAs("same")

Resolution = Annotated[Positive | None, _utterance.read, _utterance.write]
"""Seconds in a labelled frame; `utterance` in a card, None in code: whole utterances are labelled.
"""
Length = Annotated[Positive | None, _whole.read, _whole.write]
"""Seconds of a clip; `whole` in a card, None in code: utterances are taken whole."""
OwnRate = Annotated[Positive | None, _same.read, _same.write]
"""A learning rate; `same` in a card, None in code: that of everything else."""
