"""`bench sweep`: search a space of settings for the best result on dev; its report and its card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench._io import interrupts, launchers
from bench.cards import sweep_cards
from bench.cli import completion, configuration, json_output, launched, miniatures, options
from bench.cli.cluster_options import ON_OPTION, SLURM_OPTION, Engine
from bench.cli.console import FROM_EPOCH, announce_resumption
from bench.cli.report_request import ReportRequest, print_stale
from bench.config import Config, Form
from bench.errors import BenchError
from bench.smoke import SMOKE_FORM, smoke_option, smoke_suffix
from bench.specs.sweep import Sweep

if TYPE_CHECKING:  # torch takes seconds
    from bench.runner.worker_processes import WorkerEnd


@click.command()
@click.argument("name", shell_complete=completion.sweep_names)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Total number of trials (default: as the card says).",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, help="Number of processes on this machine."
)
@click.option(
    "--storage",
    metavar="URL",
    envvar="BENCH_SWEEP_STORAGE",
    help="Database for several machines, postgresql://... (default: a file in the work folder).",
)
@options.smoke
@options.log
@ON_OPTION
@SLURM_OPTION
@click.option("--worker", is_flag=True, hidden=True)
@json_output.json_option("sweep")
@click.pass_context
def sweep(
    context: click.Context,
    name: str,
    trials: int | None,
    jobs: int,
    storage: str | None,
    smoke: bool,
    log: Path | None,
    on: Engine | None,
    slurm: tuple[str, ...],
    worker: bool,
) -> None:
    """Train a row many times with different settings, and find the settings that do best on dev.

    If the command is stopped or killed, give the same command again to continue. Finished, pruned
    and failed trials stay as they are; a trial whose process died is tried once more. SIGTERM and
    SIGUSR1 stop the trials after a step, from which they continue; the command exits with 75.
    """
    is_submitted = on is not None and on.name == "slurm"
    if slurm and not is_submitted:
        raise BenchError("option.conflict", "--slurm: is given with --on slurm alone")
    if on is not None and not is_submitted:
        jobs = on.count or jobs
    context.with_resource(interrupts.note_stop_signals())
    if not launched.leads_command(context):
        return
    here = configuration.to_write()
    if jobs > 1 and here.device_count > 1 and launchers.read_launcher() is not None:
        raise click.UsageError("--jobs: srun or torchrun started this command: each does one trial")
    card = sweep_cards.read_sweep(name, options.choose_form(smoke))
    wanted = trials or card.trial_count
    # These import torch, Optuna and MLflow, which takes seconds: only now.
    from bench.cli.display import Display
    from bench.reports.sweep_records import build_trial_records
    from bench.runner import worker_processes
    from bench.sweeps.trials import SweepRun, require_inputs
    from bench.tracking.store import Store

    if smoke and not worker:
        miniatures.make_missing([sweep_cards.base_run(card)], here)
    require_inputs(card, replace(here, device="auto", devices=1, nodes=1) if is_submitted else here)
    store = Store(here)
    title = f"sweep {card.key}{smoke_suffix(card.form)}"
    with announce_resumption(FROM_EPOCH), Display(title, wanted, log) as display:
        if not worker:
            for dead in store.fail_dead_runs():
                display.say(f"marked as failed because its process had died: {dead}")
        sweeping = SweepRun(card, here, store, display, storage)
        if is_submitted and on is not None:
            _submit_workers(card, on.count or 1, wanted, storage, slurm)
            return
        if not worker:
            sweeping.require_room(wanted, jobs)
        if jobs > 1 and not worker:
            if storage:
                os.environ[worker_processes.STORAGE_VARIABLE] = storage
            arguments = ["sweep", card.key, "--trials", str(wanted), "--worker"]
            command = [*arguments, *(["--smoke"] * smoke)]

            def note_end(end: WorkerEnd) -> None:
                if end.exit_code:
                    display.say(f"worker {end.number + 1} ended with exit code {end.exit_code}")

            worker_processes.run_workers([command] * jobs, jobs, here, display.pass_on, note_end)
        else:
            for ended in sweeping.run_trials(wanted):
                display.end(f"trial {ended.number}", ended.ending, _describe_ending(card, ended))
        if worker:
            return
        done = sweeping.close_study(wanted)
        standing = sweeping.describe_standing()
        json_output.add_content({"trials": build_trial_records(card, sweeping.build_table())})
    json_output.add_content(
        {"sweep": card.key, "form": card.form, "complete": done, "standing": standing}
    )
    if standing:
        click.echo(standing)
    command = f"bench report {sweep_cards.PREFIX}{card.key}{smoke_option(card.form)}"
    if done:
        click.echo(f"next: {command}")
        return
    click.echo("some trials are not finished: give the same command again to continue", err=True)
    context.exit(1)


def _submit_workers(
    card: Sweep, count: int, wanted: int, storage: str | None, given: Sequence[str]
) -> None:
    """Submit workers on the study, which is made already, as jobs of Slurm."""
    from bench.cli.submitted import submit_line
    from bench.runner.worker_processes import STORAGE_VARIABLE

    if storage:
        os.environ[STORAGE_VARIABLE] = storage
    arguments = ["sweep", card.key, "--trials", str(wanted), "--worker"]
    submit_line([*arguments, *(["--smoke"] * (card.form == "smoke"))], given, count)


def _describe_ending(card: Sweep, ended: Any) -> str:
    if ended.ending == "finished":
        from bench.metrics.catalogue import format_value

        return f"{card.objective} {format_value(card.objective, ended.objective)}"
    return ended.reason


def describe_sweep(name: str) -> dict[str, Any]:
    """Return the entry of a sweep in `bench list`."""
    card = sweep_cards.read_sweep(name)
    about = f"{card.title} [{card.trial_count} trials from {card.parent}]"
    return {"name": card.key, "from": card.parent, "about": about}


def show_sweep(name: str, form: Form, *, as_json: bool) -> None:
    """Print a sweep's card: the row that it starts from and the settings that it varies."""
    card = sweep_cards.read_sweep(name, form)
    run = sweep_cards.base_run(card)
    if as_json:
        table, row = sweep_cards.start_row(card)
        content = card.model_dump(mode="json", by_alias=True, exclude={"key"})
        more = {"sweep": card.key, "table": table.key, "row": row}
        more |= {"signature": sweep_cards.study_signature(card), "base_signature": run.signature}
        json_output.print_json("sweep card", {**content, **more})
        return
    click.echo(f"{card.title}\n{card.caption}".rstrip())
    if form == "smoke":
        click.echo(SMOKE_FORM)
    points = card.grid_points()
    size = "" if points is None else f" of {len(points)} points"
    click.echo(
        f"  from {card.parent}, seeds {', '.join(map(str, sweep_cards.trial_seeds(card)))}, "
        f"up to {run.training.epochs} epochs, {card.trial_count} trials{size}\n"
        f"  minimizes {card.objective}; sampler {card.sampler.kind}, "
        f"pruner {card.pruner.kind}; study signature {sweep_cards.study_signature(card)}"
    )
    for key, dimension in card.space.items():
        between = " | " if dimension.kind == "categories" else " to "
        values = map(sweep_cards.value_text, dimension.edge_values())
        click.echo(f"    {key}: {between.join(values)}")
    for note in card.notes:
        click.echo(f"  note: {note}")


def report_sweep(request: ReportRequest) -> None:
    """Write a sweep's report from the tracking store alone, print it as JSON, or check it."""
    from bench.reports import sweep_report as reporting

    card = sweep_cards.read_sweep(request.table, request.form)
    made = _build_report(card, configuration.to_write(request.folder))
    if request.check:
        print_stale(request, reporting.find_stale_sweep_files(made, request.folder), request.folder)
    elif request.as_json:
        from bench.reports.sweep_records import build_trial_records

        trials = build_trial_records(card, made.trials)
        content = {"sweep": card.key, "form": card.form, "trials": trials}
        json_output.print_json("sweep report", content)
    else:
        click.echo(f"report: {reporting.write_sweep_report(made, request.folder)}")


def _build_report(card: Sweep, here: Config) -> Any:
    from bench.reports import sweep_report as reporting
    from bench.tracking import studies
    from bench.tracking.store import Store

    latest, *earlier = studies.read_studies(Store(here), card) or [None]
    if latest is None:
        return reporting.build_sweep_report(card, None, {}, 0)
    return reporting.build_sweep_report(card, latest.trials, latest.importances, len(earlier))
