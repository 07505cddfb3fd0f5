"""Readers, each with files that it can read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import torch
from scipy.io import savemat

from bench._io import text_files
from bench.cards import references
from bench.config import read_config
from bench.data import asv, audio, pickles
from bench.downloads import archives
from bench.errors import BenchError
from bench.evaluation import forms, score_file
from bench.evaluation.read_options import ReadOptions
from bench.sweeps import journal
from bench.training import checkpoints, keeping

ROOT = Path(__file__).parents[2]


class Target(NamedTuple):
    """A reader, what it is given, and the name of the file."""

    read: Callable[[Path], object]
    seeds: tuple[bytes, ...]
    name: str = "file"


def _save(write: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _wave(form: str, subtype: str) -> bytes:
    samples = (0.5 * np.sin(np.arange(3200) / 9)).astype(np.float32)
    return _save(lambda file: soundfile.write(file, samples, 16_000, format=form, subtype=subtype))


def _zip(members: Mapping[str, bytes]) -> bytes:
    def write(file: Any) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return _save(write)


def _tar(members: Mapping[str, bytes], mode: str) -> bytes:
    def write(file: Any) -> None:
        with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))

    return _save(write)


def _read_audio(path: Path) -> None:
    info = audio.read_header(path)
    if info.samples > 10_000_000:
        raise BenchError("audio.damaged", "longer than any recording is")
    audio.read_samples(path)


def _unpack(path: Path) -> None:
    """Unpack into a folder, beside which nothing may appear."""
    folder = path.parent / "unpacked" / "here"
    folder.mkdir(parents=True)
    before = sorted(path.parent.parent.rglob("*"))
    try:
        archives.unpack_archive(path, folder, lambda *_: None, threading.Event(), limit=50_000_000)
    finally:
        outside = [one for one in path.parent.parent.rglob("*") if folder not in one.parents]
        assert sorted(outside) == before, "something was written beside the folder"


def _write_journal() -> bytes:
    """Return the journal of a study of two trials."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        path.touch()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(storage=journal.open_journal(path, print), study_name="s")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        return path.read_bytes()


def _write_own_scores() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scores.parquet")
        count = len(COLUMNS["utterance"])
        fixed = {"speaker": ["s"] * count, "attack": ["A07"] * count, "label": ["spoof"] * count}
        spans = {"start_s": [0.0] * count, "end_s": [1.0] * count}
        score_file.write_scores(path, {**COLUMNS, **fixed, **spans})
        return path.read_bytes()


def _read_scores(path: Path) -> None:
    forms.read_score_file(path, ReadOptions(resolution_s=0.02))


IDS = [f"LA_E_{number:07d}" for number in range(12)]
LINES = b"".join(b"%s A07 spoof %.6f\n" % (name.encode(), i / 7) for i, name in enumerate(IDS))
TABLE = b"filename,cm-score\n" + b"".join(b'"d/%d.wav",%g\n' % (i, i / 7) for i in range(12))
FRAMES = b"".join(b"u%d\t%.2f\t%g\n" % (i // 4, i % 4 * 0.02, i / 7) for i in range(12))
SPANS = b"".join(b'"d/%d.wav",0.5,"[[0.1, 0.3], [1, 2.5]]"\n' % i for i in range(12))
COLUMNS = {"utterance": IDS, "score": [i / 7 for i in range(12)]}
VECTORS: dict[str, Any] = {name: np.arange(4, dtype=np.float32) for name in IDS[:3]}
ASV = b"bonafide target 7.5\nbonafide nontarget -3.25\nA07 spoof 1\nA08 spoof 2.5e0\n"
MEMBERS = {"a/b.txt": b"text\n" * 50, "a/c.bin": bytes(range(256))}
STATE = {"system": {"weight": torch.arange(6.0).reshape(2, 3)}, "epoch": 1}
PROGRESS = {"epoch": 1, "step": 3, "seconds": 1.5, "history": [{"dev.eer": 0.5}]}
SELECTION = {"epochs": [1], "dev": {"dev.eer": 0.5}, "why_ended": "all", "trained": 1}

TARGETS: dict[str, Target] = {
    "score-file": Target(
        _read_scores,
        (
            *(LINES, TABLE, FRAMES, SPANS, LINES.decode().encode("utf-16")),
            *(gzip.compress(LINES, mtime=0), bz2.compress(LINES), lzma.compress(LINES)),
            *(_zip({"scores.txt": LINES}), _save(lambda file: np.savez(file, **VECTORS))),
            _save(lambda file: np.save(file, np.array(VECTORS, dtype=object), allow_pickle=True)),
            _save(
                lambda file: savemat(
                    file, {"ids": np.array(IDS, dtype=object), "scores": np.arange(12.0)}
                )
            ),
            json.dumps(dict(zip(*COLUMNS.values(), strict=True)), indent=1).encode(),
            json.dumps({name: vector.tolist() for name, vector in VECTORS.items()}).encode(),
            _save(lambda file: pq.write_table(pa.table(COLUMNS), file)),
        ),
    ),
    "own-scores": Target(
        score_file.read_scores,
        (_write_own_scores(),),
        "scores.parquet",
    ),
    "audio": Target(
        _read_audio,
        (
            *(_wave("WAV", "PCM_16"), _wave("WAV", "FLOAT"), _wave("WAV", "ULAW")),
            *(_wave("FLAC", "PCM_16"), _wave("OGG", "VORBIS"), _wave("MP3", "MPEG_LAYER_III")),
        ),
    ),
    "asv-scores": Target(asv.read_asv_scores, (ASV, gzip.compress(ASV, mtime=0))),
    "pickle": Target(
        pickles.read_nested_numbers,
        tuple(
            pickle.dumps(np.array({"a": {"b": 1.5}, "c": 2.0}, dtype=object), protocol)
            for protocol in (0, 2, 4)
        ),
    ),
    "pickled-arrays": Target(
        pickles.read_string_vectors,
        (
            _save(
                lambda file: np.save(
                    file,
                    np.array({"u1": np.array(["0", "1"])}, dtype=object),
                    allow_pickle=True,
                )
            ),
        ),
    ),
    "archive-zip": Target(_unpack, (_zip(MEMBERS),), "archive.zip"),
    "archive-tar": Target(_unpack, (_tar(MEMBERS, "w"),), "archive.tar"),
    "archive-tgz": Target(_unpack, (_tar(MEMBERS, "w:gz"),), "archive.tar.gz"),
    "card": Target(
        text_files.read_toml,
        tuple(
            path.read_bytes()
            for path in (ROOT / "experiments/sal/table4.toml", ROOT / "datasets/had.toml")
        ),
        "card.toml",
    ),
    "configuration": Target(
        lambda path: read_config(path, {}),
        (b'work = "w"\n[corpora]\nhad = "/data/had"\n[weights]\nxlsr2_300m = "x.pt"\n',),
        "bench.toml",
    ),
    "references": Target(
        lambda path: references.read_references.__wrapped__(path),
        ((ROOT / "experiments" / "references.toml").read_bytes()[:4000].rpartition(b"\n\n")[0],),
        "references.toml",
    ),
    "checkpoint": Target(
        checkpoints.load_checkpoint, (_save(lambda file: torch.save(STATE, file)),), "last.pt"
    ),
    "progress": Target(keeping.read_progress, (json.dumps(PROGRESS).encode(),)),
    "selection": Target(keeping.read_selection, (json.dumps(SELECTION).encode(),)),
    "sweep-journal": Target(
        lambda path: journal.open_journal(path, lambda _: None).get_all_studies(),
        (_write_journal(),),
    ),
}
