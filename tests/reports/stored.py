"""Fills a tracking store with finished runs of SAL's Table 4: made scores, no training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.cards import table_cards
from bench.evaluation import score_file as scores
from bench.evaluation.row_evaluation import evaluate_file
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store

KEY = "sal/table4"


def fill(
    store: Store, work: Path, rows, seeds, form="paper", utterances=200, frames=20, overrides=()
):
    """Track every row with every seed; a later row's scores are a little clearer."""
    card = table_cards.read_table(KEY)
    for place, row in enumerate(rows):
        run = table_cards.resolve_row(card, row, form, overrides)
        for seed in seeds:
            entry = RunRecord(
                table=KEY,
                paper="sal",
                row=row,
                seed=seed,
                run=run,
                fingerprints={f"{of.corpus}/{of.split}": "0123" for of in run.data.values()},
                made_from={"weights xlsr2_300m": "01234567"},
                commit="18096a9",
                device="NVIDIA H200",
                paper_results={},
            )
            with store.begin_run(entry) as tracked:
                figures = {}
                for name in run.evaluate:
                    path = work / "made" / f"{row}-{seed}-{name}.parquet"
                    scores.write_scores(
                        path, columns(utterances, frames, 1.5 + place / 3, (place, seed))
                    )
                    tracked.add_artifact(path, f"scores/{name}")
                    found = evaluate_file(path, replicates=20)
                    figures |= {f"{name}.{metric}": figure for metric, figure in found.items()}
                tracked.finish_run(figures)


def columns(utterances, frames, clear, seed):
    """A score file's columns: of every other utterance, a run of its frames is spoof."""
    trials, own = np.random.default_rng(0), np.random.default_rng(seed)
    number = np.repeat(np.arange(utterances), frames)
    place = np.tile(np.arange(frames), utterances)
    spoof = (number % 2 == 1) & (place >= frames // 3)
    hard = trials.normal(size=utterances)[number] / 2
    logit = hard + own.normal(size=len(number)) - clear * (spoof - 0.5)
    names = np.array([f"u{n:06d}" for n in range(utterances)], dtype=object)
    return {
        "utterance": names[number],
        "speaker": np.full(len(number), "s", dtype=object),
        "attack": np.where(spoof, "A01", "").astype(object),
        "start_s": place * 0.16,
        "end_s": place * 0.16 + 0.16,
        "label": np.where(spoof, "spoof", "bonafide").astype(object),
        "score": logit.astype(np.float32),
        "logit_bonafide": logit.astype(np.float32),
        "logit_spoof": np.zeros(len(number), dtype=np.float32),
    }
