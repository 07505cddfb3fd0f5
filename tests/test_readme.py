"""What the README shows works as it is written there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(heading: str) -> list[str]:
    """The fenced blocks below a heading, up to the next of its level."""
    section = README.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


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
