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

LA19 = {
    "train": ["LA_0079 LA_T_1138215 - - bonafide", "LA_0079 LA_T_2000001 - A05 spoof"],
    "dev": ["LA_0069 LA_D_1047731 - - bonafide", "LA_0070 LA_D_2000001 - A01 spoof"],
    "eval": [
        "LA_0039 LA_E_2834763 - A11 spoof",
        "LA_0014 LA_E_8877452 - A14 spoof",
        "LA_0001 LA_E_1000001 - - bonafide",
        "LA_0002 LA_E_1000002 - A19 spoof",
    ],
}
LA21 = [
    "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
    "LA_0009 LA_E_6866159 none - bonafide bonafide notrim eval",
    "LA_0021 LA_E_8256205 pstn mad_tx bonafide bonafide only_speech hidden",
    "LA_0021 LA_E_7000001 pstn mad_tx A13 spoof only_speech hidden",
    "LA_0012 LA_E_7000002 opus loc_tx A17 spoof notrim progress",
    "LA_0012 LA_E_7310647 none - bonafide bonafide notrim progress",
]
LA21_ASV = [
    "LA_0007-alaw-ita_tx LA_E_5013670-alaw-ita_tx alaw ita_tx A07 spoof notrim eval",
    "LA_0008-alaw-ita_tx LA_E_5013670-alaw-ita_tx alaw ita_tx bonafide target notrim eval",
]
DF21 = [
    "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
    (
        "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval "
        "neural_vocoder_nonautoregressive Task1 team20 FF E"
    ),
    "VCC2TF1 DF_E_2000014 mp3m4a vcc2018 SPO-N16 spoof notrim eval unknown SPO N16 FM -",
    "LA_0054 DF_E_2088017 high_m4a asvspoof - bonafide notrim progress bonafide - - - -",
    "LA_0056 DF_E_2088019 nocodec asvspoof - bonafide trim hidden bonafide - - - -",
    "LA_0055 DF_E_2088018 low_ogg asvspoof - bonafide notrim eval bonafide - - - -",
]
ASV5 = {
    "train": ["T_4850 T_0000000000 F - - - AC3 A05 spoof -"],
    "dev": [
        "D_4461 D_0000000169 F - - - AC1 A14 spoof -",
        "D_0461 D_0000000190 M - - - - bonafide bonafide -",
    ],
    "eval": [
        "E_0002 E_0000000001 F C07 3 E_0000000009 AC2 A25 spoof -",
        "E_0003 E_0000000002 M - - - - bonafide bonafide -",
        "E_0003 E_0000000003 M C11 8 E_0000000008 AC1 A17 spoof -",
    ],
}
ASV5_SIX = ["T_4850 T_0000000000 F - A05 spoof", "T_3734 T_0000000011 F - bonafide bonafide"]
ITW = [
    "file,speaker,label",
    "0.wav,Alec Guinness,spoof",
    "2.wav,Barack Obama,spoof",
    "4.wav,Christopher Hitchens,bona-fide",
]


def wav(path: Path, duration_s: float, rate: int = RATE, channels: int = 1) -> None:
    """Write a quiet tone."""
    time_s = np.arange(round(duration_s * rate)) / rate
    wave = 0.1 * np.sin(2 * np.pi * 440 * time_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate, subtype="PCM_16")


def audio(root: Path, folder: str, lines: Sequence[str], suffix: str = ".flac") -> None:
    """Write the audio of a protocol's lines, their ids the second field, all of 0.3 s."""
    for line in lines:
        wav(root / folder / f"{line.split()[1]}{suffix}", 0.3)


def asvspoof2019la(root: Path) -> Path:
    """Write what lies in the archive's folder LA, an enrolment file and ASV scores too."""
    for split, lines in LA19.items():
        kind = "trn" if split == "train" else "trl"
        folder = root / "ASVspoof2019_LA_cm_protocols"
        write_lines(folder / f"ASVspoof2019.LA.cm.{split}.{kind}.txt", lines)
        audio(root, f"ASVspoof2019_LA_{split}/flac", lines)
    wav(root / "ASVspoof2019_LA_eval/flac/LA_E_A0000001.flac", 0.3)
    scores = root / "ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.eval.gi.trl.scores.txt"
    write_lines(scores, ["bonafide target 7.981530"])
    return root


def asvspoof2021la(root: Path) -> Path:
    """Write audio and keys, those of speaker verification too."""
    write_lines(root / "keys/LA/CM/trial_metadata.txt", LA21)
    write_lines(root / "keys/LA/CM/LFCC-GMM/score.txt", ["LA_E_9332881 1.037950"])
    write_lines(root / "keys/LA/ASV/trial_metadata.txt", LA21_ASV)
    (root / "keys/LA/LA-C012-eval.npy").write_bytes(b"")
    audio(root, "ASVspoof2021_LA_eval/flac", LA21)
    return root


def asvspoof2021df(root: Path) -> Path:
    """Write audio and keys."""
    write_lines(root / "keys/DF/CM/trial_metadata.txt", DF21)
    audio(root, "ASVspoof2021_DF_eval/flac", DF21)
    return root


def asvspoof5(root: Path) -> Path:
    """Write audio and the protocols of track 1."""
    folders = {"train": "flac_T", "dev": "flac_D", "eval": "flac_E_eval"}
    for split, lines in ASV5.items():
        track = "" if split == "train" else ".track_1"
        write_lines(root / f"ASVspoof5.{split}{track}.tsv", lines)
        audio(root, folders[split], lines)
    return root


def inthewild(root: Path, folder: str = "release_in_the_wild", nested: str = "") -> Path:
    """Write meta.csv and the audio beside it, or in a folder of it."""
    write_lines(root / folder / "meta.csv", ITW)
    for line in ITW[1:]:
        wav(root / folder / nested / line.split(",")[0], 0.3)
    return root


DETECTION = {
    "asvspoof2019la": asvspoof2019la,
    "asvspoof2021la": asvspoof2021la,
    "asvspoof2021df": asvspoof2021df,
    "asvspoof5": asvspoof5,
    "inthewild": inthewild,
}


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
