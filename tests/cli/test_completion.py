"""The shell's Tab offers names of tables, rows, variants, sweeps and corpora."""

from __future__ import annotations

from click.shell_completion import ShellComplete, get_completion_class

from bench.cli import bench


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    shell = ShellComplete(bench, {}, "bench", "_BENCH_COMPLETE")
    return [item.value for item in shell.get_completions([*words[:-1]], words[-1])]


def test_names_are_offered(subtests):
    cases = [
        (("run", "tab"), ["table1", "table2", "table3", "table4"]),
        (("run", "breathnet/table1"), [f"breathnet/table{n}" for n in (10, 11, 12, 13, 1)]),
        (("report", "sweep/sal-"), [f"sweep/sal-{name}" for name in ("csm", "lambda", "loss")]),
        (("show", "cro"), ["cross/detection"]),
        (("run", "table4", "--rows", "S"), [f"S{n}" for n in range(9)]),
        (("run", "table4", "--rows", "S0,S5-S"), [f"S0,S5-S{n}" for n in range(9)]),
        (("run", "tca/table2", "--rows", "no-t"), ["no-token"]),
        (("run", "table4", "--variant", "r"), ["released"]),
        (("run", "nothing", "--rows", "S"), []),
        (("score", "s.txt", "--corpus", "P"), ["PE", "PS"]),
        (("data", "check", "asvspoof2021"), ["asvspoof2021df", "asvspoof2021la", "asvspoof2021pa"]),
        (("sweep", "tca"), ["tca-loss"]),
        (("explain", "gradcam", "--against", "S8"), ["S8"]),
        (("score", "--row", "S8"), ["S8"]),
        (("score", "s.txt", "--track", "cro"), ["cross/detection"]),
        (("explain", "ranks", "--other-table", "sal/table4"), ["sal/table4"]),
        (("doctor", "mfpt/low"), ["mfpt/lowresource"]),
        (("status", "mfpt/low"), ["mfpt/lowresource"]),
        (("ui", "mfpt/low"), ["mfpt/lowresource"]),
        (("compare", "table4:S"), [f"table4:S{n}" for n in range(9)]),
        (("compare", "table4:S5", "sal/table4:S7"), ["sal/table4:S7"]),
        (("compare", "table4:S7@r"), ["table4:S7@released"]),
        (("compare", "tca/table2:no-t"), ["tca/table2:no-token"]),
        (("compare", "nothing:S"), []),
        (("compare", "tca/"), ["tca/table1:", "tca/table2:", "tca/"]),
        (("compare", "sal/table4"), [*(f"sal/table4:S{n}" for n in range(9)), "sal/table4"]),
        (("compare", "scores.t"), ["scores.t"]),
    ]
    for words, expected in cases:
        with subtests.test(words=words):
            assert offered(*words) == expected


def test_bash_splits_words_at_colons(monkeypatch, subtests):
    cases = [
        ("bench compare table4 : S1", 4, ["S1"]),
        ("bench compare table4 :", 3, [f"S{n}" for n in range(9)]),
        ("bench compare table4 : S0 table4 : S1", 7, ["S1"]),
        ("bench compare table4:S1", 2, ["table4:S1"]),
        ("bench run table4 --rows S1", 4, ["S1"]),
        ("bench report sweep/sal-c", 2, ["sweep/sal-csm"]),
    ]
    for words, place, offered in cases:
        with subtests.test(words=words):
            monkeypatch.setenv("COMP_WORDS", words)
            monkeypatch.setenv("COMP_CWORD", str(place))
            of_bash = get_completion_class("bash")
            assert of_bash is not None
            shown = of_bash(bench, {}, "bench", "_BENCH_COMPLETE").complete().splitlines()
            assert shown == [f"plain,{name}" for name in offered]


def test_files_are_left_to_the_shell():
    shell = ShellComplete(bench, {}, "bench", "_BENCH_COMPLETE")
    kinds = {item.value: item.type for item in shell.get_completions(["compare"], "tca/")}
    assert kinds == {"tca/table1:": "plain", "tca/table2:": "plain", "tca/": "file"}


def test_own_tables_are_offered_and_a_faulty_file_offers_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments/mine").mkdir(parents=True)
    (tmp_path / "experiments/mine/first.toml").write_text("", encoding="utf-8")
    (tmp_path / "bench.toml").write_text('extend = ["."]\n', encoding="utf-8")
    assert offered("run", "mi") == ["mine/first"]
    (tmp_path / "bench.toml").write_text('extend = ["nowhere"]\n', encoding="utf-8")
    assert offered("run", "mi") == []
