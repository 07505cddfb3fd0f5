"""Miniatures in the archives of their organisers."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

CORPORA = {
    "asvspoof2019la": {"LA.zip": ["*"]},
    "asvspoof2021la": {"ASVspoof2021_LA_eval.tar.gz": ["ASV*"], "LA-keys-full.tar.gz": ["keys"]},
    "asvspoof2021df": {
        "ASVspoof2021_DF_eval_part00.tar.gz": ["ASV*"],
        "DF-keys-full.tar.gz": ["keys"],
    },
    "asvspoof5": {
        "flac_T_aa.tar": ["flac_T"],
        "flac_D_aa.tar": ["flac_D"],
        "flac_E_aa.tar": ["flac_E_eval"],
        "ASVspoof5_protocols.tar.gz": ["ASVspoof5.*"],
    },
    "had": {"HAD.zip": ["HAD_*"]},
    "inthewild": {"release_in_the_wild.zip": ["release_in_the_wild"]},
    "llamapartialspoof": {
        "R01TTS.0.a.tgz": ["R01TTS.0.a"],
        "R01TTS.0.b.tgz": ["R01TTS.0.b"],
        "label_R01TTS.0.a.txt": ["label_R01TTS.0.a.txt"],
        "label_R01TTS.0.b.txt": ["label_R01TTS.0.b.txt"],
    },
    "partialspoof": {
        "database_train.tar.gz": ["train"],
        "database_dev.tar.gz": ["dev"],
        "database_eval.tar.gz": ["eval"],
        "database_protocols.tar.gz": ["protocols"],
        "database_segment_labels_v1.2.tar.gz": ["segment_labels"],
    },
}
"""What of a corpus's folder each official archive holds."""


def pack(root: Path, folder: str, file: str, patterns: list[str]) -> bytes:
    """Return an archive as the organisers pack it."""
    tops = sorted(path for pattern in patterns for path in root.glob(pattern))
    if file.endswith(".txt"):
        return tops[0].read_bytes()
    paths = [path for top in tops for path in [top, *top.rglob("*")] if path.is_file()]
    names = {f"{folder}/{p.relative_to(root)}".lstrip("/"): p.read_bytes() for p in sorted(paths)}
    if file == "HAD.zip":
        names = nest_audio(names)
    target = io.BytesIO()
    if file.endswith(".zip"):
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in names.items():
                archive.writestr(name, content)
        return target.getvalue()
    with tarfile.open(fileobj=target, mode="w:gz" if file.endswith("tar.gz") else "w") as tar:
        for name, content in names.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def nest_audio(names: dict[str, bytes]) -> dict[str, bytes]:
    """Return what HAD.zip holds: the label files, and a zip archive of each split's audio."""
    labels = {name: content for name, content in names.items() if name.endswith("_label.txt")}
    for split in ("train", "dev", "test"):
        within, target = f"HAD/HAD_{split}/", io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in names.items():
                if name.startswith(within) and name not in labels:
                    archive.writestr(name.removeprefix(within), content)
        labels[f"{within}{split}.zip"] = target.getvalue()
    return labels
