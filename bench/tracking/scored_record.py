"""An evaluated score file of another system as a record: what every store keeps of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.tracking.run_record import ScoredFile, resampling_plans, tracked_values
from bench.tracking.stored_runs import is_result_part, plans_among, results_among

READING = "reading"
"""The setting of a `ScoredFile` that says how its file is read, as JSON."""


PUBLIC = "public"
"""The setting of a `ScoredFile` that says where a published file is from, as JSON: `card`, `file`,
`by`, `page`, `sha256`, `printed_in`, and `printed`, the results printed beside it by
`<evaluation>.<metric>`."""


@dataclass(frozen=True)
class ScoredRecord:
    """An evaluated score file; all of it can be written as JSON."""

    run_id: str
    system: str
    split: str
    """`<corpus>/<split>`."""
    evaluation: str
    scores: str
    """Of the score file's content."""
    status: str
    """`FINISHED`, or as MLflow has it."""
    ended_ms: int
    """Milliseconds since 1970, UTC."""
    fingerprints: Mapping[str, str]
    """Of the split's protocol and labels, by `<corpus>/<split>`."""
    missing: int
    """Trials without a score."""
    reading: str
    figures: Mapping[str, float]
    """As `run_record.tracked_values` has them: rates in per cent, bounds and counts."""
    plans: Mapping[str, str]
    public: str = "{}"


def record_of_file(entry: ScoredFile, run_id: str, ended_ms: int) -> ScoredRecord:
    """Return the record of what is kept now."""
    return ScoredRecord(
        run_id=run_id,
        system=entry.system,
        split=entry.split,
        evaluation=entry.evaluation,
        scores=entry.digest,
        status="FINISHED",
        ended_ms=ended_ms,
        fingerprints={entry.split: entry.fingerprint},
        missing=int(entry.settings.get("missing", 0)),
        reading=entry.settings.get(READING, "{}"),
        figures=tracked_values(entry.figures),
        plans=resampling_plans(entry.figures),
        public=entry.settings.get(PUBLIC, "{}"),
    )


def record_of_run(run: Any) -> ScoredRecord:
    """Return the record that an MLflow run holds.

    Old runs do not name the evaluation; then the names of their results do.
    """
    tags: dict[str, str] = run.data.tags
    figures = results_among(run.data.metrics)
    first = next((name for name in sorted(figures) if not is_result_part(name)), "")
    return ScoredRecord(
        run_id=run.info.run_id,
        system=tags["system"],
        split=tags["split"],
        evaluation=tags.get("evaluation") or first.partition(".")[0],
        scores=tags["scores"],
        status=run.info.status,
        ended_ms=run.info.end_time or run.info.start_time,
        fingerprints=json.loads(tags["fingerprints"]),
        missing=int(run.data.params.get("missing", 0)),
        reading=run.data.params.get(READING, "{}"),
        figures=figures,
        plans=plans_among(tags),
        public=run.data.params.get(PUBLIC, "{}"),
    )


def read_scored_records(runs: Iterable[Any]) -> list[ScoredRecord]:
    """Return the records of MLflow's runs of score files, in the order of evaluation."""
    return sorted(map(record_of_run, runs), key=lambda record: (record.ended_ms, record.run_id))


def latest_records(records: Iterable[ScoredRecord]) -> dict[tuple[str, str], ScoredRecord]:
    """Return the record that stands by system and evaluation: the finished one evaluated last.

    `records` are in the order of evaluation.
    """
    finished = (record for record in records if record.status == "FINISHED")
    return {(record.system, record.evaluation): record for record in finished}
