"""The first job of a submission: what would make all others fail is said within a minute."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import config as configuration
from bench._io import atomic_files, disk, machine
from bench.cards import card_files, corpus_cards
from bench.cluster import member_checks
from bench.cluster.submission import Submission, read_submission
from bench.config import Config
from bench.data import corpora
from bench.errors import BenchError
from bench.models import weights
from bench.runner import costs
from bench.runner.requirements import require_available
from bench.specs.run import Run

_ROOM = 1_000_000_000
"""Bytes that have to be free for scores and logs, whatever is trained."""


def check_node(arguments: Sequence[str]) -> int:
    """Check this node for a submission; `arguments` are its folder, its token and the GPUs."""
    folder, token, gpus = Path(arguments[0]), arguments[1], int(arguments[2])
    started = time.monotonic()
    problems = [*_list_problems(folder, token, gpus)]
    report = {
        "problems": problems,
        "node": os.environ.get("SLURMD_NODENAME", socket.gethostname()),
        "seconds": round(time.monotonic() - started, 1),
    }
    for text in problems:
        print(f"problem: {text}", flush=True)
    path = folder / f"check-{os.environ.get('SLURM_JOB_ID', '0')}.json"
    try:
        atomic_files.write_text(path, json.dumps(report))
    except OSError as error:
        print(f"problem: {path}: cannot be written: {error.strerror}", flush=True)
        return 1
    print("nothing is missing" if not problems else f"{len(problems)} problems", flush=True)
    return 1 if problems else 0


def read_problems(submission: Submission) -> dict[str, Any]:
    """Return the report of each check that has ended, by its job."""
    reports: dict[str, Any] = {}
    for path in sorted(submission.folder.glob("check-*.json")):
        reports[path.stem.removeprefix("check-")] = json.loads(path.read_text(encoding="utf-8"))
    return reports


def _list_problems(folder: Path, token: str, gpus: int) -> Iterator[str]:
    """Yield what is wrong with this node, the most general first."""
    try:
        is_shared = (folder / "token").read_text(encoding="utf-8") == token
    except OSError:
        is_shared = False
    if not is_shared:
        yield (
            f"{folder}: is another folder on this node than where it was submitted: put `work` "
            "in bench.toml on a drive that all nodes share"
        )
        return
    try:
        submission = read_submission(folder)
        member_checks.check_code(submission)
        here = configuration.read_config()
        card_files.load_extensions()
        units = [(unit, member_checks.resolve_unit(submission, unit)) for unit in submission.units]
    except BenchError as error:
        yield str(error)
        return
    runs = {run.signature: run for _, resolved in units for run in resolved.values()}
    yield from _list_unreadable(runs.values(), here)
    if gpus:
        yield from _list_missing_gpus(gpus)
    seeds = [(run, unit.seed) for unit, resolved in units for run in resolved.values()]
    yield from _list_shortage(seeds, here)


def _list_unreadable(runs: Collection[Run], here: Config) -> Iterator[str]:
    """Yield what is missing of corpora and weights, and what cannot be read of them."""
    try:
        require_available(runs, here)
        for run in runs:
            for data in run.data.values():
                card = corpus_cards.read_corpus_card(data.corpus)
                corpora.read_keys(card, data.split, here.corpus_root(data.corpus, run.form))
            for needed in run.requirements():
                path = weights.locate_requirement(needed, here)
                if path.is_file():
                    with path.open("rb") as file:
                        file.read(1)
    except BenchError as error:
        yield str(error)
    except OSError as error:
        yield machine.explain_os_error(error).message


def _list_missing_gpus(gpus: int) -> Iterator[str]:
    import torch

    if torch.cuda.device_count() < gpus:
        yield (
            f"{gpus} GPUs are asked for and torch sees {torch.cuda.device_count()}: look at "
            "`partition`, `gpus` and `lines` of [slurm]"
        )


def _list_shortage(seeds: Sequence[tuple[Run, int]], here: Config) -> Iterator[str]:
    """Yield that the disk is too small for the trainings, each with its seed."""
    trainings = [costs.find_training(run, seed, here) for run, seed in seeds]
    try:
        costs.require_disk_space(trainings, here, at_once=len(trainings))
        if text := disk.describe_shortage(here.work, _ROOM):
            yield text
    except BenchError as error:
        yield str(error)


if __name__ == "__main__":
    sys.exit(check_node(sys.argv[1:]))
