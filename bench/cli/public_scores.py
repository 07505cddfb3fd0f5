"""Cards of public score files (`public/itw`), as `bench show` and `bench run` treat them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cards import corpus_cards, public_cards
from bench.cli import configuration, json_output, options
from bench.cli.text_width import wrap_prose
from bench.config import Config
from bench.errors import BenchError
from bench.specs.public_scores import PublicFile, PublicScores

if TYPE_CHECKING:
    from bench.cli.public_results import PublicResult


def is_public_card(name: str) -> bool:
    """Return whether `name` is that of a card of public score files."""
    return name.startswith(public_cards.PREFIX)


def show_public_scores(key: str, choice: str | None) -> None:
    """Print what a card says of its files, and which of them are here."""
    card = public_cards.read_public_card(key)
    chosen = public_cards.select_files(card, choice)
    here = configuration.load_configuration()
    if json_output.is_wanted():
        files = [describe_file(card, name, here) for name in chosen]
        json_output.print_json("public scores", _describe_card(card, files))
        return
    click.echo(wrap_prose(f"{card.title} ({card.corpus}, {card.split})"))
    for name in chosen:
        _print_file(card, name, here)
    for note in card.notes:
        click.echo(wrap_prose(f"note: {note}"))
    if any(find_public_file(card, name, here) is None for name in chosen):
        click.echo(f"next: bench get {key}")
    else:
        click.echo(f"next: bench run {key}")


def _print_file(card: PublicScores, name: str, here: Config) -> None:
    public = card.files[name]
    path = find_public_file(card, name, here)
    printed = ", ".join(f"{metric} {value:g}" for metric, value in public.printed.items())
    sizes = [f"{public.bytes:,} bytes"] if public.bytes is not None else []
    sizes += [f"about {public.about_bytes:,} bytes"] if public.about_bytes is not None else []
    lines = {
        "published by": f"{public.by}, {public.page}",
        "file": public.url + f" (commit {public.commit})" * bool(public.commit),
        "size": ", ".join(sizes) or "not known",
        "sha256": public.sha256 or "not known: what comes is noted",
        "licence": public.licence,
        "printed": f"{printed}: {public.printed_in}" if printed else "no result is printed",
        "stands in": ", ".join(public.tables) or "no table",
        "here": str(path) if path else f"no: bench get {card.key}",
    }
    click.echo(f"\n{name}: {public.system}")
    for word, text in lines.items():
        click.echo(f"  {word}: {text}")
    for note in public.notes:
        click.echo(wrap_prose(f"  note: {note}", "  "))


def run_public_scores(key: str, choice: str | None, refused: str, *, dry_run: bool) -> None:
    """Evaluate the files of a card that are here, and print them beside what is printed.

    `refused` names options that mean nothing here. A file that is not here, or fails, does not stop
    the others; the command then exits with 1.
    """
    if refused:
        raise BenchError(
            "option.not-applicable",
            f"{key}: scores are evaluated, and nothing is trained: leave {refused} out",
        )
    card = public_cards.read_public_card(key)
    chosen = public_cards.select_files(card, choice)
    if dry_run:
        show_public_scores(key, choice)
        return
    from bench.cli import public_results

    here = configuration.to_write()
    results: dict[str, PublicResult | BenchError] = {}
    evaluator = public_results.open_evaluator(card, here)
    for name in chosen:
        try:
            results[name] = public_results.evaluate_public_file(card, name, evaluator, here)
        except BenchError as error:
            results[name] = error
            click.echo(f"{name}: {error}", err=True)
    if json_output.is_wanted():
        files = [describe_file(card, name, here, results[name]) for name in chosen]
        json_output.print_json("public scores", _describe_card(card, files))
    else:
        _print_results(card, results)
    failed = [name for name, result in results.items() if isinstance(result, BenchError)]
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        raise click.exceptions.Exit(1)


def _print_results(card: PublicScores, results: Mapping[str, PublicResult | BenchError]) -> None:
    """Print a line for each printed result, and one for the EER where none is printed."""
    from bench.metrics.catalogue import find_metric, format_value

    done = {name: one for name, one in results.items() if not isinstance(one, BenchError)}
    lines: list[Sequence[str]] = []
    for name, result in done.items():
        for metric in [*card.files[name].printed] or ["eer"]:
            value = result.report.results.get(metric)
            if value is None:
                continue
            label = info.label if (info := find_metric(metric)) else metric
            printed = card.files[name].printed.get(metric)
            bounds = [format_value(metric, bound) for bound in value[1:3]]
            lines.append(
                (
                    *(card.files[name].system, card.files[name].by, label),
                    "–" if printed is None else f"{printed:g}",
                    format_value(metric, value.value, 6),
                    "–" if math.isnan(value.low) else " to ".join(bounds),
                    _format_difference(result.differences.get(metric)),
                )
            )
    if lines:
        header = ("system", "scores by", "metric", "printed", "here", "95 % interval", "difference")
        options.print_table(header, lines)
    for name, result in done.items():
        click.echo(f"{name}: written: {result.files[0].parent}")
        for tracked in result.tracked:
            click.echo(f"{name}: {tracked.description}")
        for reason in result.untracked:
            click.echo(f"{name}: not in a table: {reason}", err=True)
    tables = dict.fromkeys(one.table for result in done.values() for one in result.tracked)
    reports = [table for table in tables if not table.startswith("scored/")]
    if reports:
        click.echo(f"next: bench report {reports[0]}")


def _format_difference(value: float | None) -> str:
    """Return ours minus the printed result, in per cent or the metric's own unit."""
    return "–" if value is None else f"{value + 0.0:+.4f}"


def find_public_file(card: PublicScores, name: str, here: Config) -> Path | None:
    """Return where a file of a card is; None where it, or its ids, are not here."""
    from bench.downloads.targets import public_folder

    folder = public_folder(here, card.key)
    paths = [folder / item.file for item in card.files[name].downloads]
    return paths[0] if all(path.is_file() for path in paths) else None


def _describe_card(card: PublicScores, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "card": card.key,
        "title": card.title,
        "corpus": corpus_cards.read_corpus_card(card.corpus).key,
        "split": card.split,
        "notes": list(card.notes),
        "files": files,
    }


def describe_file(
    card: PublicScores,
    name: str,
    here: Config,
    result: PublicResult | BenchError | None = None,
) -> dict[str, Any]:
    """Return what scripts are told of a file, and of its results where it was evaluated."""
    public: PublicFile = card.files[name]
    described = {
        "file": name,
        "system": public.system,
        "by": public.by,
        "page": public.page,
        "url": public.url,
        "commit": public.commit,
        "bytes": public.bytes,
        "sha256": public.sha256,
        "licence": public.licence,
        "tables": list(public.tables),
        "printed": public.printed,
        "printed_in": public.printed_in,
        "notes": list(public.notes),
        "path": find_public_file(card, name, here),
        "error": None,
        "results": {},
        "differences": {},
        "files": [],
        "tracked": [],
    }
    if isinstance(result, BenchError):
        described["error"] = {"code": result.code, "message": str(result)}
    elif result is not None:
        from bench.evaluation.render import results_as_dict

        described |= {
            "results": results_as_dict(result.report.results),
            "differences": dict(result.differences),
            "files": list(result.files),
            "tracked": [one._asdict() for one in result.tracked],
        }
    return described
