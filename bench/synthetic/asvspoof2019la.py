"""The miniature ASVspoof 2019 LA: which clips it has, and its files in the official tree.

Bona fide utterances are the miniature PartialSpoof's, with the same ids, as officially; spoofed
ones are re-synthesised throughout. The root is what lies inside the archive's `LA`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.synthetic import asv, partialspoof
from bench.synthetic.clip import (
    PlannedClip,
    Size,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    draw_numbers,
    make_generator,
)
from bench.synthetic.gender import detect_genders
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import ASVSPOOF2019LA
from bench.units import BONAFIDE, SPOOF

KEY = "asvspoof2019la"
PROTOCOLS = {"train": "train.trn", "dev": "dev.trl", "eval": "eval.trl"}
ATTACKS = list(ASVSPOOF2019LA)
SEEN, UNSEEN = ATTACKS[:6], ATTACKS[6:]

ENROLMENT = 2
"""Utterances that each speaker of dev and eval enrols with; officially eleven or more."""

README = """Miniature ASVspoof 2019 LA, made by `bench data mini`; not the published corpus.
Spoofed speech is the speaker's own, re-synthesised by Griffin-Lim or WORLD at one of 19 settings
that carry the numbers of the corpus's attacks.
ASV trials pair every bona fide utterance with every speaker, whatever their gender; officially
within a gender. Genders are read off the pitch.
"""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips, as many of each class and split as the miniature PartialSpoof has.

    The enrolment of dev and eval comes in addition.
    """
    beneath = partialspoof.plan(cast, size, seed)
    return [clip for split in PROTOCOLS for clip in _plan_split(cast, split, beneath, seed)]


def _plan_split(
    cast: SpeakerSplits, split: str, beneath: Sequence[PlannedClip], seed: int
) -> list[PlannedClip]:
    rng = make_generator(seed, KEY, split)
    prefix = f"LA_{split[0].upper()}_"
    here = [clip for clip in beneath if clip.path.startswith(f"{split}/")]
    bonafide = [
        replace(clip, path=_audio_path(split, clip.utterance), fields=_protocol_fields(split, "-"))
        for clip in here
        if clip.label == BONAFIDE
    ]
    taken = {int(clip.utterance.removeprefix(prefix)) for clip in bonafide}
    speakers = getattr(cast, split)
    count = len(here) - len(bonafide)
    dealt = zip(
        draw_numbers(rng, count, taken),
        deal_items(rng, speakers, count),
        deal_items(rng, UNSEEN if split == "eval" else SEEN, count),
        strict=True,
    )
    spoof = list[PlannedClip]()
    for number, speaker, attack in dealt:
        name, forgery = f"{prefix}{number}", SpoofRecipe.for_whole_clip(ASVSPOOF2019LA[attack])
        clip = PlannedClip(name, _audio_path(split, name), speaker, f"{KEY}/{name}", forgery)
        spoof.append(replace(clip, fields=_protocol_fields(split, attack)))
    enrolment = list[PlannedClip]()
    if split != "train":
        who = [speaker for speaker in speakers for _ in range(ENROLMENT)]
        for speaker, number in zip(who, draw_numbers(rng, len(who)), strict=True):
            name = f"{prefix}A{number}"
            clip = PlannedClip(name, _audio_path(split, name), speaker, f"{KEY}/{name}", None)
            enrolment.append(replace(clip, fields=_protocol_fields(split, "enrolment")))
    return bonafide + spoof + enrolment


def _audio_path(split: str, name: str) -> str:
    return f"ASVspoof2019_LA_{split}/flac/{name}.flac"


def _protocol_fields(split: str, attack: str) -> dict[str, str]:
    return {"split": split, "attack": attack}


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write the CM protocols, the ASV protocols and scores of dev and eval, and the readme."""
    ordered = sorted(made, key=lambda m: (m.clip.speaker.number, m.clip.utterance))
    for split, name in PROTOCOLS.items():
        here = [m for m in ordered if m.clip.fields["split"] == split]
        cm = [m for m in here if m.clip.fields["attack"] != "enrolment"]
        write_lines(
            root / f"ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{name}.txt",
            [
                f"{name_speaker(m.clip.speaker.number)} {m.clip.utterance} - "
                f"{m.clip.fields['attack']} {m.clip.label}"
                for m in cm
            ],
        )
        if split != "train":
            _write_asv(root, split, cm, [m for m in here if m.clip.fields["attack"] == "enrolment"])
    write_lines(root / "README.LA.txt", README.splitlines())


def name_speaker(number: int) -> str:
    """Return the name of a speaker, as in the protocols of 2019 LA, 2021 LA and 2021 DF."""
    return f"LA_{number:04d}"


def name_attack(made: WrittenClip) -> str:
    """Return the attack, or `bonafide`, as the ASV protocols and the 2021 ones have it."""
    return made.clip.fields["attack"] if made.clip.label == SPOOF else BONAFIDE


def _write_asv(
    root: Path, split: str, cm: Sequence[WrittenClip], enrolment: Sequence[WrittenClip]
) -> None:
    """Write trials, enrolment and scores: male, female, and both, the male ones first (gi)."""
    gender = detect_genders(root, enrolment)
    trials = asv.score_trials(root, cm, enrolment, asv.BELOW_4_KHZ)
    trials.sort(key=lambda trial: gender[trial.claimed] == "F")
    folder = root / "ASVspoof2019_LA_asv_protocols"
    for name, members in (("male", "M"), ("female", "F"), ("gi", "MF")):
        trl = [
            f"{name_speaker(t.claimed)} {t.made.clip.utterance} {name_attack(t.made)} {t.key}"
            for t in trials
            if gender[t.claimed] in members
        ]
        write_lines(folder / f"ASVspoof2019.LA.asv.{split}.{name}.trl.txt", trl)
        trn = [
            f"{name_speaker(number)} {','.join(_format_enrolment(enrolment, number))}"
            for number in sorted(gender, key=lambda number: (gender[number] == "F", number))
            if gender[number] in members
        ]
        write_lines(folder / f"ASVspoof2019.LA.asv.{split}.{name}.trn.txt", trn)
    write_lines(
        root / f"ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.{split}.gi.trl.scores.txt",
        [f"{name_attack(t.made)} {t.key} {t.score:.6f}" for t in trials],
    )


def _format_enrolment(enrolment: Sequence[WrittenClip], number: int) -> list[str]:
    return [m.clip.utterance for m in enrolment if m.clip.speaker.number == number]
