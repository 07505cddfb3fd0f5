"""Corpora: long protocols, and the check of all files.

The two longest protocols, ASVspoof 5 eval and ASVspoof 2021 DF, in their official form with made-up
lines, each in a process of its own. The references are the loop of the challenge's baselines, which
splits each line and keeps its id and label, and pandas.read_csv. Then a PartialSpoof as large as
its evaluation set, its labels as official ones are stored but of one frame at 160 ms, its audio
files of 0.1 s; the check opens every one of them. Processor time.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import process_time

import pandas as pd

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.data.corpora import read_keys
from bench.data.fingerprint import compute_fingerprint
from bench.data.readers.partialspoof import read_split
from tests.benchmarks.made_corpora import LISTS, write_list
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import run_module
from tests.data.layouts import protocol_file, save_vectors, wav, write_lines

EVAL_UTTERANCES = 71_237


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


_LABEL_FIELDS = {"asvspoof5": (1, 8), "asvspoof2021df": (1, 5)}
CHECKED = "ours keeps every column and checks every id, label and word"


def loop_lines(key: str, path: Path) -> dict[str, int]:
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


def read_pandas(path: Path) -> object:
    """Read all columns without looking at them."""
    return pd.read_csv(path, sep=" ", header=None, dtype=str)


def measure(what: str, key: str, path: Path) -> None:
    """Print seconds to read and to fingerprint, and the peak memory of this process in MB."""
    start, fingerprint_s = process_time(), 0.0
    if what == "ours":
        subset = read_keys(read_corpus_card(key), "eval", path)
        read_s, start = process_time() - start, process_time()
        compute_fingerprint(subset)
        fingerprint_s = process_time() - start
    else:
        loop_lines(key, path) if what == "loop" else read_pandas(path)
        read_s = process_time() - start
    print(read_s, fingerprint_s)


def measure_lists(count: int) -> None:
    """Write each long protocol, and read it in processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for key, (_, lines) in LISTS.items():
            path, lines = Path(folder, f"{key}.txt"), min(lines, count)
            write_list(key, path, lines)
            read_s, mb = {}, {}
            for what in ("ours", "loop", "pandas"):
                done = run_module(
                    "tests.benchmarks.bench_corpora",
                    *(what, key, str(path)),
                    extra={"OMP_NUM_THREADS": "1"},
                )
                read_s[what], fingerprint_s = map(float, done.output.split())
                mb[what] = done.peak_mb
                if what == "ours":
                    show(f"{key}, fingerprint of {lines:,} lines", fingerprint_s, "s")
            for what, against in (("loop", "baseline's loop"), ("pandas", "pandas.read_csv")):
                note = f"{CHECKED}; {mb['ours']:,.0f} MB, reference {mb[what]:,.0f} MB"
                name = f"{key}, protocol of {lines:,} lines"
                show(name, read_s["ours"], "s", read_s[what], against, note=note)


def measure_check(count: int) -> None:
    """Write, read, fingerprint and check a PartialSpoof."""
    ps = read_corpus_card("partialspoof").model_copy(update={"resolutions_s": (0.16,)})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, count)
        start = process_time()
        subset = read_split(ps, root, "eval", 0.16)
        show(f"partialspoof, {count:,} utterances, read", process_time() - start, "s")
        start = process_time()
        compute_fingerprint(subset)
        show(f"partialspoof, {count:,} utterances, fingerprint", process_time() - start, "s")
        start = process_time()
        report = check_corpus(ps, root, "eval", lambda *_: None, form="smoke")
        show(f"partialspoof, {count:,} utterances, check", process_time() - start, "s")
    assert report.ok, report.issues


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["loop"], ["pandas"]):
        measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    else:
        sizes = read_sizes(__doc__, lines=(680_774, 3000), utterances=(EVAL_UTTERANCES, 200))
        measure_lists(sizes.lines)
        measure_check(sizes.utterances)
