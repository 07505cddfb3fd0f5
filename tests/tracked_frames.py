"""Tracked runs and score files as tidy frames, a line each, and back: handy to change and count."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

import pandas as pd

from bench.tracking.scored_record import ScoredRecord
from bench.tracking.stored_runs import StoredRun, read_moment


def table_frame(store, table, form):
    """The runs of a table's own rows in one form."""
    return _frame(StoredRun, [_flat(run) for run in store.stored_runs(table, form)])


def scored_frame(store, table, form):
    """The evaluated score files beside a table, `ended` in place of milliseconds."""
    lines = [
        _flat(record) | {"ended": read_moment(record.ended_ms)}
        for record in store.scored_records(table, form)
    ]
    return _frame(ScoredRecord, lines).drop(columns="ended_ms")


def as_runs(frame):
    """The runs that lines stand for; texts that they lack are empty, figures have a dot."""
    return [
        _record(StoredRun, line | {"power": tuple(line.get("power", "").split())})
        for line in _lines(frame)
    ]


def as_files(frame):
    """The score files that lines stand for."""
    return [
        _record(
            ScoredRecord,
            {
                "public": "{}",
                **line,
                "ended_ms": int(line["ended"].timestamp() * 1000),
                "fingerprints": json.loads(line["fingerprints"]),
            },
        )
        for line in _lines(frame)
    ]


def _flat(record):
    line = asdict(record)
    figures, plans = line.pop("figures"), line.pop("plans")
    return line | figures | plans


def _frame(kind, lines):
    names = [of.name for of in fields(kind) if of.name not in ("figures", "plans")]
    more = sorted({name for line in lines for name in line} - {*names})
    frame = pd.DataFrame(lines, columns=[*names, *more])
    return frame.fillna({name: "" for name in more if name.startswith("plan.")})


def _lines(frame):
    for line in frame.to_dict("records"):
        yield {name: value for name, value in line.items() if value == value}


def _record(kind, line):
    figures = {name: value for name, value in line.items() if "." in name}
    plans = {name: figures.pop(name) for name in [*figures] if name.startswith("plan.")}
    texts = {of.name: line.get(of.name, "") for of in fields(kind)}
    known = {"figures": figures, "plans": {name: plan for name, plan in plans.items() if plan}}
    return kind(**texts | known)
