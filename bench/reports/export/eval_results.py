"""The results of a row as Hugging Face reads them from a model's repository.

The Hub reads `.eval_results/*.yaml`: a list of entries, each with the dataset's id on the Hub, the
task's id, the value, and optionally a date and notes (huggingface.co/docs/hub/eval-results; the
specification is `eval_results.yaml` of github.com/huggingface/hub-docs). It shows an entry if the
dataset is a registered benchmark. Those of this field are in the organisation
SpeechAntiSpoofingBenchmarks: their `eval.yaml` has one task, whose metric is the EER in per cent.
A corpus's card names the dataset with the same trials as the corpus's evaluation split (key `hub`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bench._version import __version__
from bench.cards import corpus_cards
from bench.reports.document import Report
from bench.reports.export.parts import EVAL_RESULTS
from bench.reports.name_ranges import format_interval
from bench.reports.result_cells import ResultCell, count_decimals
from bench.reports.row_runs import RowRuns
from bench.specs.run import HeldOutData, Run

TASK = "antispoofing_eval"
"""The task of the benchmarks' `eval.yaml`."""
METRIC = "eer"
FILE = ".eval_results/speech-deepfake-bench.yaml"
"""The file in a model's repository."""


def list_eval_results(
    made: Report, runs: Mapping[str, Run], row_folders: Mapping[str, str]
) -> dict[str, str]:
    """Return a file for each row with results, by its path in the export; none of smoke runs.

    Results that no benchmark of the Hub asks for are comments.
    """
    if made.form == "smoke":
        return {}
    files: dict[str, str] = {}
    for row, folder in row_folders.items():
        cells = [cell for cell in made.cells if cell.row == row and cell.ours]
        if cells:
            path = f"{EVAL_RESULTS}/{folder}/{FILE}"
            files[path] = _render_file(made, row, cells, _list_evaluated(runs, row))
    return files


def _list_evaluated(runs: Mapping[str, Run], row: str) -> Mapping[str, HeldOutData]:
    """Return what the evaluations of a row are; of another system's, what they are in the table."""
    if row in runs:
        return runs[row].evaluate
    return {name: data for run in runs.values() for name, data in run.evaluate.items()}


def _render_file(
    made: Report, row: str, cells: list[ResultCell], evaluated: Mapping[str, HeldOutData]
) -> str:
    entries: list[str] = []
    others: list[str] = []
    for cell in cells:
        dataset = _find_dataset(made, cell, evaluated)
        if dataset and cell.ours:
            entries += _render_entry(made, cell, dataset)
        else:
            others.append(f"# no benchmark of the Hub: {_describe_result(made, cell)}")
    head = f"# {_quote(f'{made.title}, row {row}')}"
    return "\n".join([head, *others, *(entries or ["[]"])]) + "\n"


def _find_dataset(made: Report, cell: ResultCell, evaluated: Mapping[str, HeldOutData]) -> str:
    """Return the Hub's dataset that the cell is a result of; empty where there is none."""
    evaluation, _, metric = made.table.columns[cell.column].metric.partition(".")
    data = evaluated.get(evaluation)
    if data is None or metric != METRIC or data.resolution_s is not None or cell.trials_missing:
        return ""
    card = corpus_cards.read_corpus_card(data.corpus)
    return card.hub if data.split == card.evaluation_split else ""


def _render_entry(made: Report, cell: ResultCell, dataset: str) -> Iterator[str]:
    assert cell.ours
    yield "- dataset:"
    yield f"    id: {_quote(dataset)}"
    yield f"    task_id: {_quote(TASK)}"
    yield f"  value: {cell.ours.mean:.6f}"
    if date := _read_date(made.standings[cell.row]):
        yield f"  date: {_quote(date)}"
    yield f"  notes: {_quote(_describe_result(made, cell))}"


def _read_date(stands: RowRuns) -> str:
    """Return the day on which the last run ended; empty where that is not known."""
    return max((str(run.ended.date()) for run in stands.runs if run.ended), default="")


def _describe_result(made: Report, cell: ResultCell) -> str:
    """Return a result in one line: metric, interval, seeds, what it rests on."""
    assert cell.ours
    column = made.table.columns[cell.column]
    digits = count_decimals(column)
    evidence = next(row["evidence"] for row in made.rows if row["row"] == cell.row)
    interval = format_interval(cell.ours.low, cell.ours.high, digits)
    seeds = f"{cell.seeds_done} of {cell.seeds_wanted} seeds" if cell.ours.seeds else ""
    missing = f"{cell.trials_missing} trials missing" if cell.trials_missing else ""
    value = f"{column.metric} {cell.ours.mean:.{digits}f} {column.unit}"
    parts = [value, interval and f"95 % interval {interval}", seeds, missing, evidence]
    return ", ".join([*filter(None, parts), f"speech-deepfake-bench {__version__}"])


def _quote(text: str) -> str:
    """Return text as YAML reads it: quoted as in JSON, on one line."""
    return json.dumps(text)
