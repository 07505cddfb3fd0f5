"""`bench profile`: where the time of a row's training goes, and what to change."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bench._io import atomic_files, packages
from bench.cards import table_cards
from bench.cli import completion, configuration, json_output, miniatures, options
from bench.runner.precision import choose_precision
from bench.runner.request import RunRequest
from bench.specs.precision import PrecisionName


@click.command()
@click.argument("table", shell_complete=completion.table_names)
@click.option(
    "--row",
    required=True,
    metavar="S7",
    shell_complete=completion.row_name,
    help="The row, with its name in TABLE.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Number of steps that are measured, once as they are trained and once part by part.",
)
@options.trained_with
@options.variant
@options.precision
@options.smoke
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the table, its JSON and the trace (default: in the work folder).",
)
@json_output.json_option("profile")
def profile(
    table: str,
    row: str,
    steps: int,
    overrides: tuple[str, ...],
    variant: str | None,
    precision: PrecisionName | None,
    smoke: bool,
    output_dir: Path | None,
) -> None:
    """Show where the time of a training step of ROW goes on this device, and what to change.

    The row is trained for some steps on its own clips; the weights are thrown away. The command
    prints the parts of a step and of an epoch, the least time that the device needs for the step's
    operations and bytes, and what limits the speed. It writes the table and a trace of two steps.
    """
    card, form = table_cards.read_table(table), options.choose_form(smoke)
    here = configuration.to_write()
    card, rows = options.apply_variant(card, table_cards.select_rows(card, row), variant)
    choice = choose_precision(here, precision)
    order = RunRequest(card, rows, None, form, overrides, precision=choice)
    ((name, run),) = order.resolve_runs().items()
    packages.require_packages("torch", "lightning_fabric")
    if smoke:
        miniatures.make_missing([run], here)
    one = here.for_one_device()
    order.require_available(one)
    # Without a GPU torch's profiler reports on standard error that it finds none.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from bench.cli import profile_output
    from bench.runner import step_profile

    folder = output_dir or here.work / "profile" / f"{run.signature}-{name}"
    measured = step_profile.profile_row(run, one, steps, folder)
    text = "\n\n".join(profile_output.describe_profile(measured))
    click.echo(f"{card.key} {name}\n\n{text}")
    content = {"table": card.key, "form": form, "row": name, "signature": run.signature}
    json_output.add_content({**content, **profile_output.profile_content(measured)})
    atomic_files.write_text(folder / "profile.md", f"# {card.key} {name}\n\n{text}\n")
    click.echo(f"\nwritten: {folder / 'profile.md'} and {step_profile.TRACE}")
