"""Rows that are given up: marked as failed in the tracking store, with the reason."""

from __future__ import annotations

from bench import config as configuration
from bench.cluster.member_checks import read_request
from bench.cluster.submission import Submission, SubmittedUnit
from bench.errors import RowFailed
from bench.runner import local
from bench.tracking.store import Store


def record_failure(submission: Submission, unit: SubmittedUnit, error: RowFailed) -> None:
    """Mark the rows of a unit as failed for an error."""
    here = configuration.read_config()
    local.fail_jobs(read_request(submission, unit), here, Store(here), error)
