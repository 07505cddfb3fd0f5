"""Tables that no training has part in (`breathnet/table1`), as the verbs treat them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import packages
from bench.cards import checked_cards
from bench.cli import configuration, json_output, options
from bench.errors import BenchError
from bench.specs.checked import Shapes

if TYPE_CHECKING:
    from bench.reports.checked import Found


def known(table: str) -> bool:
    """Return whether `table` names one."""
    return table in checked_cards.names()


def entry(key: str) -> dict[str, str]:
    """Return what `bench list` says of such a table."""
    card = checked_cards.card(key)
    return {"name": card.key, "about": f"{card.caption} [{card.kind}]"}


def names_here() -> list[str]:
    """Return the tables that can be looked up here; those that need torch are left out where it is
    not installed, which is said.
    """
    known = checked_cards.names()
    if packages.installed("torch"):
        return known
    left_out = [key for key in known if isinstance(checked_cards.card(key), Shapes)]
    if left_out:
        said = packages.needed(f"looking up {', '.join(left_out)}", "torch")
        click.echo(f"left out: {said}", err=True)
    return [key for key in known if key not in left_out]


def run(table: str, *, refused: str = "") -> None:
    """Look the table up and print it; `refused` names options that were given and mean nothing."""
    found = _found(table, refused)
    if json_output.is_wanted():
        from bench.reports.checked import records

        json_output.print_json("table without training", {"records": records(found)})
        return
    click.echo(f"{found.card.title}: {found.card.caption}")
    headings = [f"{column}{of}" for column in found.columns for of in (": paper", ": here")]
    lines = [
        (line.name, *(text for pair in zip(line.paper, line.ours, strict=True) for text in pair))
        for line in found.lines
    ]
    states = [line.state for line in found.lines]
    options.print_table(
        ("line", *headings, "state"),
        [(*line, state) for line, state in zip(lines, states, strict=True)],
    )
    click.echo(f"{found.said} next: bench report {table}")


def report(table: str, folder: Path, *, check: bool, refused: str = "") -> list[Path]:
    """Write the table's report into `folder` and say so; with `check` write nothing. Return the
    files that `check` finds stale.
    """
    from bench.reports.checked import stale, write

    found = _found(table, refused)
    if check:
        return stale(found, folder)
    click.echo(f"report: {write(found, folder)}")
    return []


def _found(table: str, refused: str) -> Found:
    if refused:
        raise BenchError(
            f"{table} is looked up in the network or the protocols, and nothing is trained for it: "
            f"leave {refused} out"
        )
    from bench.analysis.checked_tables import look_up

    return look_up(table, configuration.load())
