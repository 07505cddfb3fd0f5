"""What `bench get` does when files have come: checks, places in bench.toml, and what it prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.cards.corpus_names import is_called
from bench.config import Config, config_file
from bench.config.variables import variable_name
from bench.downloads.fetch import Outcome
from bench.downloads.targets import Target
from bench.errors import BenchError


@dataclass(frozen=True)
class TargetResult:
    """What became of a target."""

    target: Target
    fetched: Sequence[str] = ()
    """Files that came."""
    failures: Sequence[BenchError] = ()
    problems: Sequence[str] = ()
    """What the check found, a line each."""

    @property
    def is_missing(self) -> bool:
        """Whether it is not here as it was asked for."""
        return bool(self.failures or self.problems) or self.target.state == "by hand"

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.failures:
            return "failed"
        if self.problems:
            return "not sound"
        return "fetched" if self.fetched else self.target.state


def finish_target(target: Target, outcome: Outcome | None) -> TargetResult:
    """Check a corpus that files have come of."""
    if outcome is None:
        return TargetResult(target)
    problems: list[str] = []
    if target.card is not None and not outcome.failures:
        check = _check_keys if target.keys_only else _check_splits
        problems = check(target)
    return TargetResult(target, tuple(outcome.fetched), tuple(outcome.failures), tuple(problems))


def _check_splits(target: Target) -> list[str]:
    """Return what `bench data check` finds wrong in the splits that were asked for."""
    from bench.cli.progress_bars import show_progress
    from bench.data.check import check_corpus

    assert target.card is not None
    problems: list[str] = []
    for split in target.splits:
        with show_progress(f"{target.name} {split}") as progress:
            report = check_corpus(target.card, target.path, split, progress)
        problems += [
            f"{split}: {issue.describe(with_count=True)}"
            for issue in report.issues
            if issue.severity == "error"
        ]
    return problems


def _check_keys(target: Target) -> list[str]:
    """Return which splits cannot be read from the keys that came, and why."""
    from bench.data.corpora import read_keys

    assert target.card is not None
    problems: list[str] = []
    for split in target.splits:
        try:
            read_keys(target.card, split, target.path)
        except BenchError as error:
            problems.append(f"{split}: {error}")
    return problems


def note_places(results: Mapping[str, TargetResult], here: Config) -> Path | None:
    """Write the places of all that came into bench.toml; return the file, None if nothing came."""
    file: Path | None = None
    for result in results.values():
        target = result.target
        if target.section == "public":
            continue  # they are always in the work folder
        stated = getattr(here, target.section).get(target.key)
        is_stated = stated is not None and stated.absolute() == target.path.absolute()
        if target.state not in ("to fetch", "there") or result.failures or is_stated:
            continue
        file = file or config_file.find_written_file(here, dict(os.environ))
        is_same = partial(is_called, target.card) if target.card else target.key.__eq__
        config_file.write_place(file, target.section, target.key, target.path, is_same)
    return file


def print_outcomes(
    targets: Sequence[Target], results: Mapping[str, TargetResult], file: Path | None
) -> None:
    """Print a line for each target, and below it what is wrong."""
    for target in targets:
        result = results[target.key]
        if target.state == "by hand":
            click.echo(f"{target.name}: get it by hand: {target.advice}", err=True)
            continue
        kind = "protocols and keys" if target.keys_only and target.state == "to fetch" else ""
        words = {
            "fetched": " ".join(part for part in ("fetched", kind) if part),
            "there": "already there",
            "elsewhere": "already configured",
        }
        if not result.is_missing:
            click.echo(f"{target.name}: {words[result.state]}: {target.path}")
        for error in result.failures:
            click.echo(f"{target.name}: {error}", err=True)
        for problem in result.problems:
            click.echo(f"{target.name}: {problem}", err=True)
        _print_variable(result)
    if file is not None:
        click.echo(f"written: {file}")


def _print_variable(result: TargetResult) -> None:
    """Say where a variable goes before what was written into bench.toml."""
    if result.target.section == "public":
        return
    name = variable_name(result.target.section, result.target.key)
    stated = os.environ.get(name, "")
    if result.fetched and stated and Path(stated).absolute() != result.target.path.absolute():
        click.echo(
            f"{result.target.name}: the variable {name} still names {stated}: unset it", err=True
        )


def build_content(
    targets: Sequence[Target],
    results: Mapping[str, TargetResult],
    base: Path,
    file: Path | None,
) -> dict[str, Any]:
    """Return the command's JSON."""
    entries: list[dict[str, Any]] = []
    for target in targets:
        result = results.get(target.key, TargetResult(target))
        entries.append(
            {
                "section": target.section,
                "key": target.key,
                "name": target.name,
                "state": result.state,
                "path": target.path if target.state != "by hand" else None,
                "licence": target.licence,
                "keys_only": target.keys_only,
                "files": [
                    {"file": item.file, "url": item.url, "bytes": item.size}
                    for item in target.files
                ],
                "fetched": list(result.fetched),
                "errors": [
                    {"code": error.code, "message": str(error)} for error in result.failures
                ],
                "problems": list(result.problems),
                "advice": target.advice,
            }
        )
    return {"folder": base, "written": file, "targets": entries}
