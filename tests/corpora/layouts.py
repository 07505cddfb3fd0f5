"""Small corpora in the exact official layouts, with real WAV files, for the readers' tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

RESOLUTIONS = ("0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64")
RATE = 16_000

# Utterance, seconds, spoofed stretches in seconds; speaker by turns.
PARTIALSPOOF = [
    ("LA_T_0000001", 1.28, []),
    ("CON_T_0000001", 1.60, [(0.40, 0.80)]),
    ("CON_T_0000002", 0.70, [(0.00, 0.32), (0.50, 0.70)]),
    ("LA_T_0000002", 0.99, []),
]
HAD_LINES = [
    "HAD_train_real_00000001 0.00-1.26-T 1",
    "HAD_train_fake_00000003 0.00-0.40-T/0.40-0.80-F/0.80-1.30-T 0",
    "HAD_train_fake_00000004 0.00-0.50-F/0.50-1.10-T 0",
]
TAIL = "1272_128104_000005_000014"
LPS_A = [
    f"dev-clean_{TAIL} 1.2000 bonafide 0.0000-1.2000-bonafide",
    "test-clean_61_70968_000003_000001 0.9000 bonafide 0.0000-0.9000-bonafide",
    f"dev01-cosyvoice-full_{TAIL} 1.1000 spoof 0.0000-1.1000-spoof",
    f"dev01-yourtts-partial-cf_{TAIL} 1.3000 spoof 0.0000-0.3800-bonafide 0.3800-1.3000-spoof",
]
LPS_B = [
    f"dev01-cosyvoice-partial-cp_{TAIL} 1.0000 spoof 0.0000-0.5000-spoof 0.5000-1.0000-bonafide",
    f"dev01-cosyvoice-partial-oa_{TAIL} 1.0000 spoof 0.0000-0.2000-bonafide 0.2000-1.0000-spoof",
]


def wav(path: Path, duration_s: float, rate: int = RATE, channels: int = 1) -> None:
    """Write a quiet tone."""
    time_s = np.arange(round(duration_s * rate)) / rate
    wave = 0.1 * np.sin(2 * np.pi * 440 * time_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate, subtype="PCM_16")


def truncate(path: Path, missing: int) -> None:
    """Cut the last bytes off, leaving the header as it was."""
    content = path.read_bytes()
    path.write_bytes(content[:-missing])


def vector(duration_s: float, spoofed: Sequence[tuple[float, float]], resolution: str) -> list[str]:
    """Return official labels, sample by sample: '0' where any of the frame's is spoof."""
    step = round(float(resolution) * RATE)
    total = round(duration_s * RATE)
    samples = np.zeros(total, dtype=bool)
    for start_s, end_s in spoofed:
        samples[round(start_s * RATE) : round(end_s * RATE)] = True
    return ["0" if samples[at : at + step].any() else "1" for at in range(0, total, step)]


def save_vectors(path: Path, vectors: Mapping[str, Sequence[str]]) -> None:
    """Write a label file as the corpus's generator does: a defaultdict of `<U21` arrays."""
    content: dict[str, np.ndarray] = defaultdict(list)  # pyright: ignore[reportAssignmentType]
    for utterance, labels in vectors.items():
        content[utterance] = np.array(labels, dtype="<U21")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array(content, dtype=object), allow_pickle=True)


def protocol_file(root: Path, split: str) -> Path:
    """Return where PartialSpoof's protocol of a split is."""
    return root / f"protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.{split}.trl.txt"


def partialspoof(root: Path, split: str = "train") -> Path:
    """Write a PartialSpoof of four utterances at all resolutions."""
    lines = [
        f"LA_{79 + i % 2:04d} {u} - {'CON spoof' if u.startswith('CON') else '- bonafide'}"
        for i, (u, _, _) in enumerate(PARTIALSPOOF)
    ]
    write_lines(protocol_file(root, split), lines)
    for utterance, duration_s, _ in PARTIALSPOOF:
        wav(root / split / "con_wav" / f"{utterance}.wav", duration_s)
    for resolution in RESOLUTIONS:
        vectors = {u: vector(duration_s, s, resolution) for u, duration_s, s in PARTIALSPOOF}
        save_vectors(root / f"segment_labels/{split}_seglab_{resolution}.npy", vectors)
    return root


def had(root: Path, split: str = "train", nested: str = "conbine", suffix: str = "") -> Path:
    """Write a HAD of three utterances, its audio in a folder as one of the copies has it."""
    folder = root / f"HAD_{split}"
    lines = [line.replace(" ", f"{suffix} ", 1) for line in HAD_LINES]
    write_lines(folder / f"HAD_{split}_label.txt", lines)
    for line in HAD_LINES:
        utterance, spans, _ = line.split()
        wav(folder / nested / f"{utterance}.wav", float(spans.split("/")[-1].split("-")[1]))
    return root


def llamapartialspoof(root: Path) -> Path:
    """Write a LlamaPartialSpoof of six utterances in both parts."""
    for part, lines in (("R01TTS.0.a", LPS_A), ("R01TTS.0.b", LPS_B)):
        write_lines(root / f"label_{part}.txt", lines)
        for line in lines:
            utterance, duration, *_ = line.split()
            wav(root / part / f"{utterance}.wav", float(duration))
    return root


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """Write a text file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def replace(path: Path, old: str, new: str) -> None:
    """Edit a text file; the old text must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")
