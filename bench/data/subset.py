"""One split of a corpus: a table of utterances, and their frame or span labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

TABLE_COLUMNS = ("utterance", "path", "label", "speaker", "attack", "duration_s")
"""Columns every subset's table has: id; path below the root; `bonafide` or `spoof`; speaker or "";
attack or ""; seconds by the protocol, NaN where it does not say. Readers may add columns
(attack_type, codec, subset, ...). Columns of few words may be pandas categories of text, "" where
there is none; `utterance` and `path` are text."""


class Span(NamedTuple):
    """A stretch of one class, in seconds from the start of the utterance."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class FrameVectors:
    """Official frame labels: for each utterance a bool array, True where the frame is spoof."""

    resolution_s: float
    spoof: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Spans:
    """Official span labels: for each utterance its contiguous spans in order."""

    spans: Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True)
class Subset:
    """One split of one corpus. Immutable; rows are in the protocol's order."""

    corpus: str
    split: str
    root: Path
    table: pd.DataFrame
    timing: FrameVectors | Spans | None
    """None where the corpus has utterance labels only."""
    heard_s: np.ndarray | None = field(default=None, compare=False)
    """Seconds of each row's audio file by its header, where all were looked at before."""

    def __len__(self) -> int:
        return len(self.table)

    def audio_path(self, index: int) -> Path:
        """Return the audio file of the utterance in row `index`."""
        return self.root / self._path_list[index]

    def audio_duration(self, index: int) -> float:
        """Return the seconds of the audio of row `index` by its header, which is read if need be.

        Raise a BenchError as `read_header` does.
        """
        if self.heard_s is None:
            from bench.data.audio import read_header  # many readers of tables read no audio

            return read_header(self.audio_path(index)).duration_s
        return float(self.heard_s[index])

    def choose_rows(self, rows: np.ndarray) -> Subset:
        """Return the subset of some rows, in the order given."""
        return replace(
            self,
            table=self.table.iloc[rows].reset_index(drop=True),
            heard_s=None if self.heard_s is None else self.heard_s[rows],
        )

    @cached_property
    def _path_list(self) -> list[str]:
        # A column's `iloc` takes a hundred times as long, and this is asked for every clip.
        return self.table["path"].tolist()
