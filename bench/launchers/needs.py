"""What this machine lacks to run a row: corpora, weights, devices. Looks only; loads nothing."""

from __future__ import annotations

from bench import weights
from bench.config import Config
from bench.errors import BenchError
from bench.specs.frontends import S3prl, Wav2Vec2, WavLM
from bench.specs.run import Run


def lacking(run: Run, config: Config) -> list[str]:
    """Return one message for each thing that is missing, each with its remedy; empty: all is
    here.
    """
    found: list[str] = []
    data = [run.train, run.dev, *run.evaluate.values()]
    for key in dict.fromkeys(item.corpus for item in data):
        try:
            config.corpus_root(key, run.form)
        except BenchError as error:
            found.append(str(error))
    if isinstance(run.frontend, Wav2Vec2 | WavLM | S3prl):
        try:
            weights.locate(run.frontend.weights, config)
        except BenchError as error:
            found.append(str(error))
    return found
