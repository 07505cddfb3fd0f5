"""Print how fast corpora are read and checked: `bench_corpora.py [N]`.

First the two longest protocols, ASVspoof 5 eval and ASVspoof 2021 DF, in their official form with
made-up lines, each in a process of its own: seconds for the table and for its fingerprint, peak
memory of the whole process, and the ratio to the loop of the challenge's baselines, which splits
each line and keeps its id and label. Below 1 we are slower: we keep every column, and check every
id, label and word.
Then a PartialSpoof of N utterances (71,237 by default, as in eval) in a temporary folder, its
labels as official ones are stored but of one frame at 160 ms, its audio files of 0.1 s; `check`
opens every one of them.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from layouts import protocol_file, save_vectors, wav, write_lines

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.data.corpora import read_keys
from bench.data.fingerprint import compute_fingerprint
from bench.data.readers.partialspoof import read_split

Result = TypeVar("Result")
EVAL_UTTERANCES = 71_237


def timed(what: str, count: int, action: Callable[[], Result]) -> Result:
    """Run `action` and print its rate."""
    start = perf_counter()
    result = action()
    seconds = perf_counter() - start
    print(f"{what:12} {count:8,} utterances {seconds:7.2f} s {count / seconds:10,.0f} a second")
    return result


def make(root: Path, count: int) -> None:
    """Write the tree: one utterance in ten is bona fide."""
    ids = [f"{'CON' if i % 10 else 'LA'}_E_{i:07d}" for i in range(count)]
    lines = [
        f"LA_{i % 67:04d} {u} - {'CON spoof' if i % 10 else '- bonafide'}"
        for i, u in enumerate(ids)
    ]
    write_lines(protocol_file(root, "eval"), lines)
    vectors = {u: ["0" if i % 10 else "1"] for i, u in enumerate(ids)}
    save_vectors(root / "segment_labels/eval_seglab_0.16.npy", vectors)
    wav(root / "eval/con_wav/first.wav", 0.1)
    content = (root / "eval/con_wav/first.wav").read_bytes()
    for utterance in ids:
        (root / f"eval/con_wav/{utterance}.wav").write_bytes(content)


def asvspoof5(count: int) -> Iterator[str]:
    """Yield lines of ten columns, a fifth of them bona fide, half of them coded."""
    rng = random.Random(5)
    for i in range(count):
        coded = rng.random() < 0.5
        codec = (
            f"C{rng.randint(1, 11):02d} {rng.randint(1, 5)} E_{i // 2:010d}" if coded else "- - -"
        )
        spoof = rng.random() < 0.8
        attack = f"AC{rng.randint(1, 3)} A{rng.randint(17, 32)} spoof" if spoof else ""
        speaker = f"E_{rng.randint(1, 4999):04d} E_{i:010d} {rng.choice('FM')}"
        yield f"{speaker} {codec} {attack or '- bonafide bonafide'} -"


def asvspoof2021df(count: int) -> Iterator[str]:
    """Yield lines of thirteen columns, one in twenty-five bona fide; subsets as they are shared."""
    rng = random.Random(21)
    codecs = [
        "nocodec",
        "low_mp3",
        "high_mp3",
        "low_m4a",
        "high_m4a",
        "low_ogg",
        "high_ogg",
        "mp3m4a",
        "oggm4a",
    ]
    for i in range(count):
        compression = rng.choice(codecs)
        subset = rng.choices(["eval", "progress", "hidden"], [533_928, 59_325, 18_576])[0]
        head = f"LA_{rng.randint(1, 67):04d} DF_E_{2_000_000 + i}"
        if rng.random() < 0.04:
            yield f"{head} {compression} asvspoof - bonafide notrim {subset} bonafide - - - -"
        elif rng.random() < 0.5:
            attack = f"A{rng.randint(7, 19):02d} spoof notrim {subset} traditional_vocoder - - - -"
            yield f"{head} {compression} asvspoof {attack}"
        else:
            team = rng.randint(1, 33)
            rest = f"neural_vocoder_autoregressive Task1 team{team} FF E"
            yield f"{head} {compression} vcc2020 Task1-team{team} spoof notrim {subset} {rest}"


LISTS: dict[str, tuple[Callable[[int], Iterator[str]], int]] = {
    "asvspoof5": (asvspoof5, 680_774),
    "asvspoof2021df": (asvspoof2021df, 611_829),
}


_LABEL_FIELDS = {"asvspoof5": (1, 8), "asvspoof2021df": (1, 5)}


def plain(key: str, path: Path) -> dict[str, int]:
    """Read ids and labels as the challenge's baselines do: a list of lines, then a loop."""
    name, label = _LABEL_FIELDS[key]
    with path.open(encoding="utf-8") as file:
        lines = file.readlines()
    labels: dict[str, int] = {}
    names: list[str] = []
    for line in lines:
        words = line.strip().split()
        names.append(words[name])
        labels[words[name]] = 1 if words[label] == "bonafide" else 0
    return labels


def measure(what: str, key: str, path: Path) -> None:
    """Print seconds to read, seconds to fingerprint, and peak memory in MB of this process."""
    start = perf_counter()
    subset = read_keys(read_corpus_card(key), "eval", path) if what == "ours" else plain(key, path)
    read_s = perf_counter() - start
    start = perf_counter()
    if not isinstance(subset, dict):
        compute_fingerprint(subset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(read_s, perf_counter() - start, peak)


def lists() -> None:
    """Write each long protocol, and measure ours and the plain reader in processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for key, (made, count) in LISTS.items():
            path = Path(folder, f"{key}.txt")
            write_lines(path, list(made(count)))
            found = {}
            for what in ("ours", "plain"):
                command = [sys.executable, __file__, what, key, str(path)]
                environment = {**os.environ, "OMP_NUM_THREADS": "1"}
                output = subprocess.check_output(command, env=environment, text=True)
                found[what] = [float(number) for number in output.split()]
            (ours_s, fingerprint_s, ours_mb), (plain_s, _, plain_mb) = found.values()
            print(
                f"{key:15} {count:8,} lines {ours_s:5.2f} s, {ours_mb:4.0f} MB; "
                f"baseline's loop {plain_s:5.2f} s, {plain_mb:4.0f} MB; "
                f"ratio {plain_s / ours_s:4.2f}; fingerprint {fingerprint_s:.2f} s"
            )


def main(count: int = EVAL_UTTERANCES) -> None:
    """Write, read, fingerprint and check."""
    ps = read_corpus_card("partialspoof").model_copy(update={"resolutions_s": (0.16,)})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        timed("write", count, lambda: make(root, count))
        subset = timed("read", count, lambda: read_split(ps, root, "eval", 0.16))
        timed("fingerprint", count, lambda: compute_fingerprint(subset))
        report = timed(
            "check", count, lambda: check_corpus(ps, root, "eval", lambda *_: None, form="smoke")
        )
    assert report.ok, report.issues


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["plain"]):
        measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    else:
        lists()
        main(*map(int, sys.argv[1:]))
