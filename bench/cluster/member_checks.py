"""Whether what a job is about to run is what was submitted: code, cards, packages."""

from __future__ import annotations

from bench import provenance
from bench.cards import paper_cards, table_cards
from bench.cards.table_cards import MARK
from bench.cluster import snapshot
from bench.cluster.submission import Submission, SubmittedUnit
from bench.errors import BenchError
from bench.runner.precision import PrecisionChoice
from bench.runner.request import RunRequest
from bench.specs.run import Run


def check_code(submission: Submission) -> None:
    """Raise BenchError where code, cards, lock file or packages are not those submitted."""
    digest = snapshot.compute_digest(submission.snapshot)
    if digest != submission.snapshot.name:
        raise BenchError(
            "cluster.code-changed",
            f"{submission.snapshot}: was changed since it was submitted: submit again",
        )
    here = {"commit": provenance.read_commit(), "lock file": provenance.lock_digest()}
    here |= provenance.package_versions()
    stated = {"commit": submission.commit, "lock file": submission.lock, **submission.versions}
    other = [
        f"{name} is {here.get(name, 'missing')} here and was {value}"
        for name, value in stated.items()
        if here.get(name) != value
    ]
    if other:
        raise BenchError(
            "cluster.versions-differ",
            f"this node does not run what was submitted: {'; '.join(other)}: use one environment "
            "on all nodes, or submit again",
        )


def resolve_unit(submission: Submission, unit: SubmittedUnit) -> dict[str, Run]:
    """Return the resolved run of each row of a unit.

    Raise BenchError where one has another signature than at submission.
    """
    if not unit.rows:
        return {}
    runs = read_request(submission, unit).resolve_runs()
    for (row, run), signature in zip(runs.items(), unit.signatures, strict=True):
        if run.signature != signature:
            raise BenchError(
                "cluster.signature-changed",
                f"{submission.table} {row}: has the signature {run.signature} here and was "
                f"submitted with {signature}: submit again",
            )
    return runs


def read_request(submission: Submission, unit: SubmittedUnit) -> RunRequest:
    """Return what a unit's command asks for."""
    card = table_cards.read_table(submission.table)
    if submission.variant is not None:
        paper = table_cards.read_paper_of(card)
        rows = [row.partition(MARK)[0] for row in unit.rows]
        card, _ = paper_cards.add_variant(card, paper, submission.variant, rows)
    form = "smoke" if submission.form == "smoke" else "paper"
    choice = None if unit.precision is None else PrecisionChoice(unit.precision, True)
    return RunRequest(card, unit.rows, None, form, submission.overrides, unit.seed, choice)
