"""`bench get`: corpora and weights, downloaded, checked, unpacked and noted in bench.toml."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import disk
from bench.cli import completion, configuration, json_output
from bench.cli.console import announce_resumption
from bench.cli.submitted import slurm_job
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.downloads.targets import Target

ASK_BYTES = 10_000_000_000
"""The command asks before it downloads more than this."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completion.download_names)
@click.option(
    "--for",
    "tables",
    multiple=True,
    metavar="TABLE",
    shell_complete=completion.table_names,
    help="Get all corpora and weights that the rows of this table need; may be repeated.",
)
@click.option(
    "--keys-only",
    is_flag=True,
    help="Get only protocols and keys, which is all that `bench score` needs.",
)
@click.option(
    "--output-dir",
    "base",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that corpora and weights are put in (default: `data` beside the work folder).",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=3,
    show_default=True,
    help="Number of files that are downloaded at the same time.",
)
@click.option("--keep-archives", is_flag=True, help="Keep archives after they are unpacked.")
@click.option("--yes", is_flag=True, help="Download more than 10 GB without asking.")
@click.option("--dry-run", is_flag=True, help="Only show what would be downloaded.")
@json_output.json_flag
@click.pass_context
@slurm_job
def get(
    context: click.Context,
    names: tuple[str, ...],
    tables: tuple[str, ...],
    keys_only: bool,
    base: Path | None,
    jobs: int,
    keep_archives: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Download corpora and weights, and write their place into bench.toml.

    NAME is a corpus (PS, 19LA, ITW), published weights (xlsr2_300m), or published scores
    (public/itw), which go to the work folder. The command continues
    interrupted downloads, checks each file, unpacks archives into the layout that the readers
    expect, and checks the corpus like `bench data check`. A second call downloads nothing. If the
    authors ask for consent or a form, the command says what to do, continues with the rest, and
    exits with 1.
    """
    from bench.cli import get_results
    from bench.downloads import targets as planning

    if not names and not tables:
        raise BenchError(
            "option.missing",
            "name a corpus or weights (`bench get PS xlsr2_300m`), or a table: --for table4",
        )
    here = configuration.load_configuration()
    base = base or here.work.parent / "data"
    targets = planning.plan_targets(names, tables, here, base, keys_only=keys_only)
    wanted = [target for target in targets if target.state == "to fetch"]
    if not dry_run:
        wanted = planning.learn_sizes(wanted)
        targets = [next((new for new in wanted if new.key == old.key), old) for old in targets]
    _print_plan(targets, base)
    if dry_run:
        if as_json:
            json_output.print_json("get", get_results.build_content(targets, {}, base, None))
        return
    planning.require_room(wanted, base)
    _confirm_size(wanted, yes=yes)
    with announce_resumption("from what is on the disk"):
        results = _fetch_all(targets, wanted, base, jobs, keep_archives=keep_archives)
    file = get_results.note_places(results, here)
    if as_json:
        content = get_results.build_content(targets, results, base, file)
        json_output.print_json("get", content)
    get_results.print_outcomes(targets, results, file)
    if any(result.is_missing for result in results.values()):
        context.exit(1)


def _print_plan(targets: Sequence[Target], base: Path) -> None:
    """Print what is to come, with sizes and licences; nothing of what is there."""
    from bench.downloads.targets import describe_files, sum_sizes

    wanted = [target for target in targets if target.state == "to fetch"]
    for target in wanted:
        apart = ", protocols and keys only" if target.keys_only else f": {target.size.in_words}"
        licence = f"; licence: {target.licence}" if target.licence else ""
        click.echo(f"{target.name}{apart}{licence}")
        for name, size in describe_files(target).items():
            click.echo(f"  {name}: {size}")
    if wanted:
        free = disk.human_bytes(disk.free_bytes(base))
        whole = [target for target in wanted if not target.keys_only]
        total = f"{sum_sizes(whole).in_words} to download; " if whole else ""
        click.echo(f"{total}{free} free at {base}")


def _confirm_size(wanted: Sequence[Target], *, yes: bool) -> None:
    """Ask before a large download; BenchError where there is no terminal to ask at."""
    from bench.downloads.targets import sum_sizes

    size = sum_sizes(target for target in wanted if not target.keys_only)
    if yes or size.known_bytes <= ASK_BYTES:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise BenchError(
            "download.unconfirmed",
            f"{size.in_words} are to be downloaded, and there is no terminal to ask at: add --yes",
        )
    click.confirm("download?", abort=True, err=True)


def _fetch_all(
    targets: Sequence[Target],
    wanted: Sequence[Target],
    base: Path,
    jobs: int,
    *,
    keep_archives: bool,
) -> dict[str, get_results.TargetResult]:
    """Fetch what is to come and check each corpus that something came of."""
    from bench.cli import get_results
    from bench.cli.progress_bars import show_downloads
    from bench.downloads import fetch

    with fetch.hold_targets(wanted, base):
        with show_downloads() as report:
            outcomes = fetch.fetch_targets(wanted, jobs, report, keep_archives=keep_archives)
        return {
            target.key: get_results.finish_target(target, outcomes.get(target.key))
            for target in targets
        }


if TYPE_CHECKING:
    from bench.cli import get_results
