"""`bench run`: train, evaluate and track the rows of a table."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import interrupts, packages
from bench.cards import table_cards
from bench.cli import (
    checked_tables,
    completion,
    configuration,
    json_output,
    launched,
    miniatures,
    options,
    public_scores,
)
from bench.cli.cluster_options import ClusterOptions, cluster_options
from bench.cli.console import FROM_EPOCH, announce_resumption
from bench.cli.progress_bars import runs_wait
from bench.cluster.units import UnitCommand
from bench.errors import BenchError
from bench.runner.precision import choose_precision
from bench.runner.request import RunRequest
from bench.smoke import smoke_suffix
from bench.specs.precision import PrecisionName

if TYPE_CHECKING:  # torch takes seconds
    from bench.runner.outcomes import JobOutcome


@click.command()
@click.argument("table", shell_complete=completion.table_or_public_names)
@options.rows
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Number of seeds (default: as the card says)."
)
@click.option("--seed", type=click.IntRange(min=0), help="Run only this one of the rows' seeds.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, e.g. training.epochs=3. Such a run never counts as the paper's row.",
)
@options.variant
@options.precision
@options.smoke
@click.option(
    "--again",
    is_flag=True,
    help="Run finished rows again, even if nothing has changed. Reports then show the new run; "
    "earlier runs stay in the tracking store. An earlier stage is not trained again.",
)
@options.log
@click.option(
    "--dry-run",
    is_flag=True,
    help="Run nothing. Print what would run, what is missing, and the costs: clips, hours, disk, "
    "downloads.",
)
@click.option(
    "--measure",
    is_flag=True,
    help="Like --dry-run, but train each row for a moment on this device to estimate the hours.",
)
@cluster_options
@json_output.json_option("run")
@click.pass_context
def run(
    context: click.Context,
    table: str,
    rows: str | None,
    seeds: int | None,
    seed: int | None,
    overrides: tuple[str, ...],
    variant: str | None,
    precision: PrecisionName | None,
    smoke: bool,
    again: bool,
    log: Path | None,
    dry_run: bool,
    measure: bool,
    cluster: ClusterOptions,
) -> None:
    """Train and evaluate the rows of a table.

    Finished rows are skipped and interrupted rows are resumed. The command prints the results of
    each row beside the paper's, and the table at the end. If a row fails, or figures of a finished
    row cannot be computed, the others go on; the command then names these rows and exits with 1.

    SIGTERM and SIGUSR1, which a cluster sends before it ends a job, stop training after a step.
    The command then saves a checkpoint and exits with 75; the same command continues from that
    step.

    TABLE may also be a card of public score files (public/itw): their scores are evaluated, as
    `bench score` does it, and added to the tracking store. `bench get` downloads them first.
    """
    cluster.check()
    if seeds is not None and seed is not None:
        raise BenchError(
            "option.conflict", "--seeds is a number of seeds, --seed one of them: leave one out"
        )
    if public_scores.is_public_card(table):
        cluster.require_none(table)
        given = {
            "--seeds": seeds,
            "--seed": seed,
            "--set": overrides,
            "--variant": variant,
            "--smoke": smoke,
        }
        given |= {"--again": again, "--log": log, "--measure": measure, "--precision": precision}
        public_scores.require_no_options(table, given)
        public_scores.run_public_scores(table, rows, dry_run=dry_run)
        return
    if checked_tables.is_checked_table(table):
        cluster.require_none(table)
        given = {
            "--rows": rows,
            "--seeds": seeds,
            "--seed": seed,
            "--set": overrides,
            "--variant": variant,
            "--precision": precision,
        }
        checked_tables.print_checked_table(
            table, refused=options.name_given_options({**given, "--smoke": smoke, "--again": again})
        )
        return
    if not (dry_run or measure or cluster.is_brief):
        context.with_resource(interrupts.note_stop_signals())
        if not launched.leads_command(context):
            return
    card, form = table_cards.read_table(table), options.choose_form(smoke)
    here = configuration.to_write()
    card, chosen = options.apply_variant(card, table_cards.select_rows(card, rows), variant)
    choice = choose_precision(here, precision)
    order = RunRequest(card, chosen, seeds, form, overrides, seed, choice)
    order.resolve_runs()  # every mistake in what was asked for, before anything is begun
    if dry_run or measure:
        from bench.cli import dry_run as costs_output

        json_output.print_json("dry run", costs_output.describe_plan(order, here))
        costs_output.dry_run(order, here, again=again, measure=measure)
        return
    if cluster.status or cluster.cancel:
        from bench.cli import cluster_output

        if cluster.cancel:
            cluster_output.cancel_rows(order, here, yes=cluster.yes)
        else:
            cluster_output.show_status(order, here, follow=cluster.follow)
        return
    packages.require_packages("torch", "lightning_fabric", "mlflow")
    if smoke:
        miniatures.make_missing(order.resolve_runs().values(), here)
    if here.stage and not cluster.is_brief:
        from bench.runner import staging

        runs = order.resolve_runs().values()
        here = staging.stage_corpora(runs, here, lambda text: click.echo(text, err=True))
    order.require_available(cluster.drop_devices(here))
    command = UnitCommand(card.key, form, overrides, variant, again)
    if cluster.print_commands:
        from bench.cli import printed_commands

        printed_commands.print_commands(order, command, here)
        return
    if cluster.is_slurm:
        from bench.cli import run_on_slurm

        run_on_slurm.submit_rows(order, command, cluster, here)
        return
    # These import torch and MLflow, which takes seconds: only now.
    from bench.cli import run_output, shared_out
    from bench.cli.display import Display
    from bench.runner import costs, local
    from bench.tracking.store import Store

    trainings = costs.remaining_trainings(order, here, again)
    at_once = shared_out.choose_process_count(cluster, here)
    costs.require_disk_space(trainings, here, at_once)
    jobs_by_state: defaultdict[str, list[str]] = defaultdict(list)

    def note_end(outcome: JobOutcome) -> None:
        jobs_by_state[outcome.state].append(outcome.job)
        json_output.add_content(run_output.describe_outcome(order, outcome))

    title = f"{card.key}{smoke_suffix(form)}"
    with announce_resumption(FROM_EPOCH), Display(title, order.count_jobs(), log) as display:
        store = Store(here, display.say)
        if cluster.is_local:
            shared_out.run_in_processes(order, command, at_once, here, store, display, note_end)
        else:
            for outcome in local.run_jobs(order, here, store, display, again):
                is_done = outcome.state not in ("failed", "busy")
                results = ""
                if is_done:
                    results = run_output.format_seed_results(order, here, outcome.job)
                display.end(outcome.job, outcome.state, outcome.message, results)
                note_end(outcome)
    busy = jobs_by_state["busy"]
    lacking = {state: jobs_by_state[state] for state in ("failed", "incomplete")}
    lacking = {state: jobs for state, jobs in lacking.items() if jobs}
    if cluster.worker:
        context.exit(1 if lacking else 0)
    json_output.add_content(run_output.list_result_records(order, here))
    run_output.print_results_table(order, here)
    if waiting := store.waiting_names():
        click.echo(f"{runs_wait(len(waiting))} to be sent to {store.uri}: bench sync")
    if {state for state, jobs in jobs_by_state.items() if jobs} <= {"already finished"}:
        click.echo("nothing to do: all rows were finished before (--again runs them again)")
    if busy:
        click.echo(
            f"busy: {', '.join(busy)}: another process runs them; if it is stopped, the same "
            "command continues them"
        )
    following = run_output.next_command(order, variant)
    if not lacking:
        click.echo(f"next: {following}")
        return
    counts = ", ".join(f"{len(jobs)} {state}" for state, jobs in lacking.items())
    click.echo(f"{counts}; `{following}` shows the rest")
    for state, jobs in lacking.items():
        click.echo(f"{state}: {', '.join(jobs)}", err=True)
    context.exit(1)
