"""A score file that fits the keys, and all that its results are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bench._io.digests import file_digest
from bench.data.subset import Subset
from bench.evaluation.checks import Checked
from bench.evaluation.detection import Trials
from bench.evaluation.forms import ScoreFile
from bench.evaluation.read_options import ReadOptions
from bench.metrics.breakdown import Role
from bench.metrics.ranges import weigh_ranges
from bench.metrics.tally import Floats, Integers
from bench.metrics.timeline import LabelledStretches
from bench.units import SPOOF


@dataclass(frozen=True)
class MatchedScores:
    """A score file that fits the keys, and all that its results are computed from."""

    file: ScoreFile
    reading: ReadOptions
    subset: Subset
    checked: Checked
    truth: LabelledStretches | None
    """Of the present trials, where frames are evaluated."""
    table: pd.DataFrame
    """The keys' table, with the file's columns that results are broken down by."""
    roles: Mapping[str, Role]
    """Of every column that results are broken down by."""

    @cached_property
    def trials(self) -> Trials:
        """The utterances that have a score."""
        return self.select_trials(np.flatnonzero(self.checked.present))

    @cached_property
    def every_trial(self) -> Trials:
        """All utterances of the keys; the score of those without one is NaN."""
        return self.select_trials(np.arange(len(self.table)))

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the score file."""
        return file_digest(self.file.path)

    def select_trials(self, rows: Integers) -> Trials:
        """Return the utterances in these rows of the keys' table."""
        # Copying all rows of a long table takes as long as reading it.
        whole = len(rows) == len(self.table) and bool((rows[1:] > rows[:-1]).all())
        table = (self.table if whole else self.table.iloc[rows]).reset_index(drop=True)
        is_spoof = (table["label"] == SPOOF).to_numpy()
        return Trials(self.checked.score[rows], is_spoof, table, rows)

    def split_classes(self) -> tuple[Floats, Floats]:
        """Return the scores of bona fide and of spoof trials, or of frames.

        A frame is spoof where any of its samples is.
        """
        if self.truth is None or self.checked.frames is None:
            trials = self.trials
            return trials.score[~trials.is_spoof], trials.score[trials.is_spoof]
        items = weigh_ranges(self.checked.frames, self.truth).items
        scored = np.isfinite(items.score)
        is_spoof = items.spoof > 0
        return items.score[scored & ~is_spoof], items.score[scored & is_spoof]
