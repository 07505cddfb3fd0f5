"""The run's figures as one Markdown table, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bench._io.markdown import format_table
from tests.benchmarks.records import format_number
from tests.gpu.parts import MACHINE, Row

COLUMNS = ("step (ms)", "clips/s", "host (ms)", "scored clips/s", "memory (GB)")
"""Figures that have a column of their own."""


def describe_run(content: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return a paragraph of machine and date, and the table."""
    seconds, commit = f"{content['seconds']:.0f} s", content["commit"]
    lines = [f"{content['machine']}; commit {commit}, {content['date']}, {seconds}.", ""]
    if content["is_trial"]:
        lines[:0] = [
            "Tried on the CPU at a tiny size: no figure below says how fast anything is.",
            "",
        ]
    cells = [
        (row.part, row.variant, *(_format_column(row, name) for name in COLUMNS), _describe(row))
        for row in rows
        if row.part != MACHINE or row.is_fault
    ]
    headings = ("part", "variant", *COLUMNS, "also")
    return "\n".join((*lines, *format_table(headings, cells, padded=False))) + "\n"


def _format_column(row: Row, name: str) -> str:
    return format_number(row.figures[name]) if name in row.figures else ""


def _describe(row: Row) -> str:
    others = [
        f"{name} {format_number(value)}"
        for name, value in row.figures.items()
        if name not in COLUMNS
    ]
    note = f"not measured: {row.note}" if row.is_fault and not row.figures else row.note
    return "; ".join(filter(None, (*others, note)))


def describe_machine(rows: Sequence[Row]) -> str:
    """Return what the first part says of the machine."""
    return next((row.variant for row in rows if row.part == MACHINE), "unknown machine")


def collect_content(
    rows: Sequence[Row], commit: str, seconds: float, *, is_trial: bool
) -> dict[str, Any]:
    """Return all of a run as its JSON file has it."""
    return {
        "kind": "gpu",
        "machine": describe_machine(rows),
        "date": date.today().isoformat(),
        "commit": commit,
        "seconds": round(seconds, 1),
        "is_trial": is_trial,
        "rows": [row._asdict() for row in rows],
    }


def format_json(content: Mapping[str, Any]) -> str:
    """Return the JSON file."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
