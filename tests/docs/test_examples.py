"""What the pages show of commands that need an hour, or real files, is what these print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bench.cards import table_cards
from bench.cli import main
from bench.provenance import processor_name
from bench.reports import terminal_table
from tests.tracked_frames import as_runs

from .pages import DOCS, HOW_TO, ROOT, read_blocks, read_file

START = (DOCS / "start.md").read_text(encoding="utf-8")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return run


def test_the_table_of_the_how_to_resolves_in_both_forms(bench: Run, tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text('extend = ["lab"]\n', encoding="utf-8")
    name = "lab/experiments/mine/rounds.toml"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(read_file(HOW_TO / "table.md", name), encoding="utf-8")
    one, five = (
        table_cards.resolve_row(table_cards.read_table("mine/rounds"), row)
        for row in ("one", "five")
    )
    assert (one.mix.rounds, five.mix.rounds) == (1, 5)
    assert five.model_copy(update={"mix": one.mix}) == one, "nothing else differs"
    for form in ((), ("--smoke",)):
        code, printed = bench("show", "mine/rounds", *form)
        assert code == 0, printed
        rows = [line.split()[0] for line in printed.splitlines() if line.endswith("not run")]
        assert rows == ["one", "five"]


@pytest.mark.slow
@pytest.mark.parametrize("page", [DOCS / "score.md", ROOT / "README.md"], ids=["score", "README"])
def test_the_example_of_bench_score_is_what_it_prints(
    bench: Run, official: Path, page: Path
) -> None:
    (text,) = (of.text for of in read_blocks(page) if of.text.startswith("$ bench score"))
    command, *shown = text.splitlines()
    folder = official / "asvspoof2019_la"
    words = command.removeprefix("$ bench ").split()
    words = [
        str(folder / "scores/AASIST-L_eval.txt") if "AASIST" in word else word for word in words
    ]
    words[words.index("--keys") + 1] = str(folder)
    code, printed = bench(*words)
    assert code == 0, printed
    lines = printed.replace(f"{folder}/", "").splitlines()
    assert not [line for line in shown if line != "..." and line not in lines]


def excerpt() -> str:
    """The table that the page on the first five minutes shows of a demo."""
    match = re.search(
        r"<!-- demo excerpt: begin -->\s*```text\n(.*?)\n```\s*<!-- demo excerpt: end -->",
        START,
        re.DOTALL,
    )
    assert match
    return match[1]


def test_the_demos_excerpt_is_what_the_demo_prints_of_these_results() -> None:
    card = table_cards.read_table("table4")
    runs = {
        row: table_cards.resolve_row(card, row, "smoke") for row in table_cards.runnable_rows(card)
    }
    shown = {line.split()[0]: line for line in excerpt().splitlines()[3:]}
    assert [*shown] == [*runs]
    lines = []
    for row, run in runs.items():
        ours = [float(number) for number in re.findall(r" / +(\d+\.\d\d)", shown[row])]
        values = zip((column.metric for column in card.columns), ours, strict=True)
        ends = {"": None, ".low": 0.0, ".high": 100.0}
        lines.append(
            {
                "row": row,
                "seed": card.seeds[0],
                "signature": run.signature,
                "form": "smoke",
                "status": "FINISHED",
                "data": "d",
                "contents": "",
                "failure": "",
                "ended": 0,
                **{
                    f"{metric}{end}": value if bound is None else bound
                    for metric, value in values
                    for end, bound in ends.items()
                },
            }
        )
    made = terminal_table.select_shown_rows(card, runs, as_runs(pd.DataFrame(lines)), "smoke")
    assert (
        terminal_table.format_terminal_table(made.table, made.list_rows, "smoke", 120) == excerpt()
    )


@pytest.mark.slow  # makes two miniature corpora and trains a row
def test_the_demos_excerpt_has_the_results_of_a_run(tmp_path: Path) -> None:
    match = re.search(r"run with (\d+) threads on an (.+?), and", START)
    assert match
    threads, made_on = match.groups()
    if made_on not in processor_name():
        pytest.skip(f"the excerpt is of an {made_on}; other processors round otherwise")
    variables = {name: of for name, of in os.environ.items() if not name.startswith("BENCH_")}
    variables.pop("MLFLOW_TRACKING_URI", None)
    variables |= {"BENCH_WORK": str(tmp_path), "COLUMNS": "120"}
    variables |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    for arguments in (["data", "mini", "--table", "table4"], ["run", "table4", "--smoke"]):
        rows = ["--rows", "S0"] if arguments[0] == "run" else []
        command = [sys.executable, "-m", "bench", *arguments, *rows]
        done = subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("S0 ")]
    (shown,) = [line for line in excerpt().splitlines() if line.startswith("S0 ")]
    assert re.split(r" {2,}", line) == re.split(r" {2,}", shown)
