"""What the README shows works as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.cards import table_cards
from bench.cli import main
from bench.provenance import processor
from bench.reports import terminal

from .readme import OWN_TABLE, README, blocks


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return run


def test_the_worked_corpus_of_ones_own(bench, tmp_path):
    settings, listed, card = blocks("## Your own corpus")
    (tmp_path / "bench.toml").write_text(settings.replace("/data/mine", "data"), encoding="utf-8")
    (tmp_path / "lab/datasets").mkdir(parents=True)
    (tmp_path / "lab/datasets/mine.toml").write_text(card, encoding="utf-8")
    (tmp_path / "data/lists").mkdir(parents=True)
    (tmp_path / "data/audio").mkdir()
    (tmp_path / "data/lists/test.csv").write_text(listed, encoding="utf-8")
    ids = [line.split(",")[0] for line in listed.splitlines()[1:]]
    for name in ids:
        soundfile.write(tmp_path / f"data/audio/{name}.wav", np.zeros(16_000), 16_000)
    code, said = bench("data", "check", "mine")
    assert code == 0, said
    assert "sound" in said
    scores = zip(ids, (1.5, -2.0, 0.5, -1.0), strict=True)
    (tmp_path / "scores.txt").write_text("".join(f"{name} {score}\n" for name, score in scores))
    code, said = bench("score", "scores.txt", "--corpus", "mine", "--by", "attack")
    assert code == 0, said
    assert "0.000000 %" in said
    assert "| vits2 " in said
    code, said = bench("data", "overlap", "mine", "19LA")
    assert code == 0, said
    assert "zero-shot" in said


def test_the_worked_table_of_ones_own(bench, tmp_path):
    (tmp_path / "bench.toml").write_text('extend = ["lab"]\n', encoding="utf-8")
    (tmp_path / "lab/experiments/mine").mkdir(parents=True)
    (tmp_path / "lab/experiments/mine/rounds.toml").write_text(OWN_TABLE, encoding="utf-8")
    code, said = bench("list")
    assert code == 0, said
    assert "mine/rounds" in said
    one, five = (
        table_cards.resolve(table_cards.table("mine/rounds"), row) for row in ("one", "five")
    )
    assert (one.mix.rounds, five.mix.rounds) == (1, 5)
    assert five.model_copy(update={"mix": one.mix}) == one, "nothing else differs"
    for form in ((), ("--smoke",)):
        code, said = bench("show", "mine/rounds", *form)
        assert code == 0, said
        rows = [line.split()[0] for line in said.splitlines() if line.endswith("not run")]
        assert rows == ["one", "five"]


def test_the_first_day_makes_the_table_that_the_readme_shows():
    script = (Path(__file__).parent / "day_one.sh").read_text(encoding="utf-8")
    name = "lab/experiments/mine/rounds.toml"
    (card,) = re.findall(rf"^cat > {name} <<'TOML'\n(.*?)^TOML$", script, re.M | re.DOTALL)
    assert card == OWN_TABLE


@pytest.mark.slow
def test_the_example_of_bench_score_is_what_it_prints(bench, shared):
    command, *shown = blocks("## Is my number right?")[0].splitlines()
    place = shared / "protocols/asvspoof2019_la"
    words = command.removeprefix("$ bench ").split()
    words = [
        str(place / "scores/AASIST-L_eval.txt") if "AASIST" in word else word for word in words
    ]
    words[words.index("--keys") + 1] = str(place)
    code, said = bench(*words)
    assert code == 0, said
    printed = said.replace(f"{place}/", "").splitlines()
    for line in shown:
        if line != "...":
            assert line in printed


def excerpt() -> str:
    """The table that the README shows of a demo."""
    found = re.search(
        r"<!-- demo excerpt: begin -->\s*```\n(.*?)\n```\s*<!-- demo excerpt: end -->",
        README,
        re.DOTALL,
    )
    assert found
    return found[1]


def test_the_demos_excerpt_is_what_the_demo_prints_of_these_results():
    card = table_cards.table("table4")
    runs = {row: table_cards.resolve(card, row, "smoke") for row in table_cards.runnable(card)}
    shown = {line.split()[0]: line for line in excerpt().splitlines()[3:]}
    assert [*shown] == [*runs]
    lines = []
    for row, run in runs.items():
        ours = [float(of) for of in re.findall(r" / +(\d+\.\d\d)", shown[row])]
        values = zip((of.metric for of in card.columns), ours, strict=True)
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
                "ended": 0,
                **{
                    f"{metric}{end}": of if bound is None else bound
                    for metric, of in values
                    for end, bound in ends.items()
                },
            }
        )
    made = terminal.shown(card, runs, pd.DataFrame(lines), "smoke")
    assert terminal.text(made.table, made.lines, "smoke", 120) == excerpt()


@pytest.mark.slow  # makes two miniature corpora and trains a row
def test_the_demos_excerpt_has_the_results_of_a_run(tmp_path):
    threads, made_on = re.search(r"run with (\d+) threads on an (.+?), and", README).groups()
    if made_on not in processor():
        pytest.skip(f"the excerpt is of an {made_on}; other processors round otherwise")
    own = {name: of for name, of in os.environ.items() if not name.startswith("BENCH_")}
    own.pop("MLFLOW_TRACKING_URI", None)
    own |= {"BENCH_WORK": str(tmp_path), "COLUMNS": "120"}
    own |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    for arguments in (["data", "mini", "--table", "table4"], ["run", "table4", "--smoke"]):
        rows = ["--rows", "S0"] if arguments[0] == "run" else []
        command = [sys.executable, "-m", "bench", *arguments, *rows]
        done = subprocess.run(
            command, env=own, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("S0 ")]
    (shown,) = [line for line in excerpt().splitlines() if line.startswith("S0 ")]
    assert re.split(r" {2,}", line) == re.split(r" {2,}", shown)
