"""What it takes to get a report's results again.

These are commands, code, environment, data and devices, and what it cost.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from bench._io.markdown import fill_template, format_code, format_list, join_texts
from bench._io.packages import WHOLE
from bench.cards.table_cards import short_key
from bench.config import Form
from bench.models.weights import compare_published, name_digest
from bench.reports.name_ranges import format_row_names
from bench.reports.row_runs import RunsByRow
from bench.reports.stored_results import StoredResults
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_option
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun

_UNKNOWN = "not known"
_RELEASE = "version "
"""What a run's commit begins with where the suite was installed and is no checkout."""
_WEIGHTS = "weights "
_EQUAL = (
    "Results are equal, digit for digit, with the same signature, data, commit, packages, "
    "kind of device and number of threads; on a GPU, `deterministic = true` in bench.toml "
    "is needed too. Another number of threads adds numbers in another order, and training "
    "enlarges the difference: the EER of a smoke row may change by several points"
)


def summarize_reproduction(
    table: Table, standings: RunsByRow, form: Form, artifacts: StoredResults | None
) -> str:
    """Return a list: what to type, and what was used and spent the last time."""
    lines: list[str] = [
        fill_template(
            "Run: {}", join_texts(", ", map(format_code, list_run_commands(table, standings, form)))
        )
    ]
    if runs := [run for stands in standings.values() for run in stands.runs]:
        lines += [
            *_describe_code(runs),
            fill_template(
                "Data: {}, fingerprints below; `bench data check` compares them", _list_splits(runs)
            ),
            *_list_weights(runs),
            *_describe_spent(runs, artifacts),
            *_describe_conditions(runs),
            fill_template(_EQUAL),
        ]
    return format_list(lines)


def list_counted_runs(standings: RunsByRow, form: Form) -> str:
    """Return a table of the runs that the figures are of."""
    shown = [
        [
            *(row, str(run.seed), format_code(run.signature), run.commit),
            *(_format_time(run.begun), _format_time(run.ended), f"{run.hours:.2f}"),
            *(run.device, format_code(run.run_id[:8])),
        ]
        for row, stands in standings.items()
        for run in stands.runs
    ]
    if not shown:
        return "No run with the settings of this table is finished."
    headings = ("Row", "Seed", "Signature", "Commit", "Begun (UTC)", "Ended (UTC)", "Hours")
    return format_report_table([*headings, "Device", "Run"], shown, form)


def list_fingerprints(standings: RunsByRow, form: Form) -> str:
    """List the fingerprint of each split and the rows that saw it: one for all, if all is well."""
    seen: dict[tuple[str, str], list[str]] = {}
    for row, stands in standings.items():
        for text in dict.fromkeys(run.fingerprints for run in stands.runs):
            for name, digest in json.loads(text).items():
                seen.setdefault((name, digest), []).append(row)
    order = [*standings]
    if not seen:
        return "No data was used."
    lines = [
        [name, format_code(digest), format_row_names(rows, order)]
        for (name, digest), rows in sorted(seen.items())
    ]
    names = Counter(name for name, _ in seen)
    warnings = [
        fill_template("**Rows saw different data in {}: their results cannot be compared.**", name)
        for name, count in sorted(names.items())
        if count > 1
    ]
    table = format_report_table(["Split", "Fingerprint", "Rows"], lines, form)
    return "\n\n".join([table, *warnings])


def list_missing_seeds(standings: RunsByRow, form: Form) -> str:
    """Return a table of the seeds without a finished run, and why."""
    by_why: dict[tuple[str, str], list[str]] = {}
    for row, stands in standings.items():
        whys = dict.fromkeys(seed.why for seed in stands.missing)
        for why in whys:
            seeds = ", ".join(str(seed.seed) for seed in stands.missing if seed.why == why)
            by_why.setdefault((seeds, why), []).append(row)
    if not by_why:
        return "Nothing: every row has a finished run with each of its seeds."
    order = [*standings]
    lines = [[format_row_names(rows, order), *what] for what, rows in by_why.items()]
    return format_report_table(["Row", "Seeds", "Why"], lines, form)


def format_run_command(
    table: Table, standings: RunsByRow, form: Form, seeds: int | None = None
) -> str:
    """Return the command that runs the rows that were begun, or all where none was.

    It has the given number of `seeds`; without one, the number that the rows have where this is
    more than the card's.
    """
    begun = [row for row, stands in standings.items() if stands.runs]
    rows = "" if len(begun) in (0, len(standings)) else f" --rows {','.join(begun)}"
    if seeds is None:
        of_card = {row: len(table.rows[row].seeds or table.seeds) for row in standings}
        more = any(len(stands.seeds) > of_card[row] for row, stands in standings.items())
        seeds = max(len(stands.seeds) for stands in standings.values()) if more else None
    number = "" if seeds is None else f" --seeds {seeds}"
    return f"bench run {short_key(table)}{rows}{number}{smoke_option(form)}"


def list_run_commands(table: Table, standings: RunsByRow, form: Form) -> list[str]:
    """Return the commands that run the rows of a report and write it again."""
    before = ["bench data mini"] if form == "smoke" else []
    return [
        *before,
        format_run_command(table, standings, form),
        f"bench report {short_key(table)}{smoke_option(form)}",
    ]


def _describe_code(runs: Sequence[StoredRun]) -> list[str]:
    """Return which code and environment the runs had, and their packages.

    Code is a checkout's commit with its lock, a commit that was installed without a lock, or a
    release.
    """
    lines: list[str] = []
    parts = _list_each(run.commit for run in runs)
    if commits := [part for part in parts if not part.startswith(_RELEASE)]:
        note = _note_uncommitted(runs)
        lines.append(fill_template("Code: commit {}{}", ", ".join(commits), note))
        locks = [lock for lock in _list_each(run.lock for run in runs) if lock != "none"]
        if locks:
            text = "Environment: `uv sync --locked`; uv.lock's SHA-256 begins: {}"
            lines.append(fill_template(text, ", ".join(locks)))
    for version in parts:
        if version.startswith(_RELEASE):
            number = version.removeprefix(_RELEASE)
            command = f"pip install {WHOLE}=={number}"
            lines.append(fill_template("Code: release {}, {}", number, format_code(command)))
    return [*lines, *_describe_packages(runs)]


def _describe_packages(runs: Sequence[StoredRun]) -> list[str]:
    """Return a line with the versions of packages that the runs report, all of each package."""
    described = [run.environment for run in runs if run.environment]
    if not described:
        return [fill_template("Packages: {}", _UNKNOWN)]
    by_name: dict[str, list[str]] = {}
    for part in _list_each(described):
        name, _, version = part.partition(" ")
        by_name.setdefault(name, []).append(version)
    listed = ", ".join(f"{name} {' and '.join(versions)}" for name, versions in by_name.items())
    some = fill_template(" (reported by {} of {} runs)", str(len(described)), str(len(runs)))
    return [fill_template("Packages: {}{}", listed, some if len(described) < len(runs) else "")]


def _note_uncommitted(runs: Sequence[StoredRun]) -> str:
    changed = any("+changes" in run.commit for run in runs)
    return fill_template(
        " (`+changes`: the checkout had changes that were not committed)" * changed
    )


def _list_each(values: Iterable[str]) -> list[str]:
    """Return every value once; a run that was resumed has several, with commas between them."""
    every = [part for value in values for part in value.split(", ")]
    return list(dict.fromkeys(part or _UNKNOWN for part in every))


def _list_splits(runs: Sequence[StoredRun]) -> str:
    names = {name for run in runs for name in json.loads(run.fingerprints)}
    return ", ".join(sorted(names))


def _list_weights(runs: Sequence[StoredRun]) -> list[str]:
    """Return a line that names all pretrained weights of runs; none where none are known."""
    digests: dict[tuple[str, str], None] = {}
    for text in dict.fromkeys(run.made_from for run in runs):
        made_from: dict[str, str] = json.loads(text or "{}")
        for name, digest in made_from.items():
            if name.startswith(_WEIGHTS):
                digests[name.removeprefix(_WEIGHTS), digest] = None
    if not digests:
        return []
    parts = [
        fill_template(
            "{}: sha256 {} ({})", name, format_code(digest), compare_published(name, digest)
        )
        if name_digest(digest) == "sha256"
        else fill_template("{}: files {}", name, format_code(digest))
        for name, digest in sorted(digests)
    ]
    return [fill_template("Weights: {}", join_texts(", ", parts))]


def _describe_spent(runs: Sequence[StoredRun], artifacts: StoredResults | None) -> list[str]:
    by_device: dict[str, list[float]] = {}
    for run in sorted(runs, key=lambda run: run.device):
        by_device.setdefault(run.device, []).append(run.hours)
    devices = [
        f"{name} ({len(hours)} {'run' if len(hours) == 1 else 'runs'}, {sum(hours):.2f} h)"
        for name, hours in by_device.items()
    ]
    in_all = f"; {sum(run.hours for run in runs):.2f} h in all" if len(devices) > 1 else ""
    lines = [f"Devices: {'; '.join(devices)}{in_all}"]
    on_gpu = [run for run in runs if not run.device.startswith("cpu")]
    if not on_gpu:
        return [*lines, "GPU-hours: none; energy: not known (no GPU was used)"]
    hours = sum(_count_devices(run.device) * run.hours for run in on_gpu)
    return [*lines, f"GPU-hours: {hours:.2f}; energy: {_describe_energy(on_gpu, artifacts)}"]


def _describe_conditions(runs: Sequence[StoredRun]) -> list[str]:
    """Return what of the machine may change figures, as far as the runs say it."""
    says = {
        "Precision": [run.precision for run in runs],
        "Threads": [run.threads for run in runs],
        "Determinism": [run.determinism for run in runs],
    }
    return [
        f"{label}: {', '.join(_list_each(filter(None, texts)))}"
        for label, texts in says.items()
        if any(texts)
    ]


def _describe_energy(runs: Sequence[StoredRun], artifacts: StoredResults | None) -> str:
    metered = [run for run in runs if run.power]
    if artifacts is None or not metered:
        return f"{_UNKNOWN} (no GPU's power was logged)"
    spent = sum(artifacts.read_energy_kwh(run.run_id, run.power) for run in metered)
    share = "" if len(metered) == len(runs) else f", of {len(metered)} of {len(runs)} runs"
    return f"{spent:.2f} kWh, by the GPUs' own meters{share}"


def _count_devices(name: str) -> int:
    """Return how many GPUs a run had: `4 x NVIDIA H200`."""
    match = re.match(r"(\d+) x ", name)
    return int(match[1]) if match else 1


def _format_time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else _UNKNOWN
