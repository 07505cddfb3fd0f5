"""Columns of a made score file."""

from __future__ import annotations

import numpy as np

ATTACKS = np.array(["", "", "A07", "A08 x"], dtype=object)


def columns(frames, seed, utterances=40, clear=1.0, speakers=1):
    """A score file's columns: every fourth utterance of each attack, half of its frames spoof."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(utterances), frames)
    attack = ATTACKS[number % 4]
    place = np.tile(np.arange(frames), utterances)
    spoof = (attack != "") & ((place % 2 == 0) | (frames == 1))
    score = rng.normal(size=len(number)) - clear * spoof
    return {
        "utterance": np.array([f"u{n:03d}" for n in number], dtype=object),
        "speaker": np.array([f"s{n // 4 % speakers}" for n in number], dtype=object),
        "attack": attack,
        "start_s": place * 0.02,
        "end_s": place * 0.02 + 0.02,
        "label": np.where(spoof, "spoof", "bonafide").astype(object),
        "score": score.astype(np.float32),
        "logit_bonafide": score.astype(np.float32),
        "logit_spoof": np.zeros(len(number), dtype=np.float32),
    }
