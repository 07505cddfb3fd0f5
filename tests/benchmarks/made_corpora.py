"""Protocols of the two longest corpora in their official form, with made-up lines."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np


def list_asvspoof5(count: int) -> Iterator[str]:
    """Yield lines of ten columns, a fifth of them bona fide, half of them coded."""
    rng = random.Random(5)
    for i in range(count):
        coded = rng.random() < 0.5
        codec = (
            f"C{rng.randint(1, 11):02d} {rng.randint(1, 5)} E_{i // 2:010d}" if coded else "- - -"
        )
        spoof = rng.random() < 0.8
        attack = f"AC{rng.randint(1, 3)} A{rng.randint(17, 32)} spoof" if spoof else ""
        speaker = f"E_{rng.randint(1, 4999):04d} E_{i:010d} {rng.choice('FM')}"
        yield f"{speaker} {codec} {attack or '- bonafide bonafide'} -"


def list_asvspoof2021df(count: int) -> Iterator[str]:
    """Yield lines of thirteen columns, one in twenty-five bona fide; subsets as they are shared."""
    rng = random.Random(21)
    codecs = [
        "nocodec",
        "low_mp3",
        "high_mp3",
        "low_m4a",
        "high_m4a",
        "low_ogg",
        "high_ogg",
        "mp3m4a",
        "oggm4a",
    ]
    for i in range(count):
        compression = rng.choice(codecs)
        subset = rng.choices(["eval", "progress", "hidden"], [533_928, 59_325, 18_576])[0]
        head = f"LA_{rng.randint(1, 67):04d} DF_E_{2_000_000 + i}"
        if rng.random() < 0.04:
            yield f"{head} {compression} asvspoof - bonafide notrim {subset} bonafide - - - -"
        elif rng.random() < 0.5:
            attack = f"A{rng.randint(7, 19):02d} spoof notrim {subset} traditional_vocoder - - - -"
            yield f"{head} {compression} asvspoof {attack}"
        else:
            team = rng.randint(1, 33)
            rest = f"neural_vocoder_autoregressive Task1 team{team} FF E"
            yield f"{head} {compression} vcc2020 Task1-team{team} spoof notrim {subset} {rest}"


LISTS: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
    "asvspoof5": (list_asvspoof5, 680_774),
    "asvspoof2021df": (list_asvspoof2021df, 611_829),
}
"""The lines of each protocol, and how many the corpus has."""


def write_list(key: str, path: Path, count: int) -> None:
    """Write the first `count` lines of a protocol."""
    make_lines, _ = LISTS[key]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in make_lines(count))


def write_asvspoof5(path: Path, count: int) -> np.ndarray:
    """Write ASVspoof 5's protocol; return the label of each line."""
    write_list("asvspoof5", path, count)
    with path.open(encoding="utf-8") as file:
        return np.array([line.split()[8] for line in file])
