"""The miniature In-the-Wild: which clips it has, and its files in the official tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.synthetic.channels import WEB
from bench.synthetic.clip import (
    PlannedClip,
    Size,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    make_generator,
)
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import LLAMAPARTIALSPOOF
from bench.units import CLASSES, SPOOF

KEY = "inthewild"
ROOT = "release_in_the_wild"

ATTRIBUTION = """Miniature In-the-Wild, made by `bench data mini`; not the published corpus.
Speech and its re-synthesis by Griffin-Lim or WORLD, each clip once through Opus, MP3 or Ogg Vorbis.
It keeps the terms of the recordings that it is made from; made from the built-in voice it has none.
"""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: half of each class, in random order."""
    rng = make_generator(seed, KEY)
    count = size.inthewild
    dealt = zip(
        deal_items(rng, CLASSES, count),
        deal_items(rng, cast.eval, count),
        deal_items(rng, list(LLAMAPARTIALSPOOF.values()), count),
        deal_items(rng, WEB, count),
        strict=True,
    )
    clips = list[PlannedClip]()
    for number, (label, speaker, vocoder, channels) in enumerate(dealt):
        name = f"{number}.wav"
        forgery = SpoofRecipe.for_whole_clip(vocoder) if label == SPOOF else None
        source = f"{KEY}/{number}"
        clip = PlannedClip(
            name, f"{ROOT}/{name}", speaker, source, forgery, length=0.5, channels=channels
        )
        clips.append(clip)
    return clips


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write meta.csv, in the order of the files' numbers, and attribution.txt."""
    rows = [
        f"{m.clip.utterance},Speaker {m.clip.speaker.number},"
        f"{'spoof' if m.clip.label == SPOOF else 'bona-fide'}"
        for m in made
    ]
    write_lines(root / ROOT / "meta.csv", ["file,speaker,label", *rows])
    write_lines(root / ROOT / "attribution.txt", ATTRIBUTION.splitlines())
