"""`bench check`: whether an extension keeps what the suite's own parts keep."""

from __future__ import annotations

from pathlib import Path

import click

from bench._io import packages
from bench.cards import card_files
from bench.cli import json_output
from bench.errors import BenchError


@click.command("check")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@json_output.json_flag
@click.pass_context
def check_command(context: click.Context, folder: Path, as_json: bool) -> None:
    """Check the cards and the code of an extension.

    Reads each card in FOLDER, makes a miniature of each corpus, and tries each system, front-end,
    augmentation and metric on random data. Exits with 1 if something is wrong.
    """
    here = card_files.load_extensions()
    folders = {path.resolve() for path in card_files.extension_folders(here)}
    if folder.resolve() not in folders:
        raise BenchError(
            "extension.not-named",
            f"{folder}: is no extension: add it to `extend` in {here.source or 'bench.toml'}",
        )
    packages.require_packages("torch", "lightning_fabric")
    from bench.conformance.extension import CheckedPart, check_extension

    checked: list[CheckedPart] = []
    for part in check_extension(folder.resolve()):
        checked.append(part)
        if not as_json:
            click.echo(f"{'ok' if part.is_sound else 'wrong':6}{part.subject}")
            for issue in part.issues:
                click.echo(f"      {issue.severity}: {issue}")
    if as_json:
        records = [
            {"subject": part.subject, "issues": [issue.as_dict() for issue in part.issues]}
            for part in checked
        ]
        json_output.print_json("extension check", {"folder": folder, "parts": records})
    if not checked:
        raise BenchError("extension.empty", f"{folder}: has no card and no part to check")
    if not all(part.is_sound for part in checked):
        context.exit(1)
