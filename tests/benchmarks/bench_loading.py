"""Training clips.

How many clips one core reads: utterances of 6 s, as WAV and as FLAC, as files and packed into
shards, cut to 4 s, without noise and with RawBoost 4 at the probabilities of SAL (0.5) and
BreathNet (1.0), on the host and (draws alone) for the device. The reference is what released
loaders do: the whole file by soundfile, the released RawBoost over all of it, then the cut. Least
processor time of several rounds. Last, the system calls of a clip, by strace.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch

from bench.config import Config
from bench.data.packing import pack_corpus
from bench.data.subset import Subset
from bench.specs.augment import Augment
from bench.specs.augment.rawboost import RawBoost
from bench.specs.base import Absent
from bench.specs.corpus import Audio
from bench.specs.run import TrainData
from bench.training.data import TrainingClips
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import ROOT, run_command
from tests.models.augment.slow_rawboost import plain_rawboost

UTTERANCES, SECONDS, CLIP_SAMPLES = 30, 6, 64_000
SPEECH = ROOT / "tests/official/asvspoof2019_la/audio/LA_T_1272637.flac.xz"
MARK = "/no-such-place/"
DATA = TrainData(corpus="c", split="train", resolution_s=None, clip_s=4.0, crop="random")


def make_corpus(root: Path, ending: str) -> Subset:
    """Write utterances of real speech, each begun elsewhere."""
    speech, rate = soundfile.read(io.BytesIO(lzma.decompress(SPEECH.read_bytes())))
    (root / ending).mkdir(parents=True)
    names = [f"u{number:03d}" for number in range(UTTERANCES)]
    for number, name in enumerate(names):
        wave = np.resize(np.roll(speech, -997 * number), SECONDS * rate)
        soundfile.write(root / ending / f"{name}.{ending}", wave, rate, subtype="PCM_16")
    table = pd.DataFrame({"utterance": names, "path": [f"{ending}/{n}.{ending}" for n in names]})
    table["label"] = ["spoof" if number % 2 else "bonafide" for number in range(UTTERANCES)]
    return Subset("c", "train", root, table.assign(speaker="", attack="", duration_s=np.nan), None)


def read_plainly(subset: Subset, probability: float) -> Callable[[int], Any]:
    """Return what released loaders do: the whole file, noise on all of it, then the cut."""
    spec = RawBoost(kind="rawboost", algorithm=4)

    def read(index: int) -> Any:
        rng = np.random.default_rng(index)
        wave, _ = soundfile.read(str(subset.audio_path(index)), dtype="float32")
        if rng.random() < probability:
            wave = plain_rawboost(wave, spec, rng)
        start = int(rng.integers(0, len(wave) - CLIP_SAMPLES + 1))
        return torch.tensor(wave[start : start + CLIP_SAMPLES], dtype=torch.float32)

    return read


def read_ours(subset: Subset, probability: float, on: str) -> Callable[[int], Any]:
    spec: Augment = Absent(kind="none")
    if probability:
        spec = RawBoost(kind="rawboost", algorithm=4, probability=probability)
    clips = TrainingClips(subset, DATA, Audio(), spec, 1, Config(augment_on=on))
    return lambda index: clips[0, index]


def least_s(reads: list[Callable[[int], Any]], rounds: int) -> list[float]:
    """Return the processor time of a clip by each way: of each clip the least, then their mean."""
    taken = np.full((len(reads), UTTERANCES), np.inf)
    for _ in range(rounds):
        for way, read in enumerate(reads):
            for index in range(UTTERANCES):
                start = process_time()
                read(index)
                taken[way, index] = min(taken[way, index], process_time() - start)
    return taken.mean(axis=1).tolist()


def measure_calls(root: Path) -> None:
    """Count the system calls of a clip by each way, in one run under strace."""
    log = root / "calls"
    traced = ["strace", "-o", str(log), sys.executable, "-m", "tests.benchmarks.bench_loading"]
    run_command([*traced, "calls", str(root)])
    way, calls = "", dict[str, list[str]]()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if mark := re.search(rf'"{MARK}([^"]*)"', line):
            way = mark[1]
        elif way:
            calls.setdefault(way, []).append(line)
    for way, lines in calls.items():
        opens = sum(line.startswith("open") for line in lines) / UTTERANCES
        note = f"{opens:.1f} of them open a file"
        show(f"{way}, system calls of a clip", len(lines) / UTTERANCES, "calls", note=note)


def read_marked(root: Path) -> None:
    """Read all clips by each way, with a marked system call before and after, for strace."""
    for ending in ("wav", "flac"):
        paths = [f"{ending}/u{number:03d}.{ending}" for number in range(UTTERANCES)]
        table = pd.DataFrame({"utterance": paths, "path": paths})
        table["label"] = ["spoof", "bonafide"] * (UTTERANCES // 2)
        table = table.assign(speaker="", attack="", duration_s=np.nan)
        for kind, folder in (("files", root), ("shards", root.with_name(f"corpus-{ending}"))):
            read = read_ours(Subset("c", "train", folder, table, None), 0.0, "host")
            for way in ("", f"{ending}, {kind}"):  # the first time does not count
                os.path.exists(f"{MARK}{way}")
                for index in range(UTTERANCES):
                    read(index)
            os.path.exists(MARK)


def main(rounds: int) -> None:
    """Measure each way to a clip."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "corpus")
        for ending in ("wav", "flac"):
            files = make_corpus(root, ending)
            packed = root.with_name(f"corpus-{ending}")
            pack_corpus(root, packed, (f".{ending}",), lambda *_: None)
            shards = Subset("c", "train", packed, files.table, None)
            for probability in (0.0, 0.5, 1.0):
                ways = {"files": read_ours(files, probability, "host")}
                ways["shards"] = read_ours(shards, probability, "host")
                if probability:
                    ways["draws for the device"] = read_ours(files, probability, "device")
                *ours, theirs = least_s([*ways.values(), read_plainly(files, probability)], rounds)
                noise = f"RawBoost p {probability:g}" if probability else "no noise"
                for way, taken in zip(ways, ours, strict=True):
                    name = f"{ending}, {way}, {noise}"
                    show(name, 1 / taken, "clips/s", 1 / theirs, "released loader, files")
        if shutil.which("strace"):
            measure_calls(root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["calls"]:
        read_marked(Path(sys.argv[2]))
    else:
        main(read_sizes(__doc__, rounds=(3, 1)).rounds)
