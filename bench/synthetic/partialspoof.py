"""The miniature PartialSpoof: which clips it has, and its files in the official tree (v1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.synthetic import asv
from bench.synthetic.clip import (
    Fade,
    PlannedClip,
    Segment,
    Size,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    make_generator,
)
from bench.synthetic.layout import write_lines
from bench.synthetic.splice import is_loud, make_frame_labels
from bench.synthetic.vocoders import PARTIALSPOOF_SEEN, PARTIALSPOOF_UNSEEN
from bench.synthetic.voices import read_recording
from bench.units import BONAFIDE, SAMPLE_RATE_HZ, SPOOF

KEY = "partialspoof"
SPLITS = ("train", "dev", "eval")
RESOLUTIONS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
FADE = Fade("cosine", 160)


def plan(cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
    """Return the clips: in each split a third bona fide; of the rest, a tenth spoofed throughout.

    The official corpus is a tenth bona fide; a third, because a small set would else hold too few
    to learn from.
    """
    counts = (size.partialspoof_train, size.partialspoof_dev, size.partialspoof_eval)
    splits = zip(SPLITS, counts, strict=True)
    return [clip for split, n in splits for clip in _plan_split(cast, split, n, seed)]


def _plan_split(cast: SpeakerSplits, split: str, count: int, seed: int) -> list[PlannedClip]:
    rng = make_generator(seed, KEY, split)
    attacks = PARTIALSPOOF_UNSEEN if split == "eval" else PARTIALSPOOF_SEEN
    n_bonafide = count // 3
    speakers = deal_items(rng, getattr(cast, split), count)
    vocoders = deal_items(rng, list(attacks.values()), count - n_bonafide)
    numbers = rng.choice(9_000_000, n_bonafide, replace=False) + 1_000_000
    letter = split[0].upper()
    names = [f"LA_{letter}_{number}" for number in numbers]
    names += [f"CON_{letter}_{number:07d}" for number in range(count - n_bonafide)]
    forgeries: list[SpoofRecipe | None] = [None] * n_bonafide
    forgeries += [
        SpoofRecipe.for_whole_clip(vocoder) if i % 10 == 0 else SpoofRecipe(vocoder, FADE)
        for i, vocoder in enumerate(vocoders)
    ]
    return [
        PlannedClip(name, f"{split}/con_wav/{name}.wav", speaker, f"{KEY}/{name}", forgery)
        for name, speaker, forgery in zip(names, speakers, forgeries, strict=True)
    ]


def annotate(root: Path, made: Sequence[WrittenClip]) -> None:
    """Write all but the audio: protocols, scores, lists, con_data, labels, vad, label2num."""
    for split in SPLITS:
        prefix = f"{split}/"
        here = [m for m in made if m.clip.path.startswith(prefix)]
        here.sort(key=lambda m: (m.clip.speaker.number, m.clip.utterance))
        _write_protocol(root, split, here)
        _write_con_data(root, split, here)
        _write_segment_labels(root, split, here)
        _write_vad(root, split, here)
        if split != "train":
            folder = root / "protocols/PartialSpoof_LA_asv_scores"
            trials = [
                f"{'CON' if trial.key == SPOOF else BONAFIDE} {trial.key} {trial.score:.6f}"
                for trial in asv.score_trials(root, here)
            ]
            write_lines(folder / f"PartialSpoof.LA.asv.{split}.gi.trl.scores.txt", trials)
    write_lines(root / "label2num/label2num_2cls_0sil", [f"{SPOOF} 0", f"{BONAFIDE} 1"])


def _write_protocol(root: Path, split: str, made: Sequence[WrittenClip]) -> None:
    lines = [
        f"LA_{m.clip.speaker.number:04d} {m.clip.utterance} - "
        f"{'CON' if m.clip.label == SPOOF else '-'} {m.clip.label}"
        for m in made
    ]
    write_lines(
        root / f"protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.{split}.trl.txt", lines
    )


def _write_con_data(root: Path, split: str, made: Sequence[WrittenClip]) -> None:
    names = [m.clip.utterance for m in made]
    # In the released archive the list lies beside con_data, in the authors' repository within it.
    write_lines(root / split / f"{split}.lst", names)
    folder = root / split / "con_data"
    write_lines(folder / f"{split}.lst", names)
    write_lines(
        folder / "reco2dur",
        [f"{m.clip.utterance} {m.n_samples / SAMPLE_RATE_HZ:.6f}" for m in made],
    )
    turns = [(m.clip.utterance, piece) for m in made for piece in m.pieces]
    write_lines(folder / "rttm_2cls_0sil", [_format_turn(name, piece) for name, piece in turns])
    spoofed = [_format_turn(name, piece) for name, piece in turns if piece.label == SPOOF]
    write_lines(folder / "rttm_2cls_0sil_spoof", spoofed)


def _format_turn(name: str, piece: Segment) -> str:
    start_s, duration_s = piece.start / SAMPLE_RATE_HZ, (piece.end - piece.start) / SAMPLE_RATE_HZ
    return f"SPEAKER {name} 1 {start_s:.6f} {duration_s:.6f} <NA> <NA> {piece.label} <NA> <NA>"


def _write_segment_labels(root: Path, split: str, made: Sequence[WrittenClip]) -> None:
    folder = root / "segment_labels"
    folder.mkdir(parents=True, exist_ok=True)
    for resolution_s in RESOLUTIONS_S:
        labels = {m.clip.utterance: make_frame_labels(m.pieces, resolution_s) for m in made}
        np.save(folder / f"{split}_seglab_{resolution_s}.npy", np.array(labels, dtype=object))


def _write_vad(root: Path, split: str, made: Sequence[WrittenClip]) -> None:
    """Write lines `start end class`, in seconds; 0 is spoof, 1 bona fide, 2 non-speech.

    Source: PartialSpoof, issue 2.
    """
    for m in made:
        wave = read_recording(root / m.clip.path)
        loud = is_loud(wave)
        classes = np.full(len(wave), 2)
        for piece in m.pieces:
            here = slice(piece.start, piece.end)
            classes[here] = np.where(loud[here], 0 if piece.label == SPOOF else 1, 2)
        edges = [0, *(np.flatnonzero(np.diff(classes)) + 1), len(wave)]
        lines = [
            f"{start / SAMPLE_RATE_HZ:.6f} {end / SAMPLE_RATE_HZ:.6f} {classes[start]}"
            for start, end in pairwise(edges)
        ]
        write_lines(root / "vad" / split / f"{m.clip.utterance}.vad", lines)
