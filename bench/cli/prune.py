"""`bench prune`: what of the work folder can go, how much it is, and its removal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from bench._io import disk
from bench.cli import configuration, json_output
from bench.config import Config
from bench.reports.text_columns import align_columns

if TYPE_CHECKING:
    from bench.runner.prunable import Prunable, PrunableFiles

_NAMES = (
    *("last", "leftovers", "unfinished", "orphaned", "changed"),
    *("trials", "mini", "breaths", "draws", "foreign"),
)
_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_SHOWN = 5


class Age(click.ParamType[float]):
    """An age such as `30d`, in seconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return seconds."""
        match = re.fullmatch(r"(\d+)([hdw])", str(value))
        if match is None:
            self.fail(f"{value!r}: should be hours, days or weeks, e.g. 12h, 30d, 2w", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


@click.command()
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(_NAMES),
    help="Only files of this kind; may be repeated.",
)
@click.option(
    "--older-than",
    "older_s",
    type=Age(),
    metavar="30d",
    help="Only files whose last change is longer ago than this: hours, days or weeks.",
)
@click.option(
    "--yes",
    is_flag=True,
    help="Remove without asking: the kinds that --kind names, or, without --kind, those that "
    "nothing needs (last, leftovers).",
)
@click.option("--dry-run", is_flag=True, help="Only list; remove nothing.")
@json_output.json_flag
@click.pass_context
def prune(
    context: click.Context,
    kinds: tuple[str, ...],
    older_s: float | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """List the files of the work folder that can be removed, and ask whether to remove them.

    The command asks for each kind of files. Weights and scores of the cards' rows stay, and so do
    rows in progress. The command touches nothing outside the work folder and follows no links.
    Without a terminal it removes nothing unless --yes is given, and exits with 1 if something could
    be removed.
    """
    from bench.runner import prunable

    here = configuration.load_configuration()
    prunable_items = prunable.find_prunable(here, kinds or _NAMES, older_s)
    by_kind = {
        kind: items
        for kind in _NAMES
        if (items := [item for item in prunable_items.items if item.kind == kind])
    }
    if not as_json:
        _print_items(here, by_kind, prunable_items.notes)
    listed_only = dry_run or not (yes or _is_at_terminal())
    removed: list[PrunableFiles] = []
    left: dict[str, str] = {}
    for kind, items in () if listed_only else by_kind.items():
        named_or_free = bool(kinds) or prunable.KINDS[kind].is_free
        wanted = named_or_free if yes else _confirm_removal(kind, items)
        for item in items if wanted else ():
            if why := prunable.remove_item(item):
                left[str(item.path)] = why
            else:
                removed.append(item)
    for path, why in left.items():
        click.echo(f"{path}: left: {why}", err=True)
    if as_json:
        json_output.print_json("prune", _build_content(here, prunable_items, removed))
    elif removed:
        click.echo(f"removed: {_format_total(removed)}")
    if left or (by_kind and listed_only and not dry_run):
        if not left:
            click.echo("nothing is removed, as there is no terminal to ask at: add --yes", err=True)
        context.exit(1)


def _is_at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _confirm_removal(kind: str, items: Sequence[PrunableFiles]) -> bool:
    return click.confirm(f"remove {kind} ({_format_total(items)})?", default=False)


def _format_total(items: Sequence[PrunableFiles]) -> str:
    return disk.human_bytes(sum(item.size for item in items))


def _print_items(
    here: Config, by_kind: Mapping[str, Sequence[PrunableFiles]], notes: Sequence[str]
) -> None:
    from bench.runner.prunable import KINDS

    taken, free = disk.taken_bytes(here.work), disk.free_bytes(here.work)
    click.echo(f"{here.work}: {disk.human_bytes(taken)}, {disk.human_bytes(free)} free")
    for kind, items in by_kind.items():
        click.echo(f"\n{kind}: {_format_total(items)}: {KINDS[kind].about}")
        largest = sorted(items, key=lambda item: -item.size)
        lines = [
            (
                item.path.relative_to(here.work),
                disk.human_bytes(item.size),
                _format_age(item),
                item.name,
            )
            for item in largest[:_SHOWN]
        ]
        for line in align_columns(lines):
            click.echo(f"  {line}")
        if len(items) > _SHOWN:
            click.echo(f"  and {len(items) - _SHOWN} more (--json lists all)")
    if not by_kind:
        click.echo("nothing can be removed")
    for note in notes:
        click.echo(note, err=True)


def _format_age(item: PrunableFiles) -> str:
    days = (time.time() - item.changed) / 86_400
    return f"{days:.0f} days old" if days >= 2 else f"{24 * days:.0f} h old"


def _build_content(
    here: Config, prunable_items: Prunable, removed: Sequence[PrunableFiles]
) -> dict[str, Any]:
    return {
        "work": str(here.work),
        "free_bytes": disk.free_bytes(here.work),
        "items": [
            {
                "kind": item.kind,
                "place": item.path.relative_to(here.work).as_posix(),
                "files": [path.relative_to(here.work).as_posix() for path in item.files],
                "bytes": item.size,
                "changed_unix_s": item.changed,
                "run": item.name,
                "removed": item in removed,
            }
            for item in prunable_items.items
        ],
        "notes": prunable_items.notes,
    }
