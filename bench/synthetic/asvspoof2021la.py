"""The miniature ASVspoof 2021 LA: which clips it has, and its files in the official trees.

Every utterance is one of the miniature 2019 LA's eval split under another id, sent through each
codec, as the official ASV lists show for the real one. The root holds the two archives' folders,
`ASVspoof2021_LA_eval` and `keys`.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.metrics.tdcf import asv_errors, coefficients_2021
from bench.synthetic import asv, asvspoof2019la
from bench.synthetic.asvspoof2019la import name_attack, name_speaker
from bench.synthetic.channels import ASVSPOOF2021LA
from bench.synthetic.clip import (
    PlannedClip,
    Size,
    SpeakerSplits,
    WrittenClip,
    draw_numbers,
    make_generator,
)
from bench.synthetic.layout import write_lines
from bench.units import BONAFIDE, SPOOF

KEY = "asvspoof2021la"
AUDIO = "ASVspoof2021_LA_eval"
KEYS = "keys/LA"
CODECS = list(ASVSPOOF2021LA)
IN_PROGRESS = CODECS[:4]
"""The progress subset has no ulaw, gsm or opus (its official C012 has none for them)."""

SUBSETS = {"eval": "eval", "progress": "prog", "hidden": "hidden"}
"""Subsets, and what the names of their C012 files have for them."""

ROUTES = ("ita_tx", "sin_tx", "loc_tx")
POOLED = "Pooled"

ENROLMENT = "enrolment"
"""Folder of what ASV models are made from; the official tree has no such audio, and in the end ours
has none either."""

README = """Miniature ASVspoof 2021 LA, made by `bench data mini`; not the published corpus.
Utterances of the miniature 2019 LA's eval split through seven codecs; the hidden subset's have no
non-speech. Codecs without an encoder here have a stand-in. Transmissions are names only.
"""


def assign_subsets(n: int) -> list[str]:
    """Return a subset for each of `n` recordings of a class.

    The first half is eval, the others are progress and hidden; all are eval where there are fewer
    than three.
    """
    other = max(n // 4, int(n >= 3))
    return ["eval"] * (n - 2 * other) + ["progress"] * other + ["hidden"] * other


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: every utterance of 2019 LA's eval split through every codec of its subset.

    The enrolment of that split goes through every codec, too.
    """
    clips = [c for c in asvspoof2019la.plan(cast, size, seed) if c.fields["split"] == "eval"]
    enrolment = [clip for clip in clips if clip.fields["attack"] == "enrolment"]
    beneath = [clip for clip in clips if clip.fields["attack"] != "enrolment"]
    rng = make_generator(seed, KEY)
    taken = {int(clip.utterance.removeprefix("LA_E_")) for clip in beneath}
    fresh = iter(draw_numbers(rng, len(beneath) * len(CODECS), taken))
    planned = list[PlannedClip]()
    for label in (BONAFIDE, SPOOF):
        of_class = [clip for clip in beneath if clip.label == label]
        for clip, subset in zip(of_class, assign_subsets(len(of_class)), strict=True):
            for codec in IN_PROGRESS if subset == "progress" else CODECS:
                route = {"none": "-", "pstn": "mad_tx"}.get(codec, str(rng.choice(ROUTES)))
                planned.append(_send_clip(clip, f"LA_E_{next(fresh)}", codec, route, subset))
    return planned + [_plan_enrolment(clip, codec) for clip in enrolment for codec in CODECS]


def _plan_enrolment(clip: PlannedClip, codec: str) -> PlannedClip:
    return replace(
        clip,
        path=f"{ENROLMENT}/{codec}/{clip.utterance}.flac",
        channels=ASVSPOOF2021LA[codec],
        fields={"codec": codec},
    )


def _send_clip(
    clip: PlannedClip, name: str, codec: str, transmission: str, subset: str
) -> PlannedClip:
    return replace(
        clip,
        utterance=name,
        path=f"{AUDIO}/flac/{name}.flac",
        trimmed=subset == "hidden",
        channels=ASVSPOOF2021LA[codec],
        fields={
            "attack": clip.fields["attack"],
            "codec": codec,
            "transmission": transmission,
            "trim": "only_speech" if subset == "hidden" else "notrim",
            "subset": subset,
            "original": clip.utterance,
        },
    )


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write the trial list, the CM and ASV keys, the ASV scores, the coefficients, the readme."""
    ordered = sorted(
        (m for m in made if not m.clip.path.startswith(ENROLMENT)), key=lambda m: m.clip.utterance
    )
    write_lines(
        root / AUDIO / "ASVspoof2021.LA.cm.eval.trl.txt", [m.clip.utterance for m in ordered]
    )
    write_lines(root / AUDIO / "README.LA.txt", README.splitlines())
    write_lines(root / KEYS / "CM/trial_metadata.txt", [_format_cm(m) for m in ordered])
    trials = list(_run_trials(root, made))
    shutil.rmtree(root / ENROLMENT)
    write_lines(root / KEYS / "ASV/trial_metadata.txt", [_format_asv(t) for t in trials])
    write_lines(
        root / KEYS / "ASV/ASVTorch_Kaldi/score.txt",
        [f"{_format_ids(t)} {t.score:.6f}" for t in trials],
    )
    for subset, name in SUBSETS.items():
        here = [t for t in trials if t.made.clip.fields["subset"] == subset]
        # As the official files are: a pickle as such, in spite of their names' end.
        content = np.array(tabulate_coefficients(here), dtype=object)
        (root / KEYS / f"LA-C012-{name}.npy").write_bytes(pickle.dumps(content, protocol=2))


def _format_cm(made: WrittenClip) -> str:
    f = made.clip.fields
    return (
        f"{name_speaker(made.clip.speaker.number)} {made.clip.utterance} {f['codec']} "
        f"{f['transmission']} {name_attack(made)} {made.clip.label} {f['trim']} {f['subset']}"
    )


def _run_trials(root: Path, made: Sequence[WrittenClip]) -> Iterator[asv.Trial]:
    """Yield the trials, of each codec with models from enrolment through that codec."""
    for codec in CODECS:
        coded = [m for m in made if m.clip.fields["codec"] == codec]
        enrolment = [m for m in coded if m.clip.path.startswith(ENROLMENT)]
        cm = [m for m in coded if not m.clip.path.startswith(ENROLMENT)]
        yield from asv.score_trials(root, cm, enrolment, asv.BELOW_4_KHZ)


def _format_ids(trial: asv.Trial) -> str:
    """Return claimed speaker and utterance: 2019 LA's id and the channel in each."""
    f = trial.made.clip.fields
    channel = f"{f['codec']}-{f['transmission'].replace('-', 'none')}"
    prefix = "LA2021-" if f["subset"] == "hidden" else ""
    return f"{name_speaker(trial.claimed)}-{channel} {prefix}{f['original']}-{channel}"


def _format_asv(trial: asv.Trial) -> str:
    f = trial.made.clip.fields
    return (
        f"{_format_ids(trial)} {f['codec']} {f['transmission'].replace('-', 'none')} "
        f"{name_attack(trial.made)} {trial.key} {f['trim']} {f['subset']}"
    )


def tabulate_coefficients(trials: Sequence[asv.Trial]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the t-DCF coefficients C0, C1 and C2 of `trials` by attack and codec, and pooled.

    They are NaN where there is no trial of a kind.

    The attack restricts spoofed trials, the codec all, so that the threshold of the speaker
    verification is the codec's own.
    """
    attacks, codecs = [*asvspoof2019la.UNSEEN, POOLED], [*CODECS, POOLED]
    return {a: {c: _compute_coefficients(trials, a, c) for c in codecs} for a in attacks}


def _compute_coefficients(
    trials: Sequence[asv.Trial], against: str, codec: str
) -> dict[str, float]:
    target, nontarget, spoof = (
        [
            t.score
            for t in trials
            if t.key == key
            and codec in (POOLED, t.made.clip.fields["codec"])
            and (key != "spoof" or against in (POOLED, t.made.clip.fields["attack"]))
        ]
        for key in ("target", "nontarget", "spoof")
    )
    if not (target and nontarget and spoof):
        return dict.fromkeys(("C0", "C1", "C2"), float("nan"))
    c0, c1, c2 = map(np.float64, coefficients_2021(asv_errors(target, nontarget, spoof)))
    return {"C0": c0, "C1": c1, "C2": c2}
