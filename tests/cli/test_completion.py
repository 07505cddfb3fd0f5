"""The shell's Tab offers names of tables, rows, variants, sweeps and corpora."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from bench.cli import bench


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    shell = ShellComplete(bench, {}, "bench", "_BENCH_COMPLETE")
    return [item.value for item in shell.get_completions([*words[:-1]], words[-1])]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "tab"), ["table1", "table2", "table3", "table4"]),
        (("run", "breathnet/table1"), [f"breathnet/table{n}" for n in (10, 11, 12, 13, 1)]),
        (("report", "sweep/sal-"), [f"sweep/sal-{name}" for name in ("csm", "lambda", "loss")]),
        (("show", "cro"), ["cross/detection"]),
        (("run", "table4", "--rows", "S"), [f"S{n}" for n in range(9)]),
        (("run", "table4", "--rows", "S0,S5-S"), [f"S0,S5-S{n}" for n in range(9)]),
        (("run", "tca/table2", "--rows", "no-t"), ["no-token"]),
        (("run", "table4", "--variant", "r"), ["released"]),
        (("run", "nothing", "--rows", "S"), []),
        (("score", "s.txt", "--corpus", "P"), ["PS"]),
        (("data", "check", "asvspoof2021"), ["asvspoof2021df", "asvspoof2021la"]),
        (("sweep", "tca"), ["tca-loss"]),
        (("explain", "gradcam", "--against", "S8"), ["S8"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_names_are_offered(words, expected):
    assert offered(*words) == expected


def test_own_tables_are_offered_and_a_faulty_file_offers_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments/mine").mkdir(parents=True)
    (tmp_path / "experiments/mine/first.toml").write_text("", encoding="utf-8")
    (tmp_path / "bench.toml").write_text('extend = ["."]\n', encoding="utf-8")
    assert offered("run", "mi") == ["mine/first"]
    (tmp_path / "bench.toml").write_text('extend = ["nowhere"]\n', encoding="utf-8")
    assert offered("run", "mi") == []
