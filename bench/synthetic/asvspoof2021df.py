"""The miniature ASVspoof 2021 DF: which clips it has, and its files in the official trees.

Every recording is there under nine compressions. The root holds the two archives' folders,
`ASVspoof2021_DF_eval` and `keys`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.synthetic import asvspoof2019la
from bench.synthetic.asvspoof2021la import assign_subsets
from bench.synthetic.channels import ASVSPOOF2021DF
from bench.synthetic.clip import (
    PlannedClip,
    Size,
    Speaker,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    draw_numbers,
    make_generator,
)
from bench.synthetic.gender import Gender, detect_genders
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import ASVSPOOF2019LA, VOICE_CONVERSION
from bench.units import BONAFIDE, SPOOF

KEY = "asvspoof2021df"
AUDIO = "ASVspoof2021_DF_eval"
KEYS = "keys/DF"
SOURCES = ("asvspoof", "vcc2018", "vcc2020")


class Attack(NamedTuple):
    """What the key file says of an attack."""

    source: str
    vocoder: str
    language: str = "-"


ATTACKS: Mapping[str, Attack] = {
    "A08": Attack("asvspoof", "neural_vocoder_nonautoregressive"),
    "A09": Attack("asvspoof", "traditional_vocoder"),
    "A10": Attack("asvspoof", "neural_vocoder_autoregressive"),
    "A14": Attack("asvspoof", "traditional_vocoder"),
    "A16": Attack("asvspoof", "waveform_concatenation"),
    "SPO-B01": Attack("vcc2018", "traditional_vocoder"),
    "SPO-N16": Attack("vcc2018", "unknown"),
    "HUB-N12": Attack("vcc2018", "neural_vocoder_autoregressive"),
    "Task1-team20": Attack("vcc2020", "neural_vocoder_nonautoregressive", "E"),
    "Task2-team12": Attack("vcc2020", "traditional_vocoder", "G"),
    "Task1-team07": Attack("vcc2020", "neural_vocoder_autoregressive", "E"),
}
"""Some of the official attacks. The words are the key file's; for A14, SPO-B01, Task1-team20 and
Task2-team12 so is the match of words and attack, for the others it is ours. None tells what made
the sound, which is one of two vocoders."""

README = """Miniature ASVspoof 2021 DF, made by `bench data mini`; not the published corpus.
Speech and its re-synthesis by Griffin-Lim or WORLD under nine compressions; AAC has a stand-in. The
hidden subset's has no non-speech. Genders are read off the pitch.
"""


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: a third of the recordings bona fide, of each subset as of the whole."""
    rng = make_generator(seed, KEY)
    count = size.asvspoof2021df_recordings
    n_bonafide = count // 3
    speakers = deal_items(rng, cast.eval, count)
    attacks = deal_items(rng, list(ATTACKS), count - n_bonafide)
    names = ["-"] * n_bonafide + attacks
    sources = deal_items(rng, SOURCES, n_bonafide) + [ATTACKS[name].source for name in attacks]
    within = assign_subsets(n_bonafide) + assign_subsets(count - n_bonafide)
    fresh = iter(draw_numbers(rng, count * len(ASVSPOOF2021DF)))
    clips = list[PlannedClip]()
    for i, row in enumerate(zip(speakers, names, sources, within, strict=True)):
        recording = _plan_recording(i, *row)
        for compression, channels in ASVSPOOF2021DF.items():
            name = f"DF_E_{next(fresh)}"
            fields = {**recording.fields, "compression": compression}
            path = f"{AUDIO}/flac/{name}.flac"
            clips.append(
                replace(recording, utterance=name, path=path, channels=channels, fields=fields)
            )
    return clips


def _plan_recording(
    number: int, speaker: Speaker, attack: str, source: str, subset: str
) -> PlannedClip:
    forgery = None
    if attack != "-":
        forgery = SpoofRecipe.for_whole_clip({**ASVSPOOF2019LA, **VOICE_CONVERSION}[attack])
    fields = {
        "source": source,
        "attack": attack,
        "trim": "trim" if subset == "hidden" else "notrim",
        "subset": subset,
    }
    key = f"{KEY}/{number}"
    trimmed = subset == "hidden"
    return PlannedClip(key, "", speaker, key, forgery, length=0.5, trimmed=trimmed, fields=fields)


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write the trial list, the keys and the readme."""
    ordered = sorted(made, key=lambda m: m.clip.utterance)
    gender = detect_genders(root, [m for m in ordered if m.clip.fields["compression"] == "nocodec"])
    write_lines(
        root / AUDIO / "ASVspoof2021.DF.cm.eval.trl.txt", [m.clip.utterance for m in ordered]
    )
    write_lines(root / AUDIO / "README.DF.txt", README.splitlines())
    lines = [_format_key(m, gender[m.clip.speaker.number]) for m in ordered]
    write_lines(root / KEYS / "CM/trial_metadata.txt", lines)


def _format_key(made: WrittenClip, gender: Gender) -> str:
    """Return the thirteen columns; a converted voice is here of the gender it was made from."""
    f, number = made.clip.fields, made.clip.speaker.number
    speaker = {
        "asvspoof": asvspoof2019la.name_speaker(number),
        "vcc2018": f"VCC2T{gender}{number}",
        "vcc2020": f"TE{gender}{number}",
    }[f["source"]]
    vocoder, conversion = BONAFIDE, "- - - -"
    if made.clip.label == SPOOF:
        attack = ATTACKS[f["attack"]]
        vocoder = attack.vocoder
        if attack.source != "asvspoof":
            task, team = f["attack"].split("-")
            conversion = f"{task} {team} {gender}{gender} {attack.language}"
    return (
        f"{speaker} {made.clip.utterance} {f['compression']} {f['source']} {f['attack']} "
        f"{made.clip.label} {f['trim']} {f['subset']} {vocoder} {conversion}"
    )
