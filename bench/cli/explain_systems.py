"""`bench explain ranks` and `curves`: how systems and settings compare on several test sets."""

from __future__ import annotations

import click

from bench.cards import sweep_cards, table_cards
from bench.cli import completion, explain_output
from bench.cli.figure_request import FORM, TRACK, FigureRequest, figure_options, with_figure_request
from bench.errors import BenchError
from bench.smoke import smoke_option, smoke_prefix

_FIGURE_4 = ("breathnet-lambda", "breathnet-alpha", "breathnet-beta")


@click.command()
@click.option(
    "--other-table",
    "more",
    multiple=True,
    default=["breathnet/table5"],
    show_default=True,
    shell_complete=completion.table_names,
    help="Another table whose columns are ranked too; may be repeated.",
)
@click.option(
    "--other-rows",
    "against",
    default="OCKD,LSR-LSA,XLSR-Mamba,Nes2Net-X",
    show_default=True,
    help="Rows that --row is ranked with, separated by commas.",
)
@click.option(
    "--other-result",
    "readings",
    multiple=True,
    default=["XLSR-Mamba=breathnet/table10"],
    show_default=True,
    metavar="ROW=TABLE",
    help="A row for which another table prints a different result; one more panel shows that "
    "result. May be repeated.",
)
@figure_options("breathnet/table4", "BreathNet", subject="table")
def ranks(
    request: FigureRequest, more: tuple[str, ...], against: str, readings: tuple[str, ...]
) -> None:
    """Draw the ranks of systems on several tables as a radar plot (BreathNet's Figure 3).

    One panel shows the ranks by published results, another those by ours.
    """
    from bench.reports import plots
    from bench.reports.ranking import rank_systems
    from bench.tracking.store import Store

    tables = [table_cards.read_table(name) for name in (request.table, *more)]
    systems = [*(name.strip() for name in against.split(",")), request.row]
    other = [_parse_other_result(text) for text in readings]
    read_runs = Store(request.here).stored_runs
    ranks_found = rank_systems(tables, systems, request.row, read_runs, request.form, other)
    smoke = smoke_prefix(request.form)
    title = (
        f"{smoke}Ranks of {len(systems)} systems in {', '.join(table.key for table in tables)}: "
        f"{len(systems)} is best, 1 worst"
    )
    request.write_figure(
        f"ranks-{request.row}",
        plots.draw_ranks(ranks_found.dimensions, ranks_found.panels, title),
        None,
    )
    explain_output.say_ranks(ranks_found)


def _parse_other_result(text: str) -> tuple[str, str]:
    row, equals, table = text.partition("=")
    if not equals:
        raise BenchError(
            "option.invalid", f"--other-result {text!r}: should be ROW=TABLE, e.g. S7=sal/table1"
        )
    return row.strip(), table.strip()


@click.command()
@click.argument("sweeps", nargs=-1, shell_complete=completion.sweep_names)
@with_figure_request([*FORM, TRACK])
def curves(request: FigureRequest, sweeps: tuple[str, ...]) -> None:
    """Draw the EER of each test set over the values of a setting, beside the paper's results.

    This is BreathNet's Figure 4, or, with breathnet-noise breathnet-delta, its Figure 5. SWEEPS are
    sweeps of one setting that evaluate the test sets.
    """
    from bench.reports import plots
    from bench.reports.setting_curves import SettingCurve, read_sweep_curve
    from bench.tracking import studies
    from bench.tracking.store import Store

    chosen = sweeps or _FIGURE_4
    store, panels, runs = Store(request.here), list[SettingCurve](), list[str]()
    for name in chosen:
        card = sweep_cards.read_sweep(name, request.form)
        studies_in_store = studies.read_studies(store, card)
        if not studies_in_store:
            smoke = smoke_option(request.form)
            raise BenchError(
                "sweep.not-run",
                f"sweep {card.key} was not run yet: `bench sweep {card.key}{smoke}` runs it",
            )
        study = studies_in_store[0]
        panels.append(read_sweep_curve(card, study.trials, sweep_cards.base_run(card)))
        runs.append(study.run_id)
        explain_output.add_curve(card.key, card.parent, runs[-1], panels[-1])
    smoke = smoke_prefix(request.form)
    title = f"{smoke}EER over settings of {card.parent}: sweeps {', '.join(chosen)}"
    name = f"curves-{'-'.join(chosen)}"
    request.write_figure(name, plots.draw_curves(panels, title), runs[0])
