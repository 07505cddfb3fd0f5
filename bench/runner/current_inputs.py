"""What a row would be made from if it were run now: data, weights and code of this machine.

Nothing is trained, and torch is not needed. What is not here is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from bench.cards import corpus_cards
from bench.config import Config
from bench.data import corpora, fingerprint
from bench.errors import BenchError
from bench.specs.base import digest
from bench.specs.run import Data, Run
from bench.training import contents


class RunInputs(NamedTuple):
    """Digests by name, as `bench.training.row.RowData` has them, of what is on this machine."""

    fingerprints: Mapping[str, str]
    made_from: Mapping[str, str]


NO_INPUTS = RunInputs({}, {})


class InputReader:
    """Reads each split, and recorded noise, once, however many rows use it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._splits: dict[tuple[str, str, str, float | None], RunInputs] = {}
        self._trained_from: dict[tuple[str, ...], RunInputs] = {}

    def read_run(self, run: Run) -> RunInputs:
        """Return what `run` would be made from, and the training that it starts from."""
        parts = [self.read_run(run.earlier)] if run.earlier else []
        parts += [self._read_split(run, data) for data in run.data.values()]
        parts.append(self._read_training(run))
        return RunInputs(
            {name: digest for part in parts for name, digest in part.fingerprints.items()},
            {name: digest for part in parts for name, digest in part.made_from.items()},
        )

    def _read_training(self, run: Run) -> RunInputs:
        # All that `contents.training_contents` looks at.
        parts = run.frontend, run.augment, run.start
        key = *map(digest, parts), run.mix.kind, run.system.kind
        if key not in self._trained_from:
            self._trained_from[key] = NO_INPUTS
            with suppress(BenchError):  # where the weights are not here
                made_from = contents.training_contents(run, self._config)
                self._trained_from[key] = RunInputs({}, made_from)
        return self._trained_from[key]

    def _read_split(self, run: Run, data: Data) -> RunInputs:
        official_s = corpus_cards.read_corpus_card(data.corpus).resolutions_s
        resolution_s = (data.resolution_s or max(official_s)) if official_s else None
        key = (run.form, data.corpus, data.split, resolution_s)
        if key not in self._splits:
            self._splits[key] = NO_INPUTS
            with suppress(BenchError):  # where the corpus is not here
                subset = corpora.read_corpus_split(
                    data.corpus, data.split, self._config, run.form, resolution_s
                )
                name = f"{data.corpus}/{data.split}"
                audio = {f"audio {name}": fingerprint.audio_digest(subset)}
                digests = {name: fingerprint.compute_fingerprint(subset)}
                self._splits[key] = RunInputs(digests, audio)
        inputs = self._splits[key]
        with suppress(BenchError):  # where a detector's weights, or breaths, are not here
            made_from = {**inputs.made_from, **contents.data_contents(data, self._config)}
            return RunInputs(inputs.fingerprints, made_from)
        return inputs
