"""What `bench explain` is asked for, and where its figures are written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench._io import atomic_files
from bench.cards import table_cards
from bench.cli import completion, configuration, json_output, options
from bench.config import Config, Form
from bench.errors import BenchError, near_name
from bench.runner.request import RunRequest
from bench.specs.illustration import Illustration
from bench.specs.run import Run

if TYPE_CHECKING:  # these import torch and Matplotlib, which takes seconds: else only when called
    from matplotlib.figure import Figure

    from bench.analysis.trained_rows import LoadedRow

_FOLDER = "figures/explained"
"""Where the figures stand among the artifacts of a tracked run."""
NONE = "none"
"""As `--against`: no second row."""


@dataclass(frozen=True)
class FigureRequest:
    """What `bench explain` is asked for."""

    table: str
    row: str
    seed: int | None
    overrides: tuple[str, ...]
    form: Form
    output_dir: Path | None
    track: bool
    here: Config

    def find_rows(self, *others: tuple[str | None, int | None]) -> list[LoadedRow]:
        """Return the trained row that is asked for, then those of `others` that are named.

        BenchError if one of them was not trained.
        """
        from bench.analysis.trained_rows import load_trained_rows

        card = table_cards.read_table(self.table)
        wanted = [(self.row, self.seed), *((row, seed) for row, seed in others if row)]
        names = [name for row, _ in wanted for name in table_cards.select_rows(card, row)]
        if len(names) != len(wanted):
            raise BenchError("option.not-one-row", f"{self.row}: one row is explained at a time")
        order = RunRequest(card, names, None, self.form, self.overrides)
        seeds = [seed for _, seed in wanted]
        rows = load_trained_rows(order, seeds, self.here, lambda text: click.echo(text, err=True))
        drawn = [{"table": one.table, "row": one.row, "seed": one.seed} for one in rows]
        json_output.add_content({"rows": drawn})
        return rows

    def find_illustration(self, figure: str) -> Illustration | None:
        """Return what the table's card has of the paper's figure that a verb draws."""
        return table_cards.read_table(self.table).figures.get(figure)

    def choose_evaluation(self, run: Run, wanted: str | None) -> str:
        """Return the key of the evaluation that is asked for, or of the first one.

        BenchError if the row has no such evaluation.
        """
        if wanted is not None and wanted not in run.evaluate:
            raise BenchError(
                "row.no-such-evaluation",
                f"{self.table}, row {self.row}: has no evaluation {wanted!r}"
                f"{near_name(wanted, run.evaluate)}",
            )
        return wanted or next(iter(run.evaluate))

    def describe_frames(self, run: Run, evaluation: str) -> str:
        """Return which frames an evaluation has, e.g. `PS eval, frames of 160 ms`.

        BenchError if it scores whole utterances.
        """
        from bench.reports.evaluation_names import name_evaluations

        data = run.evaluate[evaluation]
        if data.resolution_s is None:
            raise BenchError(
                "option.not-applicable",
                f"{self.table}, row {self.row}: {evaluation} is scored by whole utterances: "
                "positions are of frames",
            )
        return f"{name_evaluations(run)[evaluation]}, frames of {1000 * data.resolution_s:g} ms"

    def find_pair(self, figure: str, against: str | None, seed: int | None) -> list[LoadedRow]:
        """Return the row, behind it the one that it is set against, if any.

        That is the one `against` names, if not "none"; the row itself with another `seed`; else the
        baseline that the table's card has for the figure, which is said.
        """
        illustration = self.find_illustration(figure)
        if (
            against is not None
            or seed is not None
            or illustration is None
            or self.row == illustration.against
        ):
            second = self.row if against is None and seed is not None else against
            return self.find_rows((None if second == NONE else second, seed))
        click.echo(
            f"{self.row} against {illustration.against}, for {illustration.source}: "
            f"{illustration.why}"
        )
        try:
            return self.find_rows((illustration.against, None))
        except BenchError as error:
            alone = f"\n`--against {NONE}` draws {self.row} alone"
            hint = alone if f"row {illustration.against}, seed" in str(error) else ""
            raise BenchError(error.code, f"{error}{hint}") from error

    def write_figure(
        self, name: str, figure: Figure, tracked_run: LoadedRow | str | None = None
    ) -> None:
        """Write a figure as PNG, SVG and PDF, print the paths, and add it to a tracked run.

        `tracked_run` is a trained row, whose run is looked for, or the id of a run.
        """
        from bench.reports import plot_style

        smoke = ".smoke" if self.form == "smoke" else ""
        stem = atomic_files.portable_name(name, "-") + smoke
        folder = self.output_dir or self.here.work / "explained"
        paths = plot_style.write_figure(folder, stem, figure)
        json_output.add_content({"files": paths})
        for path in paths:
            click.echo(f"written: {path}")
        if tracked_run is None or not self.track:
            return
        from bench.tracking.store import Store

        store = Store(self.here)
        named = isinstance(tracked_run, str)
        run_id = tracked_run if named else store.finished_id(tracked_run.record)
        if run_id:
            store.require_writable()
            for path in paths:
                store.client.log_artifact(run_id, str(path), _FOLDER)
            json_output.add_content({"run": run_id})
            click.echo(f"kept: {_FOLDER} of run {run_id[:8]}")


Verb = Callable[..., None]


FORM = [
    options.smoke,
    click.option(
        "--output-dir",
        "folder",
        type=click.Path(path_type=Path),
        help="Output folder (default: <work>/explained).",
    ),
]
TRACK = click.option(
    "--track/--no-track",
    default=True,
    show_default=True,
    help="Add the figure to the tracked run that it explains, if there is one.",
)


_BASELINE = (
    f"A second row of the table to compare with; `{NONE}` for none. Default for sal/table4: S3. "
    "The paper does not name its baseline; S3 is S7 without SAL's two techniques."
)

against_option = click.option(
    "--against", metavar="ROW", help=_BASELINE, shell_complete=completion.row_name
)
against_seed_option = click.option(
    "--against-seed", type=int, help="Seed of that row's run (default: its first)."
)


def figure_options(table: str, row: str, subject: Literal["trained row", "table"] = "trained row"):
    """Return a decorator that adds the options of all figures; the verb gets a `FigureRequest`.

    Options that choose a trained row are left out where the subject is a table's results.
    """
    shared = [
        click.option(
            "--table",
            shell_complete=completion.table_names,
            default=table,
            show_default=True,
            help="Table of --row.",
        ),
        click.option(
            "--row",
            shell_complete=completion.row_name,
            default=row,
            show_default=True,
            help="The row that is explained.",
        ),
        *FORM,
    ]
    if subject == "trained row":
        shared += [
            click.option(
                "--row-seed",
                "seed",
                type=int,
                help="Seed of the row's training (default: its first).",
            ),
            options.trained_with,
            TRACK,
        ]
    return with_figure_request(shared)


def with_figure_request(shared: Sequence[Callable[[Verb], Verb]]) -> Callable[[Verb], Verb]:
    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def called(
            smoke: bool,
            folder: Path | None,
            table: str = "",
            row: str = "",
            seed: int | None = None,
            overrides: tuple[str, ...] = (),
            track: bool = False,
            **others: Any,
        ) -> None:
            form, here = options.choose_form(smoke), configuration.to_write()
            key = table_cards.read_table(table).key if table else None
            json_output.add_content({"table": key, "form": form, "rows": [], "run": None})
            verb(FigureRequest(table, row, seed, overrides, form, folder, track, here), **others)

        made = json_output.json_option(f"explain {verb.__name__}")(called)
        return functools.reduce(lambda made, option: option(made), reversed(shared), made)

    return decorate


def join_row_names(rows: Sequence[LoadedRow]) -> str:
    """Return the names and seeds of rows as the name of a file has them."""
    return "-against-".join(f"{row.row}-{row.seed}" for row in rows)
