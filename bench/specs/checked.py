"""The card of a paper's table that nothing is trained for.

It holds what the paper prints of its network's shapes or of its corpora's counts.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Spec

INPUT = "input"
"""Stands for the waveforms where a module's name could stand."""


class Module(Spec):
    """A module that the table names, and the part of our network that it is."""

    name: str
    """As printed."""
    of: str = ""
    """Dotted name in our network, e.g. `frequency.sinc`; empty where it is part of another one."""


class ShapeStage(Spec):
    """A line of a table of shapes."""

    name: str
    """As printed."""
    modules: tuple[Module, ...] = Field(default=(), strict=False)
    of: str
    """The part of our network whose output it is; `input` are the waveforms."""
    paper: tuple[Literal["N"] | int, ...] = Field(strict=False)
    """The shape that is printed, N being the number of clips."""


class ShapeTable(Spec):
    """Shapes of a network's features, stage after stage."""

    kind: Literal["shapes"]
    key: str
    title: str
    caption: str
    row: str
    """The network: that of a row, `<table>:<row>`."""
    stages: tuple[ShapeStage, ...] = Field(strict=False)
    notes: tuple[str, ...] = Field(default=(), strict=False)


class CountedSet(Spec):
    """A line of a table of counts."""

    name: str
    """As printed."""
    corpus: str
    split: str
    bonafide: str
    spoof: str
    total: str
    """Numbers of utterances as printed, with the commas that are there."""

    @model_validator(mode="after")
    def _check_numbers(self) -> CountedSet:
        for name, text in zip(("bonafide", "spoof", "total"), self.printed_counts, strict=True):
            if not re.fullmatch(r"\d[\d,]*", text):
                raise ValueError(f"{name} = {text!r}: should be digits and commas")
        return self

    @property
    def printed_counts(self) -> tuple[str, str, str]:
        """Bona fide, spoofed, total."""
        return self.bonafide, self.spoof, self.total


class CountTable(Spec):
    """Utterances of each class in the splits that a paper uses."""

    kind: Literal["counts"]
    key: str
    title: str
    caption: str
    sets: tuple[CountedSet, ...] = Field(strict=False)
    notes: tuple[str, ...] = Field(default=(), strict=False)


Checked = Annotated[ShapeTable | CountTable, Field(discriminator="kind")]
