"""Miniatures' official lists with made scores, read with pandas alone, and their judges."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cards.corpus_cards import read_corpus_card
from bench.evaluation import forms
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.evaluation.read_options import ReadOptions

LISTS = {
    "asvspoof2019la": (
        "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt",
        "speaker utterance - attack label",
    ),
    "asvspoof2021la": (
        "keys/LA/CM/trial_metadata.txt",
        "speaker utterance codec transmission attack label trim subset",
    ),
    "asvspoof2021df": (
        "keys/DF/CM/trial_metadata.txt",
        "speaker utterance compression source attack label trim subset vocoder - - - -",
    ),
    "asvspoof5": (
        "ASVspoof5.eval.track_1.tsv",
        "speaker utterance gender codec - - - attack label -",
    ),
    "inthewild": ("release_in_the_wild/meta.csv", "utterance speaker label"),
    "partialspoof": (
        "protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.eval.trl.txt",
        "speaker utterance - attack label",
    ),
    "had": ("HAD_dev/HAD_dev_label.txt", "utterance spans label"),
    "llamapartialspoof": ("label_R01TTS.0.a.txt", "utterance duration label"),
}
BONAFIDE = ("bonafide", "bona-fide", "1")
SPOOF_FACTORS = ("attack", "vocoder")


def listed(mini: Path, corpus: str) -> pd.DataFrame:
    """The evaluated lines of the official list with a made score, as text apart from that."""
    file, names = LISTS[corpus]
    lines = (mini / corpus / file).read_text(encoding="utf-8").splitlines()
    if corpus == "inthewild":
        rows = [line.split(",") for line in lines[1:]]
    else:
        rows = [line.split()[: len(names.split())] for line in lines]
    table = pd.DataFrame(rows, columns=[f"{i}{n}" for i, n in enumerate(names.split())])
    table.columns = [n if n != "-" else f"-{i}" for i, n in enumerate(names.split())]
    if "subset" in table:
        table = table[table["subset"] == "eval"].reset_index(drop=True)
    table["bonafide"] = table["label"].isin(BONAFIDE)
    noise = np.random.default_rng(0).normal(size=len(table))
    table["score"] = np.round(noise + 1.5 * table["bonafide"], 4)
    return table


def read(path: Path, **asked) -> forms.ScoreFile:
    return forms.read_score_file(path, ReadOptions(**asked))


def judge(mini: Path, corpus: str, **how) -> Evaluator:
    found = read_corpus_card(corpus)
    split = "dev" if corpus == "had" else found.evaluation_split
    of_file = {of.name: how.pop(of.name) for of in fields(ReadOptions) if of.name in how}
    reading = ReadOptions(**of_file)
    how = {"replicates": 5, **how}
    return Evaluator(EvaluationRequest(found, split, mini / corpus, reading=reading, **how))


def written(tmp_path: Path, table: pd.DataFrame, name: str = "scores.txt") -> Path:
    path = tmp_path / name
    table[["utterance", "score"]].to_csv(path, sep=" ", header=False, index=False)
    return path


def frames(mini: Path, tmp_path: Path, step_s: float, name: str) -> Path:
    vectors = np.load(mini / "partialspoof/segment_labels/eval_seglab_0.02.npy", allow_pickle=True)
    rng = np.random.default_rng(0)
    lines: list[str] = []
    for utterance, words in vectors.item().items():
        for i in range(round(len(words) * 0.02 / step_s)):
            spoof = "0" in words[round(i * step_s / 0.02) :][: max(1, round(step_s / 0.02))]
            lines.append(f"{utterance} {i * step_s:.3f} {rng.normal() + 2 - 2 * spoof:.4f}\n")
    path = tmp_path / name
    path.write_text("".join(lines), encoding="utf-8")
    return path
