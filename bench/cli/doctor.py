"""`bench doctor`: what this machine has and lacks, each with its remedy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import click

from bench import config, provenance, weights
from bench.cli import options
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
def doctor(as_json: bool) -> None:
    """Look for devices, versions, corpora, weights and the tracking store."""
    here = config.load()
    found = findings(here)
    if as_json:
        options.print_json([finding._asdict() for finding in found])
        return
    click.echo(f"configuration: {here.source or 'no bench.toml here: defaults and environment'}")
    area = ""
    for finding in found:
        if finding.area != area:
            area = finding.area
            click.echo(f"\n{area}")
        click.echo(
            f"  {'found  ' if finding.found else 'lacking'}  {finding.name}: {finding.detail}"
        )


def findings(here: Config) -> list[Finding]:
    """Return everything looked for, in order."""
    return [*_devices(), *_versions(), *_corpora(here), *_weights(here), *_store(here)]


def _devices() -> list[Finding]:
    import torch

    found = [
        Finding("devices", f"cuda:{i}", True, torch.cuda.get_device_name(i))
        for i in range(torch.cuda.device_count())
    ]
    if not found:
        text = "none that torch can use; paper rows want one, smoke rows run on the CPU"
        found.append(Finding("devices", "cuda", False, text))
    cores = f"{provenance.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return [*found, Finding("devices", "cpu", True, cores)]


def _versions() -> list[Finding]:
    return [
        Finding("versions", name, text != "missing", text)
        for name, text in provenance.versions().items()
    ]


def _attempt(area: str, name: str, look: Callable[[], object]) -> Finding:
    try:
        return Finding(area, name, True, str(look()))
    except BenchError as error:
        return Finding(area, name, False, str(error))


def _corpora(here: Config) -> list[Finding]:
    keys = corpora.names()
    return [
        *(_attempt("corpora", key, lambda k=key: here.corpus_root(k, "paper")) for key in keys),
        *(
            _attempt("miniature corpora", key, lambda k=key: here.corpus_root(k, "smoke"))
            for key in keys
        ),
    ]


def _weights(here: Config) -> list[Finding]:
    keys = dict.fromkeys([*weights.KNOWN, *here.weights])
    return [_attempt("weights", key, lambda k=key: weights.locate(k, here)) for key in keys]


def _store(here: Config) -> list[Finding]:
    from bench.tracking import address
    from bench.tracking.store import Store

    at = address.configured(here)
    uri = at.shown
    if at.file is not None and not at.file.is_file():
        text = f"{uri} (not there yet: the first run makes it)"
        return [Finding("tracking store", "mlflow", True, text)]

    def look() -> str:
        if not Store(here).answers():
            raise BenchError(f"{uri} takes no connection: runs would be recorded in {here.work}")
        return uri

    found = [_attempt("tracking store", "mlflow", look)]
    if waiting := Store(here).waiting():
        text = f"{len(waiting)} runs wait for `bench sync`: {', '.join(waiting)}"
        found.append(Finding("tracking store", "synchronised", False, text))
    return found
