"""Figures that runs keep, placed in reports: the best row's, on each evaluation."""

from __future__ import annotations

import re

import pandas as pd

from bench.reports.document import find_stale_files, write_report
from tests.reports.judged_files import scored
from tests.reports.made import Kept, frame, made


def test_the_best_rows_figures_are_named_written_and_missed(tmp_path):
    report = made()
    named = re.findall(r"!\[(.+?)\]\((.+?)\)", report.markdown)
    assert {file for _, file in named} == {f"{report.stem}.png", *report.pictures}
    assert report.pictures
    rows = {file.removeprefix(f"{report.stem}.").split("-")[0] for file in report.pictures}
    runs = {png.decode().split()[0] for png in report.pictures.values()}
    known = pd.concat([frame("paper"), scored().rename(columns={"system": "row"})])
    assert {known[known["run_id"] == run]["row"].iloc[0] for run in runs} == rows
    assert rows == {"Theirs", "Single"}
    write_report(report, tmp_path, ["html"])
    for name, png in report.pictures.items():
        assert (tmp_path / name).read_bytes() == png
    assert find_stale_files(report, tmp_path) == []
    gone = tmp_path / next(iter(report.pictures))
    gone.unlink()
    assert find_stale_files(report, tmp_path) == [gone]


def test_a_page_holds_them(tmp_path):
    report = made()
    page = report.render_extra("html", b"figure")
    assert page.count("data:image/png;base64,") == 1 + len(report.pictures)
    assert "data:image" not in report.render_extra("html")


def test_without_kept_figures_there_is_no_section():
    class Nothing(Kept):
        def read_pictures(self, run_id, evaluation):
            return {}

    assert "Plots of the best rows" in made().markdown
    assert "Plots of the best rows" not in made(kept=Nothing).markdown
