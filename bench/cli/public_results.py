"""The evaluation of a published score file: read as its card says, and added to its tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench._io import atomic_files
from bench.cards import corpus_cards
from bench.cli.public_scores import find_public_file
from bench.cli.result_files import ResultFolder, make_folder, safe_name, write_results
from bench.cli.score_file_argument import ScoreFileArgument
from bench.cli.tracked_results import TrackedResult, keep_verdict
from bench.config import Config
from bench.downloads import receipts
from bench.errors import BenchError
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.evaluation.paired_arrays import join_arrays
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.score_report import ScoreReport
from bench.evaluation.table_placement import TablePlacement, find_placement
from bench.metrics.catalogue import is_rate
from bench.specs.corpus import Download
from bench.specs.public_scores import PublicFile, PublicScores


@dataclass(frozen=True)
class PublicResult:
    """An evaluated public file."""

    report: ScoreReport
    differences: Mapping[str, float]
    """Ours less what is printed, by metric; rates in per cent."""
    files: Sequence[Path]
    tracked: Sequence[TrackedResult]
    untracked: Sequence[str]
    """Why it does not stand in a table that its card names."""


def open_evaluator(card: PublicScores, here: Config) -> Evaluator:
    """Return who evaluates the files of a card, by the official protocol of its corpus."""
    corpus = corpus_cards.read_corpus_card(card.corpus)
    try:
        root = here.corpus_root(corpus.key, "paper")
    except BenchError as error:
        hint = f"`bench get {corpus.short} --keys-only` gets its protocol and keys"
        raise BenchError(error.code, f"{error}; {hint}") from error
    return Evaluator(EvaluationRequest(corpus, card.split, root))


def evaluate_public_file(
    card: PublicScores, name: str, evaluator: Evaluator, here: Config
) -> PublicResult:
    """Evaluate a file, write the report, and add it to the tables that its card names."""
    public = card.files[name]
    path = find_public_file(card, name, here)
    if path is None:
        raise BenchError(
            "public.not-here", f"{card.key}, {name}: is not here: `bench get {card.key}`"
        )
    digests = [_check_digest(path.parent, item) for item in public.downloads]
    reading = ReadOptions(
        column=public.column,
        id_column=public.id_column,
        label_column=public.label_column,
        labels=public.labels,
        resolution_s=public.resolution_s,
        negate=public.higher_is_spoof,
    )
    if public.ids is not None:
        joined = path.with_name(f"{safe_name(name)}.joined.npz")
        path = join_arrays(path, path.parent / public.ids.file, joined)
    matched = evaluator.read_scores(path, reading)
    report = replace(evaluator.evaluate_scores(matched), name=public.system)
    folder = here.work / "scored" / f"{safe_name(card.key.replace('/', '-'))}-{safe_name(name)}"
    written = write_results(report, matched, ResultFolder(make_folder(folder), public.system))
    differences = {
        metric: (100 if is_rate(metric) else 1) * report.results[metric].value - value
        for metric, value in public.printed.items()
        if metric in report.results
    }
    tracked: list[TrackedResult] = []
    untracked: list[str] = []
    given = ScoreFileArgument(path, public.system, {}, path)
    for placement in _find_placements(card, public, evaluator):
        source = _describe_source(card, name, digests[0], placement)
        try:
            tracked.append(
                keep_verdict(
                    report,
                    evaluator,
                    matched,
                    placement,
                    public.system,
                    given,
                    written,
                    here,
                    source,
                )
            )
        except BenchError as error:
            untracked.append(str(error))
    _note_differences(folder, public, differences)
    return PublicResult(report, differences, written, tracked, untracked)


def _check_digest(folder: Path, item: Download) -> str:
    """Return the SHA-256 of a file; BenchError if it is not that of the card, or not what came."""
    path = folder / item.file
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    arrival = receipts.read_arrival(folder, item)
    expected = item.sha256 or (arrival["sha256"] if arrival else digest)
    if digest != expected:
        source = "the card says" if item.sha256 else "when it came it was"
        raise BenchError(
            "public.changed",
            f"{path}: its SHA-256 is {digest}, and {source} {expected}: remove the file and get it "
            "again",
        )
    return digest


def _find_placements(
    card: PublicScores, public: PublicFile, evaluator: Evaluator
) -> list[TablePlacement]:
    corpus = evaluator.request.card.key
    if not public.tables:
        return [TablePlacement(f"scored/{corpus}", corpus, None)]
    return [find_placement(corpus, card.split, table, "paper") for table in public.tables]


def _describe_source(
    card: PublicScores, name: str, digest: str, placement: TablePlacement
) -> dict[str, Any]:
    """Return where a file is from, for the tracking store, as `scored_record.PUBLIC` has it."""
    public = card.files[name]
    return {
        "card": card.key,
        "file": name,
        "by": public.by,
        "page": public.page,
        "sha256": digest,
        "printed": placement.name_printed(public.printed),
        "printed_in": public.printed_in,
    }


def _note_differences(folder: Path, public: PublicFile, differences: Mapping[str, float]) -> None:
    """Write what is printed beside the file, and how far it is from our results."""
    content = {
        "printed": public.printed,
        "printed_in": public.printed_in,
        "differences": dict(differences),
    }
    atomic_files.write_text(folder / "printed.json", json.dumps(content, indent=2) + "\n")
