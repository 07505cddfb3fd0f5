"""What is measured on: a device, made weights of XLS-R 300M's size, made corpora, rows of cards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.cards import table_cards
from bench.config import Config, Form
from bench.config.speed_settings import SpeedSettings
from bench.specs.precision import PrecisionName
from bench.specs.run import Run

CORPORA = ("partialspoof", "llamapartialspoof")


class Dimensions(NamedTuple):
    """Of an encoder of XLS-R's family, which all have 16 heads."""

    channels: int
    dim: int
    blocks: int
    feed_forward: int


class Amounts(NamedTuple):
    """How much is made and measured."""

    encoder: Dimensions
    batch: int
    """Clips of a step of SAL."""
    small_batch: int
    """Clips of a step of TCA and BreathNet."""
    warm_up: int
    steps: int
    """Steps that are measured, after `warm_up` others; half as many for the host and scoring."""
    scored: int
    """Clips that are scored at a time."""
    utterances: tuple[int, int, int]
    """Of made PartialSpoof's train, dev and eval."""
    seeds: int
    epochs: int
    """Of the row that is trained from end to end."""
    clip_s: float | None
    """Length of clips; None: the paper's."""
    precisions: tuple[PrecisionName, ...]
    fast: PrecisionName
    """In which settings, and rows that are not compared by precision, are measured."""


WHOLE = Amounts(
    encoder=Dimensions(512, 1024, 24, 4096),
    batch=32,
    small_batch=10,
    warm_up=3,
    steps=10,
    scored=160,
    utterances=(192, 32, 48),
    seeds=3,
    epochs=3,
    clip_s=None,
    precisions=("fp32", "tf32", "bf16-mixed"),
    fast="bf16-mixed",
)
TRIAL = Amounts(
    encoder=Dimensions(16, 32, 2, 64),
    batch=2,
    small_batch=2,
    warm_up=1,
    steps=2,
    scored=2,
    utterances=(8, 6, 6),
    seeds=1,
    epochs=1,
    clip_s=0.96,
    precisions=("fp32", "bf16-mixed"),
    fast="fp32",
)
"""For the CPU: that every part works, and nothing about speed."""


@dataclass(frozen=True)
class Scene:
    """A folder with all that is made, the device, and how much is measured."""

    folder: Path
    device: str
    amounts: Amounts
    is_trial: bool

    @property
    def weights(self) -> Path:
        """The made weights, as torchaudio has them."""
        return self.folder / "encoder.pt"

    def make_config(
        self, speed: SpeedSettings | None = None, augment_on: str = "host", device: str = ""
    ) -> Config:
        """Return a machine's configuration."""
        work = self.folder / "work"
        return Config(
            corpora={key: work / "mini" / key for key in CORPORA},
            weights={"xlsr2_300m": self.weights},
            work=work,
            device=device or self.device,
            augment_on=augment_on,
            speed=speed or SpeedSettings(),
        )

    def resolve_row(self, table: str, row: str, *changes: str, form: Form = "paper") -> Run:
        """Return a row of a table's card with changes."""
        card = table_cards.read_table(table)
        return table_cards.resolve_row(card, row, form, changes)

    def resolve_sal(self, precision: str, *changes: str) -> Run:
        """Return SAL's S7 in a precision, with the batch of these amounts."""
        batch, clip_s = self.amounts.batch, self.amounts.clip_s
        own = [f"training.precision='{precision}'", f"training.batch_size={batch}"]
        own += [] if clip_s is None else [f"train.clip_s={clip_s}"]
        return self.resolve_row("sal/table4", "S7", *own, *changes)
