"""Scores made for a table of trials, and files of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def scored(trials, seed=0, apart=2.0):
    spoof = (trials["label"] == "spoof").to_numpy()
    return np.random.default_rng(seed).normal(size=len(trials)) - apart * spoof, spoof


def text(path: Path, ids, scores) -> Path:
    path.write_text("".join(f"{u} {s:.6f}\n" for u, s in zip(ids, scores, strict=True)))
    return path


def add_dev(folder: Path, trials, *names: str) -> None:
    """Write the keys of 2019 LA dev beside those of `trials`, with the same labels, and add scores
    of dev to each named file, which is made where it is not there.
    """
    dev = trials.assign(utterance=trials["utterance"].str.replace("LA_E_", "LA_D_"))
    rows = dev.itertuples()
    (folder / "keys/ASVspoof2019.LA.cm.dev.trl.txt").write_text(
        "".join(f"{r.speaker} {r.utterance} - {r.attack} {r.label}\n" for r in rows)
    )
    for seed, name in enumerate(names, 10):
        file = folder / name
        if not file.exists():
            text(file, trials["utterance"], scored(trials, seed)[0])
        lines = zip(dev["utterance"], 3 * scored(dev, seed + 100)[0] + 2, strict=True)
        file.write_text(file.read_text() + "".join(f"{u} {s:.6f}\n" for u, s in lines))
