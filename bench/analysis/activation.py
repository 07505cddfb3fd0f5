"""What a trained row makes of utterances: TCA's temporal class activation (its Figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench.analysis.trained_rows import LoadedRow, load_utterance
from bench.cards import corpus_cards as corpora
from bench.config import Config
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.models.systems.tca import TemporalClassActivation
from bench.units import BONAFIDE


class UtteranceActivation(NamedTuple):
    """The temporal class activation of one utterance's clip."""

    utterance: str
    where: str
    """Corpus and split."""
    label: str
    """`bonafide`, or the attack with its type (`A13 (TTS+VC)`), or `spoof` where it is unknown."""
    wave: NDArray[np.float32]
    """(samples,), 16 kHz: the clip as the system hears it."""
    activation: NDArray[np.float64]
    """S' of equation 8, (frames, classes), one row each 20 ms; without the utterance token."""
    classes: tuple[str, ...]
    logits: NDArray[np.float64]
    """z', (classes,): what decides."""

    def class_shares(self) -> dict[str, float]:
        """Return the share of frames whose strongest class is each."""
        strongest = self.activation.argmax(axis=1)
        return {name: float((strongest == i).mean()) for i, name in enumerate(self.classes)}

    @property
    def decision(self) -> str:
        """The class of the largest logit."""
        return self.classes[int(self.logits.argmax())]


def require_tca(table: str, row: str, kind: str) -> None:
    """Raise unless a row's system, of `kind`, has a temporal class activation."""
    if kind != "tca":
        raise BenchError(
            "analysis.wrong-system",
            f"{table}, row {row}: its system is {kind}; only tca has a temporal class activation",
        )


def median_utterances(path: Path) -> list[str]:
    """Return one bona fide utterance and one of each attack: those with the median score.

    Bona fide comes first, then attacks by name. Of an even number it is the lower of the middle
    two; equal scores are ordered by name. `path` is a score file of whole utterances.
    """
    table = score_file.read_scores(path)
    columns = [table[name].to_pylist() for name in ("label", "attack", "score", "utterance")]
    groups: dict[tuple[bool, str], list[tuple[float, str]]] = {}
    for label, attack, score, utterance in zip(*columns, strict=True):
        group = (label != BONAFIDE, attack if label != BONAFIDE else "")
        groups.setdefault(group, []).append((score, utterance))
    return [sorted(scored)[(len(scored) - 1) // 2][1] for _, scored in sorted(groups.items())]


def temporal_activations(
    row: LoadedRow, utterances: Sequence[str], config: Config
) -> list[UtteranceActivation]:
    """Return what the row makes of each of the utterances of its evaluations.

    BenchError where the row is of another system, or has no such utterance.
    """
    require_tca(row.table, row.row, row.run.system.kind)
    system = row.load_system(config)
    assert isinstance(system, TemporalClassActivation)
    return [_activate_utterance(row, name, system, config) for name in utterances]


def _activate_utterance(
    row: LoadedRow, utterance: str, system: TemporalClassActivation, config: Config
) -> UtteranceActivation:
    loaded = load_utterance(row, utterance, config)
    wave = loaded.clip.wave
    with torch.inference_mode():
        seen = system.compute_activation(torch.from_numpy(wave)[None])
    line = loaded.subset.table.iloc[loaded.index]
    kind = f" ({line['attack_type']})" if line.get("attack_type") else ""
    return UtteranceActivation(
        utterance,
        f"{corpora.read_corpus_card(loaded.subset.corpus).short} {loaded.subset.split}",
        f"{line['attack'] or line['label']}{kind}",
        wave,
        seen.temporal[0, : system.frames].double().numpy(),
        tuple(system.class_names),
        seen.logits[0].double().numpy(),
    )
