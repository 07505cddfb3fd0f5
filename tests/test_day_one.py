"""The first day with the suite, as a stranger would go through it: `tests/day_one.sh`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_first_day(tmp_path: Path):
    """The script does its work in an empty folder, and its table is there as Markdown, HTML and
    LaTeX, with three seeds and both rows compared.
    """
    tests = Path(__file__).parent
    programs = tmp_path / "programs"
    programs.mkdir()
    bench = programs / "bench"
    bench.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n', encoding="utf-8")
    bench.chmod(0o755)
    here = tmp_path / "first day"
    here.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BENCH_")},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tests.parent),
        "BENCH_CONFIG_WITHIN": str(here),
    }
    done = subprocess.run(
        ["bash", str(tests / "day_one.sh")],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"training\.epochs ?= ?1", done.stdout), (
        "`show --other-settings` says what was set"
    )
    reports = here / "reports/smoke"
    text = (reports / "mine-rounds.smoke.md").read_text(encoding="utf-8")
    assert text.count("3 of 3 seeds") >= 2
    assert "Which rows differ" in text
    assert (reports / "mine-rounds.smoke.html").is_file()
    assert r"\begin{tabular}" in (reports / "mine-rounds.smoke.tex").read_text(encoding="utf-8")
