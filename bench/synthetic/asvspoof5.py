"""The miniature ASVspoof 5, track 1: which clips it has, and its files in the official tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.synthetic import channels
from bench.synthetic.clip import (
    PlannedClip,
    Size,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    make_generator,
)
from bench.synthetic.gender import Gender, detect_genders
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import ASVSPOOF5
from bench.units import BONAFIDE

KEY = "asvspoof5"
PROTOCOLS = {"train": "train", "dev": "dev.track_1", "eval": "eval.track_1"}
AUDIO = {"train": "flac_T", "dev": "flac_D", "eval": "flac_E_eval"}
ATTACKS = list(ASVSPOOF5)
OF_SPLIT = {"train": ATTACKS[:8], "dev": ATTACKS[8:16], "eval": ATTACKS[16:]}
CONDITIONS = ("AC1", "AC2", "AC3")
CODED = 3
"""Coded versions of each recording of eval, beside the one that is not."""

UNCODED = {"train": "- - -", "dev": "- - -", "eval": "- 0 -"}
"""CODEC, CODEC_Q and CODEC_SEED of what is not coded; eval's official file has 0 for the quality
(read in Jmqcooper1/asvspoof5-domain-invariant-cm, docs/asvspoof5_domains.md)."""

README = """Miniature ASVspoof 5 (track 1), made by `bench data mini`; not the published corpus.
Spoofed speech is the speaker's own, re-synthesised by Griffin-Lim or WORLD at one of 32 settings
that carry the numbers of the corpus's attacks. Codecs without an encoder here have a stand-in, so
bit rates in ASVspoof5.codec.config.csv are not the official ones. Genders are read off the pitch;
ATTACK_TAG is drawn at random.
"""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: in each split a third bona fide; only eval has codecs."""
    counts = (size.asvspoof5_train, size.asvspoof5_dev, size.asvspoof5_eval_recordings)
    splits = zip(PROTOCOLS, counts, strict=True)
    return [clip for split, n in splits for clip in _plan_split(cast, split, n, seed)]


def _plan_split(cast: SpeakerSplits, split: str, count: int, seed: int) -> list[PlannedClip]:
    rng = make_generator(seed, KEY, split)
    n_bonafide = count // 3
    speakers = deal_items(rng, getattr(cast, split), count)
    attacks = [BONAFIDE] * n_bonafide + deal_items(rng, OF_SPLIT[split], count - n_bonafide)
    versions = 1 + CODED if split == "eval" else 1
    numbers = iter(rng.choice(10_000_000, count * versions, replace=False))
    codecs = iter(_draw_codecs(rng, count * CODED))
    clips = list[PlannedClip]()
    for speaker, attack in zip(speakers, attacks, strict=True):
        forgery, tag = None, "-"
        if attack != BONAFIDE:
            forgery = SpoofRecipe.for_whole_clip(ASVSPOOF5[attack])
            tag = str(rng.choice(CONDITIONS))
        name = _file_name(split, next(numbers))
        fields = {"split": split, "tag": tag, "attack": attack, "codec": UNCODED[split]}
        path = f"{AUDIO[split]}/{name}.flac"
        source = f"{KEY}/{name}"
        recording = PlannedClip(name, path, speaker, source, forgery, length=0.5, fields=fields)
        clips.append(recording)
        for _ in range(versions - 1):
            clips.append(_code_clip(recording, _file_name(split, next(numbers)), *next(codecs)))
    return clips


def _file_name(split: str, number: np.int64) -> str:
    return f"{split[0].upper()}_{number:010d}"


def _draw_codecs(rng: np.random.Generator, count: int) -> list[tuple[str, int]]:
    """Return `count` codecs, each as often as any other, at qualities drawn from those it has."""
    qualities = dict[str, list[int]]()
    for codec, quality in channels.ASVSPOOF5:
        qualities.setdefault(codec, []).append(quality)
    codecs = deal_items(rng, list(qualities), count)
    return [(codec, int(rng.choice(qualities[codec]))) for codec in codecs]


def _code_clip(recording: PlannedClip, name: str, codec: str, quality: int) -> PlannedClip:
    return replace(
        recording,
        utterance=name,
        path=f"{AUDIO['eval']}/{name}.flac",
        channels=channels.ASVSPOOF5[codec, quality],
        fields={**recording.fields, "codec": f"{codec} {quality} {recording.utterance}"},
    )


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write the three protocols of ten columns, the table of codecs and the readme."""
    ordered = sorted(made, key=lambda m: m.clip.utterance)
    for split, name in PROTOCOLS.items():
        here = [m for m in ordered if m.clip.fields["split"] == split]
        plain = [m for m in here if not m.clip.channels]
        gender = detect_genders(root, plain)
        lines = [_format_line(m, gender[m.clip.speaker.number]) for m in here]
        write_lines(root / f"ASVspoof5.{name}.tsv", lines)
    write_lines(root / "ASVspoof5.codec.config.csv", channels.asvspoof5_configuration())
    write_lines(root / "README.txt", README.splitlines())


def _format_line(made: WrittenClip, gender: Gender) -> str:
    clip, f = made.clip, made.clip.fields
    speaker = f"{f['split'][0].upper()}_{clip.speaker.number:04d}"
    return (
        f"{speaker} {clip.utterance} {gender} {f['codec']} {f['tag']} {f['attack']} {clip.label} -"
    )
