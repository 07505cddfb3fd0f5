"""`bench run --dry-run`: what would be run and what is missing, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from bench._io import disk
from bench._io.printable import format_count
from bench.cards import corpus_cards
from bench.cli import json_output, options
from bench.config import Config, Form
from bench.errors import BenchError
from bench.models import weights
from bench.runner import costs
from bench.runner.costs import PlannedTraining
from bench.runner.measured_speed import Speed, estimate_hours, read_speed
from bench.runner.named_device import device_name
from bench.runner.past_hours import MeasuredHours, PastHours
from bench.runner.request import RunRequest
from bench.runner.requirements import missing_device, missing_requirements
from bench.specs.run import Run
from bench.tracking.table_runs import row_states


def describe_plan(order: RunRequest, here: Config) -> Mapping[str, Any]:
    """Return what would be run, for scripts: each row and seed with its state in the store."""
    state, runs = row_states(here, order.table.key, order.form), order.resolve_runs()
    rows = [
        {
            "table": order.table.key,
            "row": row,
            "seeds": [*order.row_seeds(row)],
            "signature": run.signature,
            "state": state.get(run.signature, "not run"),
            "missing": [*dict.fromkeys([*missing_device(here), *missing_requirements(run, here)])],
        }
        for row, run in runs.items()
    ]
    return {"table": order.table.key, "form": order.form, "rows": rows}


def dry_run(order: RunRequest, here: Config, *, again: bool, measure: bool) -> None:
    """Print the state of an order's rows, what is missing, and the costs of what is left to do.

    `measure` trains each row for a moment to estimate the hours.
    """
    state = row_states(here, order.table.key, order.form)
    lines: list[tuple[str, str, str, str]] = []
    missing = dict.fromkeys(missing_device(here))
    for row, resolved in order.resolve_runs().items():
        text = ", ".join(str(seed) for seed in order.row_seeds(row))
        lines.append((row, resolved.signature, text, state.get(resolved.signature, "not run")))
        missing |= dict.fromkeys(missing_requirements(resolved, here))
    options.print_table(("row", "signature", "seeds", "state"), lines)
    for text in missing:
        click.echo(f"missing: {text}")
    if measure:
        order.require_available(here)
    click.echo()
    for line in _describe_costs(order, here, again=again, measure=measure):
        click.echo(line)


def _describe_costs(
    order: RunRequest, here: Config, *, again: bool, measure: bool
) -> Iterator[str]:
    """Yield a line for each cost."""
    left = costs.remaining_trainings(order, here, again)
    todo = [training for training in left if not training.is_trained]
    yield (
        f"left to do: {format_count(len(todo), 'training')} of "
        f"{format_count(order.count_jobs(), 'run')}"
        f"{f', {len(left) - len(todo)} more to be evaluated only' if len(left) > len(todo) else ''}"
        " (runs with the same training share it; an earlier stage is one more)"
    )
    counts = [costs.count_clips(training.runs[0], here) for training in todo]
    counted = [count for count in counts if count is not None]
    uncounted = len(counts) - len(counted)
    unknown = f", and those of {uncounted} more" if uncounted else ""
    if todo:
        yield f"clips: at most {sum(counted):,}{unknown} (early stopping may end sooner)"
    time = _describe_time(left, here, order.form, measure=measure)
    yield f"time: {time}"
    room = costs.needed_space(left)
    free = disk.free_bytes(here.work)
    enough = "" if room.total <= free else ": NOT ENOUGH"
    downloads = list(_describe_downloads(order, here))
    json_output.add_content(
        {
            "costs": {
                "runs": order.count_jobs(),
                "trainings_left": len(todo),
                "clips": sum(counted) if len(counted) == len(counts) else None,
                "time": time,
                "disk_stays_bytes": room.stays,
                "disk_meanwhile_bytes": room.meanwhile,
                "disk_free_bytes": free,
                "downloads": downloads,
            }
        }
    )
    yield (
        f"disk: {disk.human_bytes(room.stays)} of weights stay, "
        f"{disk.human_bytes(room.meanwhile)} more while they are trained, without score files; "
        f"{disk.human_bytes(free)} free at {here.work}{enough}"
    )
    yield from (f"download: {text}" for text in downloads)


def _describe_time(
    left: Sequence[PlannedTraining], here: Config, form: Form, *, measure: bool
) -> str:
    if not left:
        return "nothing is left"

    device = device_name(here.for_one_device())
    speeds: dict[str, Speed] = {}
    for run in {run.signature: run for training in left for run in training.runs}.values():
        one = _measure_speed(run, here) if measure else read_speed(run, device, here.work)
        if one is not None:
            speeds[run.signature] = one
            if measure:
                click.echo(_describe_rates(run.signature, one))
    hours = [estimate_hours(training, speeds, here) for training in left]
    known_hours = [estimate for estimate in hours if estimate is not None]
    parts: list[str] = []
    if known_hours:
        days = " and ".join(sorted({one.measured for one in speeds.values()}))
        parts.append(f"at most {_format_hours(sum(known_hours))} on one {device}, measured {days}")
    unknown = [training for training, estimate in zip(left, hours, strict=True) if estimate is None]
    alike = _find_past_hours(unknown, here, form)
    if alike:
        names = ", ".join(sorted({name for estimate in alike for name in estimate.runs}))
        total = _format_hours(sum(estimate.hours for estimate in alike))
        of_those = f" for {len(alike)} more" if known_hours else ""
        parts.append(f"about {total}{of_those} on {device_name(here)}, as long as {names} took")
    rest = len(unknown) - len(alike)
    if rest and parts:
        parts.append(f"{format_count(rest, 'training')} not measured (--measure)")
    return ", and ".join(parts) if parts else f"not measured on {device} (--measure)"


def _measure_speed(run: Run, here: Config) -> Speed:
    from bench.runner import speed  # torch takes seconds

    return speed.measure_speed(run, here)


def _find_past_hours(
    unknown: Sequence[PlannedTraining], here: Config, form: Form
) -> list[MeasuredHours]:
    """Return the hours of those trainings of which alike runs are finished on this device."""
    if not unknown:
        return []
    past = PastHours(here, form, device_name(here))
    estimates = (past.training_hours(training) for training in unknown)
    return [estimate for estimate in estimates if estimate is not None]


def _describe_rates(signature: str, speed: Speed) -> str:
    scored = ", ".join(f"{name} {rate:,.1f}" for name, rate in speed.evaluate.items())
    return (
        f"{signature}: {speed.train:,.1f} clips/s trained; utterances/s scored: dev "
        f"{speed.dev:,.1f}{f', {scored}' if scored else ''}"
    )


def _format_hours(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _describe_downloads(order: RunRequest, here: Config) -> Iterator[str]:
    """Yield what is to be downloaded of corpora and weights that are not here."""
    if order.form == "smoke":
        return
    corpora: dict[str, None] = {}
    models: dict[str, None] = {}
    for run in order.resolve_runs().values():
        corpora |= dict.fromkeys(data.corpus for data in run.data.values())
        models |= {needed.key: None for needed in run.requirements() if needed.what == "weights"}
    for key in corpora:
        try:
            here.corpus_root(key, order.form)
        except BenchError:
            card = corpus_cards.read_corpus_card(key)
            size = card.download_size.in_words
            yield f"{card.short}, {size} (`bench get {card.short}`)"
    for key in models:
        try:
            weights.locate_weights(key, here)
        except BenchError:
            yield f"weights {key}, {weights.size_in_words(key)} (`bench get {key}`)"
