"""`bench doctor`: what this machine has and lacks, with remedies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Literal, NamedTuple

import click

from bench import provenance
from bench._io import machine, packages
from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.cli import completion, configuration, json_output, machine_checks, options
from bench.cli.progress_bars import runs_wait
from bench.config import Config, Form, locations
from bench.errors import BenchError
from bench.issues import Issue, Severity
from bench.models import weights
from bench.reports.text_columns import align_columns
from bench.runner.requirements import missing_device, missing_requirements

_OLDER = "run.older-code"


class Finding(NamedTuple):
    """One thing looked for: what is there, or the issue that it is missing, older or broken."""

    area: str
    name: str
    result: str | Issue

    @property
    def state(self) -> Literal["ok", "missing", "older", "broken"]:
        """`missing` is what is not set or not there, `broken` what is set and does not work.

        `older` are runs that today's code would make anew.
        """
        if isinstance(self.result, str):
            return "ok"
        if self.result.code == _OLDER:
            return "older"
        return "broken" if self.result.severity == "error" else "missing"

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        code = None if isinstance(self.result, str) else self.result.code
        where = {"area": self.area, "name": self.name, "state": self.state}
        return {**where, "detail": str(self.result), "code": code}


@click.command()
@click.argument("table", required=False, shell_complete=completion.table_names)
@options.smoke
@json_output.json_flag
@click.pass_context
def doctor(context: click.Context, table: str | None, smoke: bool, as_json: bool) -> None:
    """Check devices, versions, corpora, weights and the tracking store, and try disk and locks.

    The command also says which rows in the store were made by older code, so that `bench run`
    would repeat them.

    Exits with 1 if something that is configured does not work, or, with TABLE, if something is
    missing that its rows need. One fault does not stop the other checks.
    """
    findings = list_findings()
    is_configured = findings[0].state == "ok"
    if is_configured and table is not None:
        findings += list_needs(table, options.choose_form(smoke))
    if as_json:
        key = table_cards.read_table(table).key if is_configured and table is not None else table
        content = {"table": key, "form": options.choose_form(smoke)}
        records = [finding.as_dict() for finding in findings]
        json_output.print_json("doctor", {**content, "findings": records})
    else:
        for area, group in groupby(findings, lambda finding: finding.area):
            click.echo(f"\n{area}")
            for line in align_columns(_merge_findings([*group])):
                click.echo(f"  {line}")
    if not is_configured:
        context.exit(2)
    is_needed = table is not None and findings[-1].state != "ok"
    if is_needed or any(finding.state == "broken" for finding in findings):
        context.exit(1)


def _merge_findings(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """Return the lines of an area; findings that differ in their name alone share one line."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        general = str(finding.result)
        if finding.state != "ok":
            general = general.replace(finding.name.upper(), "KEY").replace(finding.name, "KEY")
        alike.setdefault((finding.state, general), []).append(finding)
    lines: list[tuple[str, str, str]] = []
    for (state, general), group in alike.items():
        name, detail = group[0].name, str(group[0].result)
        if len(group) > 1:
            names = ", ".join(each.name for each in group)
            name, detail = f"{len(group)} keys", f"{names}; for each KEY: {general}"
        lines.append((state, name, "; ".join(detail.splitlines())))
    return lines


def list_findings() -> list[Finding]:
    """Return everything that was checked, in order; the first is the configuration.

    If the configuration has a fault, checks that depend on it are left out.
    """
    try:
        here = configuration.load_configuration()
    except BenchError as error:
        name = os.environ.get("BENCH_CONFIG") or "bench.toml"
        fault = Finding("configuration", name, Issue("error", error.code, str(error)))
        return [fault, *_check_devices(None), *_check_versions()]
    return [
        *_check_configuration(here),
        *_check_devices(here),
        *_check_versions(),
        *_check_work_folder(here),
        *_check_corpora(here),
        *_check_weights(here),
        *_check_store(here),
    ]


def list_needs(table: str, form: Form) -> list[Finding]:
    """Return what the rows of a table need and this machine lacks, each with the rows."""
    here, card = configuration.load_configuration(), table_cards.read_table(table)
    area = f"needed by {card.key}"
    rows: dict[str, list[str]] = {text: [] for text in missing_device(here)}
    for row, run in table_cards.resolve_rows(card, form).items():
        for text in missing_requirements(run, here):
            rows.setdefault(text, []).append(row)
    if not rows:
        return [Finding(area, "all", "nothing is missing")]
    code = "run.requirements-missing"
    return [
        Finding(area, ",".join(names) or "all", Issue("warning", code, text))
        for text, names in rows.items()
    ]


def _check_configuration(here: Config) -> Iterator[Finding]:
    files = [path for path in (here.source, *here.further) if path is not None]
    for path in files:
        yield Finding("configuration", str(path), "read")
    if not files:
        others = f"{locations.user_file(os.environ)}, {locations.machine_file(os.environ)}"
        text = f"not in the working folder, nor above it, nor {others}: defaults and variables"
        yield Finding("configuration", locations.NAME, text)
    for key, where in here.origins.items():
        yield Finding("configuration", key, f"from {where}")
    if os.environ.get("MLFLOW_TRACKING_URI"):
        yield Finding("configuration", "tracking", "from MLFLOW_TRACKING_URI")


def _check_devices(here: Config | None) -> Iterator[Finding]:
    if not packages.is_installed("torch"):
        text = packages.missing_message("training", "torch")
        yield Finding("devices", "torch", Issue("warning", "machine.not-installed", text))
        return
    import torch

    from bench.models import devices

    if here is not None and (text := devices.missing_devices(here)):
        yield Finding("devices", "configured", Issue("error", "run.requirements-missing", text))
    for i in range(torch.cuda.device_count()):
        text = f"{torch.cuda.get_device_name(i)}, {_describe_memory(i)}"
        yield Finding("devices", f"cuda:{i}", text)
    if not torch.cuda.device_count():
        text = "none that torch can use; paper rows want one, smoke rows run on the CPU"
        yield Finding("devices", "cuda", Issue("warning", "machine.no-gpu", text))
    cores = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    yield Finding("devices", "cpu", f"{provenance.processor_name()}, {cores}")


def _describe_memory(device: int) -> str:
    import torch

    try:
        free, total = torch.cuda.mem_get_info(device)
    except (RuntimeError, AssertionError):  # the driver does not say
        return "memory not known"
    return f"{free / 1e9:.1f} GB of {total / 1e9:.1f} GB of memory free"


def _check_versions() -> Iterator[Finding]:
    for name, version in provenance.package_versions().items():
        if version == "missing":
            text = f"not installed: {packages.install_command()}"
            yield Finding("versions", name, Issue("warning", "machine.not-installed", text))
        else:
            yield Finding("versions", name, version)
    yield _attempt_check("versions", "uv.lock", machine_checks.beside_lock, "warning")


def _check_work_folder(here: Config) -> Iterator[Finding]:
    area, work = "work folder", here.work
    yield _attempt_check(area, "disk", lambda: machine_checks.free_disk(work), "error")
    yield _attempt_check(area, "writing", lambda: machine_checks.check_writing(work), "error")
    yield _attempt_check(area, "locks", lambda: machine_checks.locks_hold(work), "error")


def _attempt_check(
    area: str, name: str, look: Callable[[], object], otherwise: Severity
) -> Finding:
    """Return the text of `look` as ok; if it fails or the machine refuses, why, as `otherwise`."""
    try:
        return Finding(area, name, str(look()))
    except BenchError as error:
        return Finding(area, name, Issue(otherwise, error.code, str(error)))
    except Exception as error:
        explained = machine.explain_error(error)
        if explained is None:  # a fault of this suite
            raise
        return Finding(area, name, Issue(otherwise, explained.code, explained.message))


def _check_corpora(here: Config) -> Iterator[Finding]:
    keys, faults = corpora.list_corpora(), corpora.list_readable().faults
    for key in keys:
        severity: Severity = "error" if key in here.corpora else "warning"
        yield _attempt_check("corpora", key, lambda k=key: here.corpus_root(k, "paper"), severity)
    for key, fault in faults.items():
        yield Finding("cards of corpora", key, Issue("error", "corpus.invalid-card", fault))
    for key in keys:
        look = lambda k=key: here.corpus_root(k, "smoke")  # noqa: E731
        yield _attempt_check("miniature corpora", key, look, "warning")


def _check_weights(here: Config) -> Iterator[Finding]:
    for key in dict.fromkeys([*weights.published_weights(), *here.weights]):
        severity: Severity = "error" if key in here.weights else "warning"
        yield _attempt_check("weights", key, lambda k=key: _locate_weights(k, here), severity)


def _locate_weights(key: str, here: Config) -> str:
    path = weights.locate_weights(key, here)
    return f"{path} ({weights.identify_weights(key, path, here.work)})"


def _check_store(here: Config) -> Iterator[Finding]:
    area = "tracking store"
    if not packages.is_installed("mlflow"):
        yield _check_file_store(area, here)
        return
    from bench.tracking import address, artifact_check
    from bench.tracking.server_version import describe_server
    from bench.tracking.store import Store

    try:
        at = address.configured_address(here)
    except BenchError as error:
        yield Finding(area, "mlflow", Issue("error", error.code, str(error)))
        return
    uri = at.shown
    if at.is_new:
        yield Finding(area, "mlflow", f"{uri} (not there yet: the first run makes it)")
        return

    def look() -> str:
        store = Store(here)
        if not store.is_reachable():
            raise BenchError(
                "tracking.no-answer",
                f"{uri} takes no connection: runs would be recorded in {here.work}",
            )
        store.require_open()
        return uri

    def artifacts() -> str:
        folder = artifact_check.probe_artifacts(Store(here))
        return f"{folder} is written and read" if folder else "there is no run yet: not tried"

    def waiting() -> str:
        if names := Store(here).waiting_names():
            return f"{runs_wait(len(names))} for `bench sync`: {', '.join(names)}"
        return "nothing waits for `bench sync`"

    answered = _attempt_check(area, "mlflow", look, "error")
    yield answered
    is_open = answered.state == "ok"
    if is_open and at.file is None:
        if not at.is_database and at.endpoint is not None:
            yield _attempt_check(area, "server", lambda: describe_server(at), "warning")
        yield _attempt_check(area, "artifacts", artifacts, "error")
    if is_open or at.file is None:
        yield _attempt_check(area, "synchronised", waiting, "error")
    if is_open:
        yield from _check_runs(here)


def _check_runs(here: Config) -> Iterator[Finding]:
    from bench.runner.store_versions import read_store_versions

    area = "versions of runs"
    try:
        made = read_store_versions(here)
    except BenchError as error:
        yield Finding(area, "suite", Issue("error", error.code, str(error)))
        return
    yield Finding(area, "suite", made.describe())
    for rows in made.older:
        yield Finding(area, rows.table, Issue("warning", _OLDER, rows.describe()))


def _check_file_store(area: str, here: Config) -> Finding:
    from bench.tracking import file_store, open_store

    if text := open_store.explain_unread(here):
        return Finding(area, "mlflow", Issue("warning", "machine.not-installed", text))
    store = file_store.FileStore(here)
    count = len(file_store.record_names(file_store.records_folder(here)))
    return Finding(area, "records", f"{store.uri}: {count} evaluated score files")
