"""What is said of a run when it begins, what it is known by, and its description."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bench import versions
from bench._io import markdown
from bench._io.digests import short_digest
from bench._io.markdown import escape_text, fill_template, format_list
from bench._io.printable import csv_text
from bench.config import Form
from bench.metrics.catalogue import format_value, is_rate, metric_decimals
from bench.metrics.measured import MetricResult
from bench.models.weights import name_digest
from bench.smoke import smoke_note
from bench.specs.run import Run


@dataclass(frozen=True)
class DatasetUse:
    """A split of a corpus and what it was used for."""

    name: str
    """`<corpus>/<split>`."""
    digest: str
    """Its fingerprint, at most 36 characters."""
    context: Literal["train", "dev", "evaluation"]


class RunData(Protocol):
    """What the tracking store asks of a run's data (`bench.training.row.RowData`)."""

    def fingerprints(self) -> Mapping[str, str]:
        """Return the digest of each split by its name."""
        ...

    def content_digests(self) -> Mapping[str, str]:
        """Return the digest or version of what else the run is made from, by what it is."""
        ...


@dataclass(frozen=True)
class RunRecord:
    """One row of one table with one seed, or one trial of a sweep, about to run."""

    table: str
    """`sal/table4`."""
    paper: str
    """`sal`."""
    row: str
    seed: int
    run: Run
    fingerprints: Mapping[str, str]
    """Digest of each split by its name."""
    made_from: Mapping[str, str]
    """Digest or version of what else it is made from, by what it is: weights, audio, detectors."""
    commit: str = ""
    device: str = ""
    paper_results: Mapping[str, float] = field(default_factory=dict[str, float])
    """The paper's results by metric, rates in per cent."""
    kind: Literal["row", "stage", "trial"] = "row"
    """`stage` is the training that a row or a trial starts from."""
    parent: str = ""
    """Id of the tracked run that this one is a part of: of a stage, or of a trial, whose parent is
    its study's run; empty for a row itself."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """What else it is known by: a trial's study and number."""
    cells: Mapping[str, str] = field(default_factory=dict[str, str])
    """The row's text cells by the table's text columns; shown, and nothing is looked up by them."""
    line: int = 0
    """Where the row stands in its table."""
    overrides: Sequence[str] = ()
    """The settings that `--set` changed: such a run is not the paper's row."""
    lease: str = ""
    """The lease of whoever runs it (`bench.jobs.leases`)."""
    again: int = 0
    """How often the same was finished before and then run anew (`bench run --again`)."""

    @classmethod
    def from_data(cls, table: str, row: str, seed: int, run: Run, data: RunData) -> RunRecord:
        """Return what `from_digests` does, of loaded data."""
        digests = data.fingerprints(), data.content_digests()
        return cls.from_digests(table, row, seed, run, *digests)

    @classmethod
    def from_digests(
        cls,
        table: str,
        row: str,
        seed: int,
        run: Run,
        fingerprints: Mapping[str, str],
        made_from: Mapping[str, str],
    ) -> RunRecord:
        """Return what the run of a row is looked up by; what else is kept of it is left empty."""
        return cls(
            table=table,
            paper=table.partition("/")[0],
            row=row,
            seed=seed,
            run=run,
            fingerprints=fingerprints,
            made_from=made_from,
        )

    @property
    def name(self) -> str:
        """The run's name: `S5 · seed 666`."""
        changed = f" · {', '.join(self.overrides)}" if self.overrides else ""
        stage = " · start" if self.kind == "stage" else ""
        again = f" · again {self.again}" if self.again else ""
        return f"{self.row} · seed {self.seed}{stage}{changed}{again}"

    @property
    def data_digest(self) -> str:
        """Eight hexadecimal digits of all fingerprints."""
        return short_digest(self.fingerprints)

    @property
    def versions(self) -> dict[str, int]:
        """The results versions of all that the run is computed by (`bench.versions`)."""
        return versions.list_run_versions(self.run)

    @property
    def request_tags(self) -> dict[str, str]:
        """The tags of all runs of the same settings, seed, protocols and labels."""
        return {
            "kind": self.kind,
            "table": self.table,
            "row": self.row,
            "seed": str(self.seed),
            "signature": self.run.signature,
            "data": self.data_digest,
            **self.tags,
        }

    @property
    def identity(self) -> dict[str, str]:
        """The tags that tell a run from all others; commit and device are not among them."""
        contents = short_digest(self.made_from)
        return {**self.request_tags, "contents": contents, "again": str(self.again)}


@dataclass(frozen=True)
class ScoredFile:
    """Another system's score file, evaluated by `bench score`: scored here, not trained here."""

    table: str
    """The table it stands beside, or `scored/<corpus>` where no table evaluates that split."""
    system: str
    """What the system is called."""
    form: Form
    split: str
    """`<corpus>/<split>`."""
    fingerprint: str
    """Of the split's protocol and labels."""
    digest: str
    """Of the score file's content."""
    commit: str
    settings: Mapping[str, str]
    """How it was evaluated: columns taken, negated or not, missing trials, resampling."""
    figures: Mapping[str, MetricResult]
    """Fractions by `<evaluation>.<metric>`."""
    evaluation: str = ""
    """What the table calls the evaluation; the corpus's key where there is no table."""
    corpus: str = ""
    """What corpus and split are called in the run's name: `19LA eval`."""
    cells: Mapping[str, str] = field(default_factory=dict[str, str])
    """The system's text cells by the table's text columns."""

    @property
    def name(self) -> str:
        """The run's name: `MyDet · 19LA eval`."""
        return f"{self.system} · {self.corpus or self.split}"

    @property
    def system_tags(self) -> dict[str, str]:
        """The tags of the run that all of the system's evaluated score files are parts of."""
        return {"kind": "system", "table": self.table, "system": self.system, "form": self.form}

    @property
    def identity(self) -> dict[str, str]:
        """The tags that a run is looked up by: an equal evaluation is logged once."""
        by = sorted(versions.describe_raised(versions.list_metric_versions(self.figures)).items())
        how = json.dumps([*sorted(self.settings.items()), *by, self.split, self.fingerprint])
        return {
            "kind": "scored",
            "table": self.table,
            "system": self.system,
            "form": self.form,
            "scores": self.digest,
            "judged": hashlib.sha256(how.encode()).hexdigest()[:8],
        }


FAILURE = "failure"
"""Tag of a run: why it failed or was stopped; of a finished one which of its figures are missing,
and why."""
METRIC_VERSIONS = "metrics"
"""Tag of a run: the versions of what its results were computed by (`bench.versions`), as JSON."""
BOUNDS = ("low", "high", "utterance_low", "utterance_high")
"""Fields of a figure that are of its own unit."""
COUNTS = ("missed", "accepted", "bonafide", "spoof")
"""Those that are numbers of trials or frames."""


def tracked_values(figures: Mapping[str, MetricResult]) -> dict[str, float]:
    """Return results as the store has them, rates in per cent.

    A result is `name`, and `name.<field>` for the fields of `BOUNDS` and `COUNTS`. Unknown fields
    are left out, but `low` and `high` are then NaN.
    """
    numbers: dict[str, float] = {}
    for name, figure in figures.items():
        numbers[name] = per_cent(name, figure.value)
        for part in (*BOUNDS, *COUNTS):
            value = float(getattr(figure, part))
            if part in ("low", "high") or not math.isnan(value):
                numbers[f"{name}.{part}"] = per_cent(name, value) if part in BOUNDS else value
    return numbers


def result_tags(figures: Mapping[str, MetricResult]) -> dict[str, str]:
    """Return the tags of results: `resampling_plans`, and which metrics computed them."""
    return {
        **resampling_plans(figures),
        METRIC_VERSIONS: json.dumps(versions.list_metric_versions(figures), sort_keys=True),
    }


def resampling_plans(figures: Mapping[str, MetricResult]) -> dict[str, str]:
    """Return what is resampled for the intervals of each evaluation, by `plan.<evaluation>`.

    For example `speaker+attack`. Breakdowns are left out.
    """
    by_evaluation: dict[str, dict[str, None]] = {}
    for name, figure in figures.items():
        evaluation, _, rest = name.partition(".")
        if "." not in rest:
            by_evaluation.setdefault(f"plan.{evaluation}", {})[figure.plan] = None
    return {name: ", ".join(names) for name, names in by_evaluation.items()}


def per_cent(name: str, value: float) -> float:
    """Return a metric as the store keeps it: rates in per cent, anything else as it is.

    >>> per_cent("partialspoof.eer", 0.5), per_cent("train.loss", 0.5)
    (50.0, 0.5)
    """
    return 100 * value if is_rate(name) else value


def describe_run(entry: RunRecord, figures: Mapping[str, MetricResult]) -> str:
    """Return the run's description: the paper's results beside ours, in Markdown.

    `figures` are fractions by metric; empty while the run goes on. Those of single attacks stand
    here only where the paper has them: some corpora have more than a hundred attacks.
    """
    whole = [name for name in figures if name.count(".") < 2]
    smoke = smoke_note(entry.run.form)
    headings = ["metric (rates in %)", "paper", "ours", "95 % interval", "difference"]
    rows: list[list[str]] = []
    for name in dict.fromkeys([*entry.paper_results, *whole]):
        paper, ours = entry.paper_results.get(name), figures.get(name)
        decimals = metric_decimals(name)
        cells = ["–"] * 4
        if paper is not None:
            cells[0] = f"{paper:.{decimals}f}"
        if ours is not None:
            value, low, high = (per_cent(name, number) for number in ours[:3])
            cells[1] = f"{value:.{decimals}f}"
            cells[2] = f"{low:.{decimals}f} to {high:.{decimals}f}"
            if paper is not None:
                cells[3] = f"{value - paper:+.{decimals}f}"
        rows.append([name, *cells])
    title = smoke + escape_text(f"{entry.table}, row {entry.row}, seed {entry.seed}")
    lines = [title, "", *markdown.format_table(headings, rows, padded=False)]
    used = {name: text for name, text in entry.made_from.items() if name.startswith("weights ")}
    if used:
        digests = (f"{name}: {name_digest(text)} {text}" for name, text in sorted(used.items()))
        lines += ["", format_list(digests)]
    return "\n".join(lines)


def results_csv(entry: RunRecord, figures: Mapping[str, MetricResult]) -> str:
    """Return all results (fractions) beside the paper's as CSV: rates in %, unknown ones empty."""
    fields = (*BOUNDS, *COUNTS)
    lines: list[tuple[object, ...]] = [("figure", "ours", *fields, "plan", "paper")]
    for name, figure in figures.items():
        numbers = tracked_values({name: figure})
        names = [name, *(f"{name}.{field}" for field in fields)]
        ours = (_format_number(numbers.get(each, math.nan)) for each in names)
        lines.append((name, *ours, figure.plan, entry.paper_results.get(name, "")))
    return csv_text(lines)


def _format_number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def describe_scored_file(entry: ScoredFile) -> str:
    """Return the description of an evaluated score file, in Markdown."""
    smoke = smoke_note(entry.form)
    heading = "**Scored, not trained here**: {} on {}"
    title = smoke + fill_template(heading, entry.system, entry.split)
    rows: list[list[str]] = []
    for name, figure in entry.figures.items():
        value, low, high = (format_value(name, number) for number in figure[:3])
        interval = "–" if math.isnan(figure.low) else f"{low} to {high}"
        rows.append([name, value, interval])
    lines = markdown.format_table(["metric", "value", "95 % interval"], rows, padded=False)
    return "\n".join(
        [
            title,
            "",
            *lines,
            "",
            format_list(f"{key}: {setting}" for key, setting in entry.settings.items()),
        ]
    )
