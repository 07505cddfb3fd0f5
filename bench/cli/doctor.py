"""`bench doctor`: what this machine has and lacks, each with its remedy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

import click

from bench import machine, packages, provenance, weights
from bench.cli import configuration, options
from bench.config import Config
from bench.corpora import cards as corpora
from bench.errors import BenchError


class Finding(NamedTuple):
    """One thing looked for."""

    area: str
    name: str
    found: bool
    detail: str


@click.command()
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look for devices, versions, corpora, weights and the tracking store.

    Whatever is at fault (`bench.toml`, a card, the store), the rest is shown all the same.
    """
    found = findings()
    if as_json:
        options.print_json("doctor", {"findings": [finding._asdict() for finding in found]})
    else:
        for area, of in groupby(found, lambda finding: finding.area):
            click.echo(f"\n{area}")
            for line in options.columns([_cells(finding) for finding in of]):
                click.echo(f"  {line}")
    if not found[0].found:
        context.exit(2)


def _cells(finding: Finding) -> tuple[str, str, str]:
    detail = "; ".join(finding.detail.splitlines())
    return "found" if finding.found else "lacking", finding.name, detail


def findings() -> list[Finding]:
    """Return everything looked for, in order; the first is the configuration.

    Where that is at fault, what depends on it is left out.
    """
    try:
        here = configuration.load()
    except BenchError as error:
        name = os.environ.get("BENCH_CONFIG") or "bench.toml"
        fault = Finding("configuration", name, False, str(error))
        return [fault, *_devices(None), *_versions()]
    text = "read" if here.source else "not here: defaults and environment"
    return [
        Finding("configuration", str(here.source or "bench.toml"), True, text),
        *_devices(here),
        *_versions(),
        *_corpora(here),
        *_weights(here),
        *_store(here),
    ]


def _devices(here: Config | None) -> Iterator[Finding]:
    if not packages.installed("torch"):
        yield Finding("devices", "torch", False, packages.needed("training", "torch"))
        cores = f"{provenance.processor()}, {os.cpu_count()} cores"
        yield Finding("devices", "cpu", True, cores)
        return
    import torch

    from bench import devices

    if here is not None and (text := devices.missing(here)):
        yield Finding("devices", "configured", False, text)
    for i in range(torch.cuda.device_count()):
        yield Finding("devices", f"cuda:{i}", True, torch.cuda.get_device_name(i))
    if not torch.cuda.device_count():
        text = "none that torch can use; paper rows want one, smoke rows run on the CPU"
        yield Finding("devices", "cuda", False, text)
    cores = f"{provenance.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    yield Finding("devices", "cpu", True, cores)


def _versions() -> Iterator[Finding]:
    for name, text in provenance.versions().items():
        yield Finding("versions", name, text != "missing", text)


def _attempt(area: str, name: str, look: Callable[[], object]) -> Finding:
    """Return what `look` returns as found; what it, or the machine, says against it as lacking."""
    try:
        return Finding(area, name, True, str(look()))
    except BenchError as error:
        return Finding(area, name, False, str(error))
    except Exception as error:
        said = machine.explain(error)
        if said is None:
            raise
        return Finding(area, name, False, said.message)


def _corpora(here: Config) -> Iterator[Finding]:
    keys, faults = corpora.names(), corpora.readable().faults
    for key in keys:
        yield _attempt("corpora", key, lambda k=key: here.corpus_root(k, "paper"))
    for key, fault in faults.items():
        yield Finding("cards of corpora", key, False, fault)
    for key in keys:
        yield _attempt("miniature corpora", key, lambda k=key: here.corpus_root(k, "smoke"))


def _weights(here: Config) -> Iterator[Finding]:
    for key in dict.fromkeys([*weights.KNOWN, *here.weights]):
        yield _attempt("weights", key, lambda k=key: weights.locate(k, here))


def _store(here: Config) -> Iterator[Finding]:
    area = "tracking store"
    if not packages.installed("mlflow"):
        yield _without_mlflow(area, here)
        return
    from bench.tracking import address
    from bench.tracking.store import Store

    try:
        at = address.configured(here)
    except BenchError as error:
        yield Finding(area, "mlflow", False, str(error))
        return
    uri = at.shown
    if at.file is not None and not at.file.is_file():
        yield Finding(area, "mlflow", True, f"{uri} (not there yet: the first run makes it)")
        return

    def look() -> str:
        if not Store(here).answers():
            raise BenchError(f"{uri} takes no connection: runs would be recorded in {here.work}")
        return uri

    def waiting() -> str:
        if names := Store(here).waiting():
            raise BenchError(f"{len(names)} runs wait for `bench sync`: {', '.join(names)}")
        return "nothing waits for `bench sync`"

    yield _attempt(area, "mlflow", look)
    yield _attempt(area, "synchronised", waiting)


def _without_mlflow(area: str, here: Config) -> Finding:
    from bench.tracking import opened, records

    if text := opened.unread(here):
        return Finding(area, "mlflow", False, text)
    kept = records.Records(here)
    count = len(records.names(records.folder(here)))
    return Finding(area, "records", True, f"{kept.uri}: {count} judged score files")
