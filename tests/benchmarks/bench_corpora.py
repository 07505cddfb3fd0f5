"""Print how many utterances a second are read and checked: `bench_corpora.py [N]`.

A PartialSpoof of N utterances (71,237 by default, as in eval) is written to a temporary folder, its
labels as official ones are stored but of one frame at 160 ms, its audio files of 0.1 s;
`check` opens every one of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "corpora"))

from layouts import protocol_file, save_vectors, wav, write_lines

from bench.corpora.cards import card
from bench.corpora.check import check
from bench.corpora.fingerprint import fingerprint
from bench.corpora.readers.partialspoof import read

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


def main(count: int = EVAL_UTTERANCES) -> None:
    """Write, read, fingerprint and check."""
    ps = card("partialspoof").model_copy(update={"resolutions_s": (0.16,)})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        timed("write", count, lambda: make(root, count))
        subset = timed("read", count, lambda: read(ps, root, "eval", 0.16))
        timed("fingerprint", count, lambda: fingerprint(subset))
        report = timed(
            "check", count, lambda: check(ps, root, "eval", lambda *_: None, form="smoke")
        )
    assert report.ok, report.problems


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
