"""What a trained row makes of one utterance: TCA's temporal class activation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench.config import Config
from bench.errors import BenchError
from bench.launchers.trained import TrainedRow, heard
from bench.systems.tca import TemporalClassActivation


class Explained(NamedTuple):
    """The temporal class activation of one utterance's clip."""

    utterance: str
    where: str
    """Corpus and split."""
    label: str
    """`bonafide` or `spoof`, with the attack where it is known."""
    wave: NDArray[np.float32]
    """(samples,), 16 kHz: the clip as the system hears it."""
    activation: NDArray[np.float64]
    """S' of equation 8, (frames, classes), one row each 20 ms; without the utterance token."""
    classes: tuple[str, ...]
    logits: NDArray[np.float64]
    """z', (classes,): what decides."""


def require_tca(table: str, row: str, kind: str) -> None:
    """Raise unless a row's system, of `kind`, has a temporal class activation."""
    if kind != "tca":
        raise BenchError(
            f"{table}, row {row}, is of the system {kind}: only tca has a temporal class activation"
        )


def tca(row: TrainedRow, utterance: str, config: Config) -> Explained:
    """Return what the row makes of an utterance of its evaluations.

    BenchError where the row is of another system, or has no such utterance.
    """
    require_tca(row.table, row.row, row.run.system.kind)
    found = heard(row, utterance, config)
    system = row.system(config)
    assert isinstance(system, TemporalClassActivation)
    wave = found.clip.wave
    with torch.inference_mode():
        seen = system.activation(torch.from_numpy(wave)[None])
    line = found.subset.table.iloc[found.index]
    return Explained(
        utterance,
        f"{found.subset.corpus} {found.subset.split}",
        f"{line['label']} {line['attack']}".strip(),
        wave,
        seen.temporal[0, : system.frames].double().numpy(),
        tuple(system.class_names),
        seen.logits[0].double().numpy(),
    )
