"""No word from outside comes alive in a report: not in a page, Markdown, LaTeX, a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from bench._io.printable import csv_text, escape_invisible
from bench.reports.document import write_report
from tests.reports.latex_check import check

from ..errors import raises_code
from .hostile import NAMES, Alive, hostile_pages, hostile_report, hostile_verdict

VIEWER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
"""A reader of Markdown that obeys HTML."""
COMMANDS = {
    *("begin", "end", "centering", "small", "caption", "label", "toprule", "midrule", "bottomrule"),
    *("multicolumn", "emph", "cmidrule", "textbf", "textsuperscript", "footnotesize", "par"),
    *("smallskip", "pm", "downarrow", "uparrow", "textbackslash", "textasciitilde", "dots", "cdot"),
    *("textasciicircum", "textless", "textgreater", "textbar", "resizebox", "textwidth"),
}


def squeezed(text):
    return "".join(escape_invisible(re.sub("[\r\u2028]", " ", text)).split())


@pytest.mark.rows
def test_nothing_of_a_page_is_alive(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            for kind, text in hostile_pages(name).items():
                found = Alive(text)
                assert found.faults == [], kind
                assert found.scripts == 1, kind
                assert squeezed(name) in squeezed(found.text), kind


@pytest.mark.rows
def test_nothing_of_markdown_is_alive_in_a_viewer_that_obeys_html(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            made = hostile_report(name)
            for kind, text in {**made.text_files, "verdict": hostile_verdict(name)}.items():
                if kind.endswith((".csv", ".json")):
                    continue
                shown = VIEWER.render(text)
                pictures = re.sub(r'<img src="made-table1[^":]*"', "<img", shown)
                found = Alive(re.sub(' style="text-align:right"|</?(ol|hr)>', "", pictures))
                assert found.faults == [], kind
                assert squeezed(name) in squeezed(found.text), kind


@pytest.mark.rows
def test_a_spreadsheet_computes_nothing(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            made = hostile_report(name)
            text = csv_text([[name, "-1.5", -1.5, name.lstrip()]])
            assert text.count("-1.5") == 2
            for cell in (
                cell for line in csv.reader(io.StringIO(made.csv + text)) for cell in line
            ):
                numeric = re.fullmatch(r"[-+]?\d+(\.\d+)?", cell)
                assert numeric or not cell.lstrip(" ").startswith(
                    ("=", "+", "-", "@", "\t", "\r")
                ), cell


def test_latex_has_its_own_commands_only(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            text = hostile_report(name).render_extra("latex")
            check(text)
            first, lines = text.split("\n", 1)
            assert first.startswith("% Written")
            assert {*re.findall(r"\\([A-Za-z]+)", lines)} <= COMMANDS
            assert not re.search(r"(?<!\\)[#_%]", lines.replace("{%\n", ""))
            assert not re.search(r"\\\\\n[\[*]", text), "the line's end would take it"


def test_a_letter_that_latex_lacks_is_refused():
    with raises_code("report.latex-character"):
        hostile_report("音声").render_extra("latex")


@pytest.mark.parametrize("name", ["../../x", "a b/%2e ü"])
def test_a_picture_is_written_beside_its_report(tmp_path, name):
    made = hostile_report(name)
    folder = tmp_path / "reports"
    write_report(made, folder, ["html"])
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    pages = Alive((folder / "made-table1.html").read_text(encoding="utf-8"))
    assert len([of for of in pages.addresses if of.startswith("data:image/png")]) >= 2
    shown = VIEWER.render(made.markdown)
    files = [unquote(src) for src in re.findall(r'<img src="([^"]*)"', shown)]
    assert len(files) >= 3
    assert all((folder / file).is_file() for file in files)


@pytest.mark.slow
def test_nothing_is_alive_in_a_browser(tmp_path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("there is no chromium to look in")
    bodies = [
        re.split("<body>|<script>", text)[1]
        for name in NAMES
        for text in hostile_pages(name).values()
    ]
    frame = re.split("(?<=<body>)|(?=<script>\n//)", hostile_pages("plain")["report"])
    path = tmp_path / "page.html"
    path.write_text("\n".join([frame[0], *bodies, frame[2]]), encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = Alive(done.stdout)
    assert found.faults == []
    assert found.scripts == 1
    assert re.findall(r"<title>(.*?)</title>", done.stdout) == ["plain"]
    assert done.stdout.count("<button>") > 100, "the page's own script was allowed"
