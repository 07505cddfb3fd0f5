"""Make clips: speech, its forgery, its channel, the file.

Each by its own random numbers, whatever the order. Versions of one recording that follow each other
are made together, so that it is spoken, and re-synthesised by each vocoder, once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path

import soundfile

from bench._io.child_processes import ChildPool
from bench._io.cores import count_cores
from bench.synthetic.clip import (
    Pcm,
    PlannedClip,
    Segment,
    Size,
    Vocoder,
    Wave,
    WrittenClip,
    make_generator,
)
from bench.synthetic.splice import cut_pieces, is_loud, splice_pieces, to_pcm
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, to_samples

Recording = list[PlannedClip]
"""Clips of one source."""

Map = Callable[
    [Callable[[Recording], list[WrittenClip]], Sequence[Recording]], Iterable[list[WrittenClip]]
]

MOST_PROCESSES = 8
FEWEST_TO_SHARE = 150
"""Below this many recordings other processes take longer to start (they import torch) than they
save."""


def make_speech(clip: PlannedClip, size: Size, seed: int) -> Pcm:
    """Return the speech beneath `clip`, of the size's lengths, a multiple of the clip's grid."""
    rng = make_generator(seed, "source", clip.source)
    wanted = to_samples(rng.uniform(size.shortest_s, size.longest_s) * clip.length)
    speech = to_pcm(clip.speaker.voice.speak(rng, wanted))
    return speech[: len(speech) // clip.grid * clip.grid]


def make_recording(recording: Recording, root: Path, size: Size, seed: int) -> list[WrittenClip]:
    """Write the file of each clip of one source below `root`, and return what was written.

    Files have 16 kHz, 16 bits and one channel, as WAV or FLAC by their names.
    """
    speech = make_speech(recording[0], size, seed)
    resynthesised = dict[Vocoder, Wave]()
    made = list[WrittenClip]()
    for clip in recording:
        heard, cut = speech, (Segment(0, len(speech), BONAFIDE),)
        if clip.forgery:
            wave, vocoder = speech / 32768.0, clip.forgery.vocoder
            if vocoder not in resynthesised:
                resynthesised[vocoder] = vocoder(wave)
            cut = cut_pieces(make_generator(seed, "cut", clip.path), wave, clip.forgery, clip.grid)
            heard = splice_pieces(speech, resynthesised[vocoder], cut, clip.forgery.fade)
        if clip.trimmed:
            heard = heard[is_loud(heard)]
            cut = (Segment(0, len(heard), clip.label),)
        for channel in clip.channels:
            heard = channel(heard)
        _write_audio(root / clip.path, heard)
        made.append(WrittenClip(clip, len(heard), cut))
    return made


def _write_audio(path: Path, heard: Pcm) -> None:
    content = io.BytesIO()  # libsndfile itself says only "System error." of a full disk
    kind = path.suffix.removeprefix(".").upper()
    soundfile.write(content, heard, SAMPLE_RATE_HZ, subtype="PCM_16", format=kind)
    path.write_bytes(content.getvalue())


def group_recordings(clips: Sequence[PlannedClip]) -> list[Recording]:
    """Return `clips` with those of one source that follow each other together."""
    return [list(versions) for _, versions in groupby(clips, lambda clip: clip.source)]


@contextmanager
def share_work(n_recordings: int) -> Iterator[Map]:
    """Give a `map` for the making of `n_recordings`: if they are many, a process for each core."""
    if n_recordings < FEWEST_TO_SHARE:
        yield map
        return
    with ChildPool(min(MOST_PROCESSES, count_cores())) as pool:
        yield partial(pool.map, chunksize=4)


def make_all(
    clips: Sequence[PlannedClip], root: Path, size: Size, seed: int, share: Map
) -> Iterator[WrittenClip]:
    """Yield every clip of `clips` as it is made, in order; `share` is what `share_work` gives."""
    for folder in {(root / clip.path).parent for clip in clips}:
        folder.mkdir(parents=True, exist_ok=True)
    make = partial(make_recording, root=root, size=size, seed=seed)
    for made in share(make, group_recordings(clips)):
        yield from made
