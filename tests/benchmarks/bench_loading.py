"""Print how many training clips one core reads: `bench_loading.py [N]`.

Utterances of 6 s in a temporary folder, as WAV and as FLAC, as files and packed into shards, cut to
4 s, without noise and with RawBoost 4 at the probabilities of SAL (0.5) and BreathNet (1.0), on the
host and (draws alone) for the device. Beside it what users run: the whole file by soundfile,
RawBoost by its plain implementation over all of it, then the cut. Processor time; each figure is
the least of N rounds (5 by default), in which both sides take turns, so that what else runs on the
machine plays a small part. Last, the system calls of a clip, where strace is installed.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

sys.path += [str(Path(__file__).parents[1] / "models/augment")]

import numpy as np
import pandas as pd
import soundfile
import torch
from slow_rawboost import plain_rawboost  # pyright: ignore[reportMissingImports]

from bench.config import Config
from bench.data.packing import pack_corpus
from bench.data.subset import Subset
from bench.specs.augment import Augment
from bench.specs.augment.rawboost import RawBoost
from bench.specs.base import Absent
from bench.specs.corpus import Audio
from bench.specs.run import TrainData
from bench.training.data import TrainingClips

ROOT = Path(__file__).parents[2]
UTTERANCES, SECONDS, CLIP_SAMPLES = 30, 6, 64_000
SPEECH = ROOT / "tests/official/asvspoof2019_la/audio/LA_T_1272637.flac.xz"
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


def least_ms(reads: list[Callable[[int], Any]], rounds: int) -> list[float]:
    """Return the processor time of a clip by each way: of each clip the least, then their mean."""
    taken = np.full((len(reads), UTTERANCES), np.inf)
    for _ in range(rounds):
        for way, read in enumerate(reads):
            for index in range(UTTERANCES):
                start = process_time()
                read(index)
                taken[way, index] = min(taken[way, index], process_time() - start)
    return (1000 * taken.mean(axis=1)).tolist()


def count_calls(root: Path, ending: str, packed: bool) -> str:
    """Return the system calls and opens of a clip, by strace: of 60 clips less those of 30."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    counts = []
    for times in (1, 2):
        command = ["strace", "-f", "-c", "-U", "name,calls", sys.executable, __file__]
        arguments = ["calls", str(root), ending, str(int(packed)), str(times)]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
        )
        counts.append(dict(re.findall(r"^(\w+) +(\d+)$", done.stderr, re.MULTILINE)))
    each = [
        {name: int(number) for name, number in found.items() if name != "total"} for found in counts
    ]
    calls = (sum(each[1].values()) - sum(each[0].values())) / UTTERANCES
    opens = sum(
        each[1].get(name, 0) - each[0].get(name, 0) for name in ("open", "openat", "openat2")
    )
    return f"{calls:.1f} calls, {opens / UTTERANCES:.1f} opens a clip"


def read_again(root: Path, ending: str, packed: bool, times: int) -> None:
    """Read all clips so many times, for `count_calls`."""
    paths = [f"{ending}/u{number:03d}.{ending}" for number in range(UTTERANCES)]
    table = pd.DataFrame({"utterance": paths, "path": paths, "label": ["spoof", "bonafide"] * 15})
    table = table.assign(speaker="", attack="", duration_s=np.nan)
    where = root.with_name(f"{root.name}-{ending}") if packed else root
    read = read_ours(Subset("c", "train", where, table, None), 0.0, "host")
    for _ in range(times):
        for index in range(UTTERANCES):
            read(index)


def main(rounds: int = 5) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "corpus")
        print(f"{'':<38} {'ours':>9} {'clips/s':>9} {'plain':>9} {'ratio':>7}")
        subsets = {ending: make_corpus(root, ending) for ending in ("wav", "flac")}
        for ending, files in subsets.items():
            packed = root.with_name(f"corpus-{ending}")
            pack_corpus(root, packed, f".{ending}", lambda *_: None)
            shards = Subset("c", "train", packed, files.table, None)
            for probability in (0.0, 0.5, 1.0):
                ways = {"files": read_ours(files, probability, "host")}
                ways["shards"] = read_ours(shards, probability, "host")
                if probability:
                    ways["for the device"] = read_ours(files, probability, "device")
                plain = read_plainly(files, probability)
                *ours, theirs = least_ms([*ways.values(), plain], rounds)
                for way, taken in zip(ways, ours, strict=True):
                    name = f"{ending}, {way}, RawBoost p {probability:g}"
                    print(
                        f"{name:<38} {taken:6.3f} ms {1000 / taken:9,.0f} {theirs:6.3f} ms "
                        f"{theirs / taken:5.1f} x"
                    )
        for ending in subsets:
            for packed in (False, True):
                with contextlib.suppress(subprocess.CalledProcessError):
                    kind = "shards" if packed else "files"
                    print(f"{ending}, {kind}: {count_calls(root, ending, packed)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["calls"]:
        read_again(Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "1", int(sys.argv[5]))
    else:
        main(*map(int, sys.argv[1:]))
