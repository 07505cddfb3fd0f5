"""The status of each row and seed of a table.

It says by which code, weights and data the last run was made, and whether these are what is here
now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench import versions
from bench.cards import table_cards
from bench.config import Config, Form
from bench.reports.code_versions import find_version_changes
from bench.reports.row_runs import STATUS_WORDS, sort_by_end
from bench.runner.current_inputs import NO_INPUTS, InputReader, RunInputs
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun, read_stored_runs
from bench.tracking.table_runs import runs_by_table, table_runs

CURRENT, NOT_RUN, INCOMPLETE = "current", "not run", "incomplete"
OLDER, WEIGHTS, DATA, SETTINGS = "older code", "other weights", "other data", "other settings"


class RowStatus(NamedTuple):
    """One row and seed."""

    table: str
    row: str
    seed: int
    state: str
    """`current`, `running`, `failed`, `interrupted`, `not run`, `other settings`; or, with commas
    between, that a finished run lacks figures, and in which ways it is not what would be run now.
    """
    changed: tuple[str, ...] = ()
    """What is another by now: `system sal (version 1 -> 2)`, `weights xlsr2_300m`."""
    package: str = ""
    commit: str = ""
    versions: Mapping[str, int] = {}
    """Results versions of the code that made it, by part."""
    made_from: Mapping[str, str] = {}
    """Digests of weights, audio, ... that it was made from."""
    fingerprints: Mapping[str, str] = {}
    """Of its data, by split."""
    signature: str = ""
    ended: str = ""
    user: str = ""
    run: str = ""
    """The id of the tracked run."""

    @property
    def weights(self) -> dict[str, str]:
        """The digests of its pretrained weights by their names."""
        return {
            name.removeprefix("weights "): digest
            for name, digest in self.made_from.items()
            if name.startswith("weights ")
        }


def table_status(key: str, form: Form, config: Config) -> list[RowStatus]:
    """Return how the rows of a table stand; see `row_statuses`."""
    stored = read_stored_runs(table_runs(config, key, form))
    return row_statuses(table_cards.read_table(key), form, stored, InputReader(config))


def all_statuses(form: Form, config: Config) -> list[RowStatus]:
    """Return the status of the rows of every table that has runs; everything is read once."""
    machine = InputReader(config)
    return [
        standing
        for key, runs in runs_by_table(config, table_cards.table_keys(), form).items()
        if runs
        for standing in row_statuses(
            table_cards.read_table(key), form, read_stored_runs(runs), machine
        )
    ]


def row_statuses(
    table: Table, form: Form, stored: Sequence[StoredRun], machine: InputReader | None
) -> list[RowStatus]:
    """Return the status of a table's rows by its runs, `stored`, oldest first.

    Seeds are the card's and all that were begun. Weights and data are compared with those that
    `machine` reads, as far as they are here; None compares code alone. Runs of other settings come
    last.
    """
    statuses, run_ids = list[RowStatus](), set[str]()
    for row in table_cards.runnable_rows(table):
        run = table_cards.resolve_row(table, row, form)
        ours = [each for each in stored if each.row == row and each.signature in run.signatures]
        run_ids |= {each.run_id for each in ours}
        of_card = table.rows[row].seeds or table.seeds
        seeds = [*of_card, *sorted({each.seed for each in ours} - {*of_card})]
        here = machine.read_run(run) if machine is not None and ours else NO_INPUTS
        statuses += [
            _seed_status(table, row, seed, [each for each in ours if each.seed == seed], here)
            for seed in seeds
        ]
    others = (each for each in stored if each.run_id not in run_ids)
    return [*statuses, *(_describe_run(table, each, SETTINGS) for each in others)]


def _seed_status(
    table: Table, row: str, seed: int, runs: Sequence[StoredRun], here: RunInputs
) -> RowStatus:
    """Return how a seed stands: by the run that finished last or, where none did, began last."""
    if not runs:
        return RowStatus(table.key, row, seed, NOT_RUN)
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        return _describe_run(table, runs[-1], STATUS_WORDS[runs[-1].status])
    run = sort_by_end(finished)[-1]
    older = find_version_changes([run])
    differing = {
        DATA: _changed_names(json.loads(run.fingerprints), here.fingerprints),
        WEIGHTS: _changed_names(json.loads(run.made_from or "{}"), here.made_from),
    }
    audio = [name for name in differing[WEIGHTS] if name.startswith("audio ")]
    differing[DATA] += audio
    differing[WEIGHTS] = [name for name in differing[WEIGHTS] if name not in audio]
    states = [INCOMPLETE] * bool(run.failure) + [OLDER] * bool(older)
    states += [state for state, names in differing.items() if names]
    changed = [versions.describe_changes({part: pair}) for part, pair in older.items()]
    changed += [name for names in differing.values() for name in names]
    return _describe_run(table, run, ", ".join(states) or CURRENT, tuple(changed))


def _changed_names(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what both say, and not alike; versions are told apart by themselves."""
    return [
        name
        for name, value in before.items()
        if now.get(name, value) != value and not value.startswith("version ")
    ]


def _describe_run(
    table: Table, run: StoredRun, state: str, changed: tuple[str, ...] = ()
) -> RowStatus:
    by = json.loads(run.versions) | json.loads(run.metrics)
    return RowStatus(
        table=table.key,
        row=run.row,
        seed=run.seed,
        state=state,
        changed=changed,
        package=run.package,
        commit=run.commit,
        versions=by,
        made_from=json.loads(run.made_from or "{}"),
        fingerprints=json.loads(run.fingerprints),
        signature=run.signature,
        ended=f"{run.ended:%Y-%m-%d %H:%M}" if run.ended else "",
        user=run.user,
        run=run.run_id,
    )
