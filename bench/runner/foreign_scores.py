"""Score corpora with a model of anyone's, as rows score them; what is scored survives a kill.

Batches and files are those of `bench run`: the same model run as a row gives the same scores. A
folder for each model, by the digest of its file, has a file for each split, to which the scores of
every batch are appended. A file's digest does not tell whether weights that its code reads have
changed: so the first batch is scored again each time, and compared.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from lightning_fabric import Fabric

from bench._io import file_locks
from bench.cards import corpus_cards
from bench.config import Config, Form
from bench.errors import BenchError, Busy
from bench.evaluation import score_file
from bench.models import devices
from bench.runner.foreign_models import ForeignModel, ModelFile, load_foreign
from bench.specs.run import HeldOutData
from bench.training import conditions, engine
from bench.training.data import Utterances
from bench.training.row import DatasetCache, score_path
from bench.training.scoring import (
    FrameScores,
    build_utterances,
    is_finite,
    iterate_scores,
    score_columns,
)

Progress = Callable[[int, int], None]
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
"""Scores of one model on one machine differ by less; those of other weights by more."""


@dataclass(frozen=True)
class ForeignScorer:
    """A model of anyone's that scores splits; it is loaded when it is first needed."""

    file: ModelFile
    form: Form
    config: Config
    say: Callable[[str], None]

    @cached_property
    def fabric(self) -> Fabric:
        """The device; BenchError where it is not there."""
        devices.require_devices(self.config)
        conditions.apply_determinism(self.config)
        return engine.make_fabric(self.config.for_one_device(), "fp32")

    @cached_property
    def model(self) -> ForeignModel:
        """The loaded model."""
        return load_foreign(self.file, self.fabric.device)

    def locate_scores(self, data: HeldOutData) -> Path:
        """Return the score file of a split, which is there once the split is scored.

        BenchError where the corpus is missing or broken.
        """
        loaded = DatasetCache(self.config).load_split(self.form, data)
        folder = self.config.work / "foreign" / self.file.compute_digest(self.config.work)
        name = data.corpus if self.form == "paper" else f"{data.corpus}-{self.form}"
        return score_path(folder, name, data, loaded)

    def score_split(self, data: HeldOutData, progress: Progress) -> Path:
        """Score what is not yet scored of a split; return its score file.

        `progress` gets how many utterances are scored, and how many there are.
        """
        path = self.locate_scores(data)
        subset = DatasetCache(self.config).load_split(self.form, data).subset
        audio = corpus_cards.read_corpus_card(data.corpus).audio
        share = build_utterances(self.fabric, subset, data, audio, self.config)
        path.parent.mkdir(parents=True, exist_ok=True)

        def refuse(holder: str) -> NoReturn:
            raise Busy("foreign.busy", f"{path.name}: {holder} scores it with {self.file.path}")

        with file_locks.hold_file(path.with_suffix(".lock"), refuse):
            log = path.with_suffix(".jsonl")
            log.touch()
            with log.open("r+", encoding="utf-8", newline="\n") as file:
                scored = ScoredUtterances(file)
                self._complete_scores(scored, share, progress)
                results = dict(sorted(scored.results.items()))
            score_file.write_scores(path, score_columns(share, results))
        return path

    def _complete_scores(
        self, scored: ScoredUtterances, share: Utterances, report: Progress
    ) -> None:
        self._check_unchanged(scored, share)
        remaining = [
            batch for batch in share.batches if any(i not in scored.results for i in batch)
        ]
        if scored.results and remaining:
            self.say(f"{len(scored.results):,} of {len(share.subset):,} utterances were scored")
        report(len(scored.results), len(share.subset))
        for batch in self._iterate_batches(share, remaining):
            scored.append(batch)
            report(len(scored.results), len(share.subset))

    def _check_unchanged(self, scored: ScoredUtterances, share: Utterances) -> None:
        """Score a batch again, and forget all scores if the model gives others than before."""
        whole = (batch for batch in share.batches if all(i in scored.results for i in batch))
        first = next(whole, None)
        if first is None:
            return
        (again,) = self._iterate_batches(share, [first])
        if not all(_is_close(again[i], scored.results[i]) for i in first):
            self.say(
                f"{self.file.path}: gives other scores than before (are its weights others, or is "
                "it random?): all is scored anew"
            )
            scored.clear()

    def _iterate_batches(
        self, share: Utterances, batches: list[list[int]]
    ) -> Iterator[dict[int, FrameScores]]:
        part = copy.copy(share)
        part.batches = batches
        workers = self.config.loader_workers(self.fabric.device.type)
        for batch in iterate_scores(self.fabric, self.model, part, workers):
            for index, scores in batch.items():
                if not is_finite(scores):
                    raise BenchError(
                        "foreign.not-finite",
                        f"{self.file.path}: the score of {share.subset.audio_path(index)} is not "
                        "finite, though its audio is",
                    )
            yield batch


def _is_close(a: FrameScores, b: FrameScores) -> bool:
    same = a.score.shape == b.score.shape
    return same and np.allclose(a.score, b.score, rtol=_RELATIVE, atol=_ABSOLUTE)


class ScoredUtterances:
    """The scores of a split's utterances, in a file to which batches are appended."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.results: dict[int, FrameScores] = {}
        """By their rows in the split's table."""
        whole = 0
        for line in iter(file.readline, ""):
            with suppress(ValueError, TypeError):
                if line.endswith("\n"):
                    self.results |= _parse_batch(json.loads(line))
                    whole = file.tell()
                    continue
            break  # a kill cut this line off
        file.seek(whole)
        file.truncate()

    def append(self, batch: Mapping[int, FrameScores]) -> None:
        """Add the scores of a batch, and write them."""
        content = [
            [index, scores.duration_s, scores.score.tolist()] for index, scores in batch.items()
        ]
        self._file.write(json.dumps(content) + "\n")
        self._file.flush()
        self.results |= batch

    def clear(self) -> None:
        """Remove all scores."""
        self.results.clear()
        self._file.seek(0)
        self._file.truncate()


def _parse_batch(content: Sequence[tuple[int, float, list[float]]]) -> dict[int, FrameScores]:
    return {
        index: FrameScores(
            np.array(score, dtype=np.float32), np.empty((len(score), 0), np.float32), duration_s
        )
        for index, duration_s, score in content
    }
