"""The tracked run of a sweep's study, with its table and pictures; its trials are nested in it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from bench._io.digests import short_digest
from bench.cards import sweep_cards
from bench.config import Form
from bench.specs.sweep import Sweep
from bench.tracking.client import NOTE, log_metrics, log_params, now_ms
from bench.tracking.store import Store
from bench.tracking.stored_runs import StoredRun, read_stored_runs

TRIALS = "trials.csv"
"""The artifact with a line for each trial; all that a report reads."""
_IMPORTANCE = "importance."

Ending = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class StudyEntry:
    """A study about to be run: a sweep's card in one form, on one state of the data."""

    sweep: str
    """`sal-lambda`."""
    form: Form
    signature: str
    fingerprints: Mapping[str, str]
    made_from: Mapping[str, str]
    """As `RunRecord.made_from`, of the settings that are varied."""
    commit: str
    settings: Mapping[str, Any]
    """What is varied and how, by dotted key."""

    @property
    def table(self) -> str:
        """The experiment that the study and its trials are in."""
        return f"sweeps/{self.sweep}"

    @property
    def name(self) -> str:
        """The study's name in the tracking store and in Optuna's storage.

        Other settings, another form, other data or other contents give another name.
        """
        data = f"{short_digest(self.fingerprints)}.{short_digest(self.made_from)}"
        return f"{self.sweep}.{self.form}.{self.signature}.{data}"

    @property
    def identity(self) -> dict[str, str]:
        """The tags that its run is looked up by."""
        return {"kind": "study", "study": self.name}


class StudyRun:
    """The study's run, open for as many processes as work at the study."""

    def __init__(self, store: Store, entry: StudyEntry) -> None:
        self.entry = entry
        self._store = store
        self._client = store.client
        tags = {
            "form": entry.form,
            "signature": entry.signature,
            "commit": entry.commit,
            "fingerprints": json.dumps(dict(entry.fingerprints), sort_keys=True),
            "made_from": json.dumps(dict(entry.made_from), sort_keys=True),
        }
        self.run_id = store.ensure_run(entry.table, f"study {entry.name}", entry.identity, tags)
        self._client.update_run(self.run_id, status="RUNNING")
        log_params(self._client, self.run_id, entry.settings)

    def trial_tags(self, number: int) -> dict[str, str]:
        """Return what the runs of trial `number` are known by beside their settings."""
        return {"study": self.entry.name, "trial": str(number)}

    def read_trial_runs(self) -> dict[int, list[StoredRun]]:
        """Return the runs of each trial by its number, oldest first."""
        wanted = {"kind": "trial", "study": self.entry.name}
        by_trial: dict[int, list[StoredRun]] = {}
        for run in read_stored_runs(self._store.search_runs(self.entry.table, wanted)):
            by_trial.setdefault(int(run.row.removeprefix("trial ")), []).append(run)
        return by_trial

    def end_trial(self, number: int, ending: Ending, objective: float | None) -> None:
        """Say at the runs of a trial how it ended."""
        wanted = {"kind": "trial", **self.trial_tags(number)}
        for run in self._store.search_runs(self.entry.table, wanted):
            self._client.set_tag(run.info.run_id, "outcome", ending)
            if objective is not None:
                log_metrics(self._client, run.info.run_id, {"objective": objective}, step=0)

    def keep_files(
        self, files: Sequence[Path], note: str, best: float | None, importances: Mapping[str, float]
    ) -> None:
        """Keep the study's files, note, best objective and importances in place of earlier ones."""
        for path in files:
            folder = None if path.name == TRIALS else "figures"
            self._client.log_artifact(self.run_id, str(path), folder)
        self._client.set_tag(self.run_id, NOTE, note)
        metrics = {_IMPORTANCE + name: value for name, value in importances.items()}
        if best is not None:
            metrics["best"] = best
        log_metrics(self._client, self.run_id, metrics, step=now_ms() // 1000)

    def end_study(self, status: Literal["FINISHED", "KILLED"]) -> None:
        """Mark the run as finished, or as stopped before all its trials were there."""
        self._client.set_terminated(self.run_id, status)


class StudyArtifacts(NamedTuple):
    """What a study's run holds, for a report."""

    name: str
    trials: pd.DataFrame
    """`trials.csv`: a line a trial, the columns of `bench.reports.sweep_report` first, all text."""
    importances: Mapping[str, float]
    status: str
    commit: str
    run_id: str


def read_studies(store: Store, card: Sweep) -> list[StudyArtifacts]:
    """Return the studies of a sweep's card, newest first; on changed data there are several."""
    wanted = {"kind": "study", "form": card.form, "signature": sweep_cards.study_signature(card)}
    studies = [_read_study(store, run) for run in store.search_runs(f"sweeps/{card.key}", wanted)]
    return [study for study in studies if study is not None]


def _read_study(store: Store, run: Any) -> StudyArtifacts | None:
    run_id = run.info.run_id
    if not any(file.path == TRIALS for file in store.client.list_artifacts(run_id)):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = store.client.download_artifacts(run_id, TRIALS, folder)
        trials = pd.read_csv(path, dtype=str, keep_default_na=False)
    importances = {
        name.removeprefix(_IMPORTANCE): value
        for name, value in run.data.metrics.items()
        if name.startswith(_IMPORTANCE)
    }
    tags = run.data.tags
    return StudyArtifacts(
        tags["study"], trials, importances, run.info.status, tags["commit"], run_id
    )
