"""Make clips: speech, its forgery, the file; each by its own random numbers, whatever the order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import soundfile

from bench.corpora.mini.clip import Clip, Made, Pcm, Piece, Size, generator
from bench.corpora.mini.splice import join, pcm, pieces
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, samples

Map = Callable[[Callable[[Clip], Made], Sequence[Clip]], Iterable[Made]]

PROCESSES = 2
FEWEST_TO_SHARE = 60
"""Below this many clips other processes take longer to start (they import torch) than they save."""


def source(clip: Clip, size: Size, seed: int) -> Pcm:
    """Return the speech beneath `clip`, of the size's lengths, a multiple of the clip's grid."""
    rng = generator(seed, "source", clip.source)
    wanted = samples(rng.uniform(size.shortest_s, size.longest_s))
    speech = pcm(clip.speaker.voice.speak(rng, wanted))
    return speech[: len(speech) // clip.grid * clip.grid]


def make(clip: Clip, root: Path, size: Size, seed: int) -> Made:
    """Write the WAV file of `clip` below `root` (16 kHz, 16 bits, mono); return what is where."""
    speech = source(clip, size, seed)
    cut = (Piece(0, len(speech), BONAFIDE),)
    if clip.forgery:
        wave = speech / 32768.0
        cut = pieces(generator(seed, "cut", clip.path), wave, clip.forgery, clip.grid)
        speech = join(speech, clip.forgery.vocoder(wave), cut, clip.forgery.fade)
    soundfile.write(root / clip.path, speech, SAMPLE_RATE_HZ, subtype="PCM_16")
    return Made(clip, len(speech), cut)


@contextmanager
def workers(n_clips: int) -> Iterator[Map]:
    """Give a `map` for the making of `n_clips` clips: in two processes where they are many."""
    if n_clips < FEWEST_TO_SHARE:
        yield map
        return
    # Fresh processes: a fork of one that has begun to use threads (torch, the tracking store) can
    # hang.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=4)


def make_all(
    clips: Sequence[Clip], root: Path, size: Size, seed: int, share: Map
) -> Iterator[Made]:
    """Yield every clip of `clips` as it is made, in order; `share` is what `workers` gives."""
    for folder in {(root / clip.path).parent for clip in clips}:
        folder.mkdir(parents=True, exist_ok=True)
    yield from share(partial(make, root=root, size=size, seed=seed), clips)
