"""Keep a judged score file in the tracking store, beside a table's rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench._io import atomic_files
from bench.cards import table_cards
from bench.cli.score_file_argument import ScoreFileArgument
from bench.config import Config
from bench.errors import BenchError
from bench.tracking.run_artifacts import GIVEN

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.matched_scores import MatchedScores
    from bench.evaluation.read_options import ReadOptions
    from bench.evaluation.score_report import ScoreReport
    from bench.evaluation.table_placement import TablePlacement

_SCORES = "scores"
"""The folder of those that it was made: one for each evaluation, as of trained rows."""


class TrackedResult(NamedTuple):
    """Where a verdict is kept in the tracking store."""

    table: str
    row: str
    """The system's name."""
    run: str
    """The id of its run."""
    untested: str
    """Why no test of difference can be made of it; "" where one can."""

    @property
    def description(self) -> str:
        """The same in words."""
        where = f"tracked: {self.table}, row {self.row}, run {self.run[:8]}, as scored, not trained"
        why = f"; no test of difference can be made of it: {self.untested}"
        return where + why * bool(self.untested)


def keep_verdict(
    verdict: ScoreReport,
    judge: Evaluator,
    judged: MatchedScores,
    placement: TablePlacement,
    system: str,
    given: ScoreFileArgument,
    written: Sequence[Path],
    here: Config,
    public: Mapping[str, Any] | None = None,
) -> TrackedResult:
    """Keep a verdict with the score file and what was `written` of it; return where.

    `public` says of a published file where it is from (`bench.tracking.scored_record.PUBLIC`).
    """
    from bench.provenance import read_commit
    from bench.tracking import open_store
    from bench.tracking.run_record import ScoredFile
    from bench.tracking.scored_record import PUBLIC, READING

    table = None if placement.is_untabled else table_cards.read_table(placement.table)
    warnings = [finding.code for finding in verdict.findings if finding.severity == "warning"]
    entry = ScoredFile(
        table=placement.table,
        system=system,
        form=verdict.form,
        split=f"{verdict.corpus}/{verdict.split}",
        fingerprint=verdict.fingerprint,
        digest=verdict.digest,
        commit=read_commit(),
        settings={
            "columns": verdict.taken,
            "missing": str(verdict.missing),
            "negated": str(verdict.negated).lower(),
            "intervals": verdict.resampling or "none",
            "warnings": ", ".join(warnings) or "none",
            READING: json.dumps(reading_settings(judged.reading)),
            **({PUBLIC: json.dumps(public)} if public else {}),
        },
        figures=placement.select_tracked(verdict.results),
        evaluation=placement.evaluation,
        corpus=f"{verdict.short} {verdict.split}",
        cells={} if table is None else {table.text_columns[0]: system},
    )
    store = open_store.open_to_write(here)
    with atomic_files.scratch_folder() as folder:
        # A copy with the umask's mode: MLflow's own has the file's, which may be its owner's alone.
        copy = folder / GIVEN / given.path.name
        copy.parent.mkdir()
        shutil.copyfile(given.path, copy)
        artifacts = {
            "": [path for path in written if path.suffix != ".png"],
            f"figures/{placement.evaluation}": [path for path in written if path.suffix == ".png"],
            GIVEN: [copy],
        }
        scores_path = folder / "scores.parquet"
        why = _write_scores(scores_path, judge, judged, placement)
        if not why:
            artifacts[f"{_SCORES}/{placement.evaluation}"] = [scores_path]
        run_id = store.keep_scored_file(entry, artifacts)
    if table is not None:
        store.present_table(table)
    return TrackedResult(placement.table, system, run_id, why)


def _write_scores(
    path: Path, judge: Evaluator, judged: MatchedScores, placement: TablePlacement
) -> str:
    """Write the scores that tests of difference are made of; return why there are none, or ""."""
    from bench.evaluation import saved_scores

    request = judge.request
    resolution_s = placement.resolution_s
    try:
        # Of utterances nothing is decided, unless a threshold is stated.
        stated = judged.truth is not None or isinstance(request.threshold, float)
        threshold = judge.find_decision(judged).threshold if stated else 0.0
        saved_scores.save_scores(path, judged, resolution_s, request.rules, threshold)
    except BenchError as error:
        return str(error)
    return ""


def reading_settings(reading: ReadOptions) -> dict[str, object]:
    """Return what is said of how a file is read, beyond what it says itself."""
    default = type(reading)()
    values = {value.name: getattr(reading, value.name) for value in fields(reading)}
    return {name: value for name, value in values.items() if value != getattr(default, name)}
