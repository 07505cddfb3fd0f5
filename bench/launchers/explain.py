"""What a trained row makes of one utterance, for figures that explain its decision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench.config import Config
from bench.corpora import cards as corpora
from bench.errors import BenchError, near
from bench.launchers.order import Order
from bench.systems.tca import TemporalClassActivation
from bench.training import checkpoints, engine
from bench.training.clips import Source, held_out
from bench.training.row import Library, folder


class Explained(NamedTuple):
    """The temporal class activation of one utterance's clip."""

    utterance: str
    label: str
    """`bonafide` or `spoof`, with the attack where it is known."""
    wave: NDArray[np.float32]
    """(samples,), 16 kHz: the clip as the system hears it."""
    activation: NDArray[np.float64]
    """S' of equation 8, (frames, classes), one row each 20 ms; without the utterance token."""
    classes: tuple[str, ...]
    logits: NDArray[np.float64]
    """z', (classes,): what decides."""


def tca(order: Order, utterance: str, config: Config) -> Explained:
    """Return what the row of `order`, trained, makes of an utterance of its first evaluation.

    A BenchError where the row is of another system or not trained on this machine, and where the
    split has no such utterance.
    """
    ((row, run),) = order.runs().items()
    if run.system.kind != "tca":
        raise BenchError(
            f"{order.table.key}, row {row}, is of the system {run.system.kind}: only tca has a "
            "temporal class activation"
        )
    data, seed = Library(config).row(run), order.row_seeds(row)[0]
    kept = folder(config.work, run, data, seed) / checkpoints.KEPT
    if not kept.is_file():
        form = " --smoke" if order.form == "smoke" else ""
        raise BenchError(
            f"{order.table.key}, row {row}, seed {seed} is not trained here ({kept} is not there): "
            f"`bench run {order.table.key} --rows {row}{form}` trains it"
        )
    ((name, loaded), *_) = data.evaluate.items()
    subset, evaluation = loaded.subset, run.evaluate[name]
    listed = subset.table["utterance"].tolist()
    if utterance not in listed:
        where = f"{subset.corpus} {subset.split}"
        raise BenchError(f"{where} has no utterance {utterance!r}{near(utterance, listed)}")
    index = listed.index(utterance)
    system = engine.build(run, seed, config)
    assert isinstance(system, TemporalClassActivation)
    system.load_state_dict(checkpoints.load(kept)["system"])
    source = Source(subset, evaluation, corpora.card(subset.corpus).audio, None, config)
    wave = source.read(index, held_out(index), "first").wave
    with torch.inference_mode():
        found = system.eval().activation(torch.from_numpy(wave)[None])
    label, attack = (str(subset.table[column].iloc[index]) for column in ("label", "attack"))
    return Explained(
        utterance,
        f"{label} {attack}".strip(),
        wave,
        found.temporal[0, : system.frames].double().numpy(),
        tuple(system.class_names),
        found.logits[0].double().numpy(),
    )
