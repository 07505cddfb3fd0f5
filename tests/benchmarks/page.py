"""The page docs/performance.md, made from what the benchmarks measured."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench._io.markdown import MarkdownText, format_code, format_list, format_prose, format_table
from tests.benchmarks.records import Record, format_number
from tests.gpu.parts import Row
from tests.gpu.table import describe_run

ROOT = Path(__file__).parents[2]
BENCHMARKS = Path(__file__).parent
DATA = ROOT / "docs/performance.json"
GPU = ROOT / "docs/performance-gpu.json"
PAGE = ROOT / "docs/performance.md"

NOT_ON_GPU = (
    "training SAL S7, batches of 32 clips of 4 s (goal 900 clips/s)",
    "scoring SAL S7 (goal 2,500 clips/s)",
    "the nine rows of Table 4, 50 epochs each (goal 6 h)",
    "each precision and each choice of `[speed]` against transformers' and torchaudio's XLS-R",
    "batches of 10 clips (TCA, BreathNet), with `torch.compile` and with CUDA graphs",
    "loader, RawBoost on the device, checkpoints, peak memory",
    "one short row on CPU and GPU with equal results",
)
"""What only a GPU can show."""

_INTRODUCTION = """\
# Performance

`make benchmarks` measures everything below and writes this page; `docs/performance.json` holds the
same results. Each part shows when and on which machine it was measured, and the command that
measures it alone. A ratio compares ours with the reference in one run: above 1 ours is faster (or
smaller), below 1 it is slower. References are what users run: official scripts, written anew from
their published description, and libraries. Where there is no such thing the column is empty."""


def list_benchmarks(folder: Path = BENCHMARKS) -> list[str]:
    """Return the names of the benchmarks, sorted."""
    return sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))


def read_data(path: Path = DATA) -> dict[str, Any]:
    """Return what was measured, by benchmark; nothing where the file is missing."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def render_page(data: Mapping[str, Any], gpu: Path = GPU, folder: Path = BENCHMARKS) -> str:
    """Return the page: goals, where ours is slower, each benchmark, and the GPU's results."""
    names = list_benchmarks(folder)
    records = {
        name: [Record(**record) for record in data.get(name, {}).get("records", ())]
        for name in names
    }
    together = [record for name in names for record in records[name]]
    lines = [_INTRODUCTION, *_list_goals(together), *_list_slower(together)]
    for name in names:
        lines += ["", *_describe_benchmark(name, folder, data.get(name), records[name])]
    return "\n".join([*lines, "", *_describe_gpu(gpu), ""])


def _list_goals(records: Iterable[Record]) -> list[str]:
    rows = [
        [record.what, record.goal, _state_result(record), "yes" if record.is_reached else "no"]
        for record in records
        if record.goal
    ]
    if not rows:
        return []
    return ["", "## Goals", "", *format_table(["what", "goal", "measured", "reached"], rows)]


def _state_result(record: Record) -> str:
    """Return the result that the goal is about."""
    if record.goal.endswith(" x") and record.ratio is not None:
        return format_number(record.ratio, "x")
    return format_number(record.ours, record.unit)


def _list_slower(records: Iterable[Record]) -> list[str]:
    slower = [record for record in records if record.ratio is not None and record.ratio < 1]
    if not slower:
        return []
    headings = ["what", "ours", "reference", "ratio", "why"]
    rows = [
        [*(row := _compare(record))[:2], f"{row[2]}: {record.against}", row[3], record.note]
        for record in slower
    ]
    return ["", "## Where we are slower", "", *format_table(headings, rows)]


def _compare(record: Record) -> list[str]:
    """Return the cells of a record up to its ratio."""
    reference = "" if record.reference is None else format_number(record.reference, record.unit)
    ratio = "" if record.ratio is None else format_number(record.ratio)
    return [record.what, format_number(record.ours, record.unit), reference, ratio]


def _describe_benchmark(
    name: str, folder: Path, measured: Mapping[str, Any] | None, records: Iterable[Record]
) -> list[str]:
    """Return the section of one benchmark."""
    text = (folder / f"bench_{name}.py").read_text(encoding="utf-8")
    title, *paragraphs = (ast.get_docstring(ast.parse(text)) or name).split("\n\n")
    lines = [f"## {format_prose(title.removesuffix('.'))}", ""]
    for paragraph in paragraphs:
        lines += [_fill_lines(paragraph), ""]
    command = f"python -m tests.benchmarks.bench_{name}"
    if measured is None:
        return [*lines, f"{format_code(command)}: not measured: it was not run yet."]
    machine = measured["machine"]
    lines.append(
        f"{format_code(command)}: {measured['date']}, {measured['seconds']:,.0f} s, "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB, "
        f"load {machine['load']:.1f} before, Python {machine['python']}, "
        f"commit {format_code(measured['commit'])}."
    )
    if measured["failed"]:
        lines += ["", format_prose(f"Not measured further: {measured['failed']}")]
    rows = [[*_compare(record), record.against, record.note] for record in records]
    if rows:
        headings = ["what", "ours", "reference", "ratio", "reference is", "note"]
        used = [n for n, _ in enumerate(headings) if n < 2 or any(row[n] for row in rows)]
        lines += [
            "",
            *format_table([headings[n] for n in used], [[r[n] for n in used] for r in rows]),
        ]
    return lines


def _fill_lines(paragraph: str) -> MarkdownText:
    return format_prose(" ".join(paragraph.split()))


def _describe_gpu(path: Path) -> list[str]:
    """Return the section of what `make gpu` measured."""
    lines = ["## On a GPU", ""]
    if not path.is_file():
        listed = format_list(map(format_prose, NOT_ON_GPU))
        return [*lines, "Not measured yet on a GPU (`make gpu`):", "", listed]
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = [Row(**row) for row in content["rows"]]
    return [*lines, f"{format_code('make gpu')}:", "", describe_run(content, rows)]
