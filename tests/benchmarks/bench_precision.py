"""bf16-mixed beside fp32.

Smoke row S5 of SAL's Table 4 is trained and scored on the CPU with several seeds in both
precisions. For each evaluation: the mean EER over the seeds in bf16-mixed (ours) and in fp32
(reference), the mean of the differences of a seed with its standard error. The difference counts as
within the seeds' spread where it is smaller than twice its standard error, or than the standard
deviation of the seeds in fp32.
"""

from __future__ import annotations

import logging
import math
import tempfile
from pathlib import Path
from statistics import fmean, stdev

import torch

from bench.cards import table_cards
from bench.config import Config
from bench.evaluation import score_file
from bench.metrics.det import eer_by_class
from bench.specs.run import Run
from bench.synthetic import write_miniatures
from bench.training import engine
from bench.training.callbacks import SilentCallback
from bench.training.row import DatasetCache, train_and_score
from tests.benchmarks.records import read_sizes, show

PRECISIONS = ("fp32", "bf16-mixed")
ROW = "sal/table4:S5"


class Silent(SilentCallback):
    """No display."""

    def on_step(self, *_: object) -> None: ...

    def on_epoch(self, *_: object) -> None: ...

    def on_score(self, *_: object) -> None: ...


def train_row(run: Run, seed: int, folder: Path, config: Config) -> dict[str, float]:
    """Return the EER of each evaluation, in per cent."""
    fabric = engine.make_fabric(config, run.training.precision)
    data = DatasetCache(config).load_row(run)
    trained = train_and_score(fabric, run, seed, data, folder, config, Silent())
    results: dict[str, float] = {}
    for name, path in trained.scores.items():
        scores = score_file.read_scores(path)
        value, spoof = scores["score"].to_numpy(), scores["label"].to_numpy() == "spoof"
        results[name] = 100 * eer_by_class(value[~spoof], value[spoof]).eer
    return results


def compare_row(name: str, seeds: int, epochs: int, work: Path) -> None:
    """Print a line for each evaluation of a row."""
    table, _, row = name.partition(":")
    overrides = [f"training.epochs={epochs}"] if epochs else []
    run = table_cards.resolve_row(table_cards.read_table(table), row, "smoke", overrides)
    write_miniatures(work / "mini", only={data.corpus for data in run.data.values()})
    config = Config(work=work, device="cpu", workers=0)
    found = {
        precision: [
            train_row(
                run.in_precision(precision), seed, work / name / precision / f"{seed}", config
            )
            for seed in range(1, seeds + 1)
        ]
        for precision in PRECISIONS
    }
    for evaluation in run.evaluate:
        single, mixed = ([one[evaluation] for one in found[name]] for name in PRECISIONS)
        differences = [two - one for one, two in zip(single, mixed, strict=True)]
        error = stdev(differences) / math.sqrt(seeds)
        mean = fmean(differences)
        within = abs(mean) < max(2 * error, stdev(single))
        show(
            f"smoke row {name}, {evaluation}, EER in bf16-mixed, {seeds} seeds",
            fmean(mixed),
            "%",
            fmean(single),
            "fp32",
            note=f"difference {mean:+.2f} (standard error {error:.2f}), spread of the seeds "
            f"{stdev(single):.2f}: {'within' if within else 'BEYOND'} the seeds' spread",
        )


def main(seeds: int, epochs: int) -> None:
    """Compare the row."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        compare_row(ROW, seeds, epochs, Path(folder))


if __name__ == "__main__":
    sizes = read_sizes(__doc__, seeds=(3, 2), epochs=(0, 1))  # 0: as many as the card says
    main(sizes.seeds, sizes.epochs)
