"""The miniature HAD (Half-truth): which clips it has, and its label files in the official tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.synthetic.clip import (
    Fade,
    PlannedClip,
    Size,
    Speaker,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    make_generator,
)
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import HAD
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, SPOOF

KEY = "had"
AUDIO = {"train": "HAD_train/conbine", "dev": "HAD_dev/conbine", "test": "HAD_test/test"}
"""Folder of each split's audio, the inner archive unpacked; `conbine` is the official spelling."""

GRID = SAMPLE_RATE_HZ // 100
"""Boundaries are printed with two decimals."""

FORGERY = SpoofRecipe(HAD["HAD"], Fade("cosine", 160), pieces=(3,), first=(BONAFIDE,))
"""One stretch in the middle."""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: train and dev half real, half fake; test fake only, as officially."""
    train = _plan_split("train", cast.train, size.had_train, size.had_train // 2, seed)
    dev = _plan_split("dev", cast.dev, size.had_dev, size.had_dev // 2, seed)
    return train + dev + _plan_split("test", cast.eval, size.had_test, 0, seed)


def _plan_split(
    split: str, speakers: Sequence[Speaker], count: int, n_real: int, seed: int
) -> list[PlannedClip]:
    kinds = ["real"] * n_real + ["fake"] * (count - n_real)
    numbers = [*range(1, n_real + 1), *range(1, count - n_real + 1)]
    clips = list[PlannedClip]()
    dealt = deal_items(make_generator(seed, KEY, split), speakers, count)
    for kind, number, speaker in zip(kinds, numbers, dealt, strict=True):
        infix = "" if split == "test" else f"{kind}_"
        name = f"HAD_{split}_{infix}{number:08d}"
        forgery = FORGERY if kind == "fake" else None
        path = f"{AUDIO[split]}/{name}.wav"
        clips.append(PlannedClip(name, path, speaker, f"{KEY}/{name}", forgery, GRID))
    return clips


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write each split's lines `ID START-END-T|F/... KEY`: seconds; key 1 real, 0 fake."""
    for split, folder in AUDIO.items():
        lines = [_format_line(m) for m in made if m.clip.path.startswith(f"{folder}/")]
        write_lines(root / f"HAD_{split}" / f"HAD_{split}_label.txt", lines)


def _format_line(made: WrittenClip) -> str:
    segments = "/".join(
        f"{piece.start / SAMPLE_RATE_HZ:.2f}-{piece.end / SAMPLE_RATE_HZ:.2f}-"
        f"{'F' if piece.label == SPOOF else 'T'}"
        for piece in made.pieces
    )
    return f"{made.clip.utterance} {segments} {0 if made.clip.label == SPOOF else 1}"
