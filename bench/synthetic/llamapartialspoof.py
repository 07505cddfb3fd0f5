"""The miniature LlamaPartialSpoof: which clips it has, and its files in the official tree."""

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
from bench.synthetic.vocoders import LLAMAPARTIALSPOOF
from bench.units import SAMPLE_RATE_HZ

KEY = "llamapartialspoof"
PARTS = ("R01TTS.0.a", "R01TTS.0.b")

GRID = SAMPLE_RATE_HZ // 2000
"""Half a millisecond: only such boundaries are exact in the four decimals they are printed with."""

CROSSFADES = {"h": Fade("cosine", 320), "q": Fade("root", 320), "t": Fade("linear", 320)}
"""Fades of partial-cf by the letter in metadata_crossfade.csv.

The official file's size over its number of lines leaves room for an id, a comma and one letter in
each; its letters are not known here, so these are ours."""

CUT = Fade("linear", 0)
OVERLAP = Fade("cosine", 640)

README = """Miniature LlamaPartialSpoof, made by `bench data mini`; not the published corpus.
Spoofed speech is the speaker's own, re-synthesised by Griffin-Lim or WORLD at one of six settings
that carry the names of the corpus's six speech synthesisers.
R01TTS.0.a: bona fide, fully spoofed, partially spoofed by cross-fade.
R01TTS.0.b: partially spoofed by cut/paste and by overlap/add.
Label lines: ID DURATION LABEL START-END-LABEL ..., in seconds.
metadata_crossfade.csv: ID,LETTER with h half cosine, q square root, t straight line.
"""

LICENCE = """What `bench data mini` makes keeps the terms of the recordings that it is made from.
Made from the built-in voice it has none.
"""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: texts bona fide in dev-clean, each with four fakes, and in test-clean.

    A text has one of the six synthesisers (each has every text in the official corpus). Speakers
    of dev-clean and test-clean are disjoint, and none is in the train or dev split of another
    miniature.
    """
    rng = make_generator(seed, KEY)
    n = size.llamapartialspoof_texts
    attacks = deal_items(rng, list(LLAMAPARTIALSPOOF), n)
    letters = deal_items(rng, list(CROSSFADES), n)
    clips = list[PlannedClip]()
    for subset, speakers in (("dev-clean", cast.eval[1:]), ("test-clean", cast.eval[:1])):
        for text, speaker in enumerate(deal_items(rng, speakers, n)):
            number = speaker.number
            tail = f"{number}_{100_000 + number}_{text // 10 + 1:06d}_{text % 10:06d}"
            name = f"{subset}_{tail}"
            clips.append(_plan_clip(PARTS[0], name, speaker, name, None))
            if subset == "dev-clean":
                clips += _plan_fakes(tail, speaker, attacks[text], letters[text])
    return clips


def _plan_fakes(tail: str, speaker: Speaker, attack: str, letter: str) -> list[PlannedClip]:
    vocoder, source = LLAMAPARTIALSPOOF[attack], f"dev-clean_{tail}"
    kinds = {
        "full": (PARTS[0], SpoofRecipe.for_whole_clip(vocoder)),
        "partial-cf": (PARTS[0], SpoofRecipe(vocoder, CROSSFADES[letter])),
        "partial-cp": (PARTS[1], SpoofRecipe(vocoder, CUT)),
        "partial-oa": (PARTS[1], SpoofRecipe(vocoder, OVERLAP)),
    }
    return [
        _plan_clip(part, f"dev01-{attack}-{kind}_{tail}", speaker, source, forgery)
        for kind, (part, forgery) in kinds.items()
    ]


def _plan_clip(
    part: str, name: str, speaker: Speaker, source: str, forgery: SpoofRecipe | None
) -> PlannedClip:
    return PlannedClip(name, f"{part}/{name}.wav", speaker, f"{KEY}/{source}", forgery, GRID)


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write the two label files, the fades, README.txt and LICENSE.txt."""
    ordered = sorted(made, key=lambda m: m.clip.utterance)
    for part in PARTS:
        lines = [_format_line(m) for m in ordered if m.clip.path.startswith(f"{part}/")]
        write_lines(root / f"label_{part}.txt", lines)
    letters = {fade: letter for letter, fade in CROSSFADES.items()}
    rows = [
        f"{m.clip.utterance},{letters[m.clip.forgery.fade]}"
        for m in ordered
        if m.clip.forgery and "-partial-cf_" in m.clip.utterance
    ]
    write_lines(root / "metadata_crossfade.csv", rows)
    write_lines(root / "README.txt", README.splitlines())
    write_lines(root / "LICENSE.txt", LICENCE.splitlines())


def _format_line(made: WrittenClip) -> str:
    spans = " ".join(
        f"{piece.start / SAMPLE_RATE_HZ:.4f}-{piece.end / SAMPLE_RATE_HZ:.4f}-{piece.label}"
        for piece in made.pieces
    )
    duration = f"{made.n_samples / SAMPLE_RATE_HZ:.4f}"
    return f"{made.clip.utterance} {duration} {made.clip.label} {spans}"
