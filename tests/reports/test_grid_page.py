"""The page of all results: what it says without scripts, and how it works in a real browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from bench.reports.document import write_report
from bench.reports.grid_page import NAME, render_grid_page

from .browser import open_browser
from .hostile import NAMES, Alive, hostile_report
from .made import made, made_combined, made_matrix

COLUMNS = (
    *("table", "row", "system", "test", "metric", "trained", "frontend", "size"),
    *("result", "paper", "difference", "evidence"),
)


class Lines(HTMLParser):
    """The texts of a page's cells, line by line."""

    def __init__(self, text):
        super().__init__()
        self.lines, self._inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.lines.append([])
        if tag in ("td", "th"):
            self.lines[-1].append("")
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self._inside:
            self.lines[-1][-1] += data


def lines_of(*reports):
    heads, *lines = Lines(render_grid_page(reports, "paper")).lines
    assert len(heads) == len(COLUMNS)
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines]


def test_each_result_is_a_line_that_says_what_it_rests_on():
    lines = lines_of(made(), made_combined(), made_matrix())
    (both,) = [line for line in lines if (line["row"], line["metric"]) == ("Both", "f1")]
    assert both == {
        "table": "Made, Table 1",
        "row": "Both",
        "system": "Both two seeds",
        "test": "LPS",
        "metric": "f1",
        "trained": "PS",
        "frontend": "xlsr2_300m",
        "size": "315 M",
        "result": "91.50 [90.50, 92.50]",
        "paper": "90.00",
        "difference": "+1.50",
        "evidence": "measured here",
    }
    evidence = {(line["table"][-1], line["row"]): line["evidence"] for line in lines}
    assert evidence["1", "Old"] == "published"
    assert evidence["1", "Never"] == "published", "nothing of it was run"
    assert evidence["1", "Theirs"] == "score file, evaluated here"
    assert "Avg." in {line["test"] for line in lines if line["row"] == "Single"}
    assert {line["metric"] for line in lines if line["table"] == "Made, Table 3"} >= {"A07.C1.eer"}
    assert not [line for line in lines if not line["result"] and not line["paper"]]


def test_a_smoke_page_says_so_in_its_title():
    text = render_grid_page([made("smoke")], "smoke")
    assert "<h1>SMOKE: All results</h1>" in text
    assert "never a result" in text


def test_the_page_needs_nothing_from_elsewhere():
    text = render_grid_page([made(), made_combined()], "paper")
    assert Alive(text).addresses == {"made-table1.html", "made-table2.html"}
    assert not re.search(r"(?:https?:)?//\w|@import|url\(", text.replace("\n//", ""))
    assert "default-src 'none'" in text


@pytest.fixture
def page(tmp_path):
    """The site of two tables, opened as a file."""
    site = tmp_path / "site"
    reports = [made(), made_combined()]
    for each in reports:
        write_report(each, site, ["html"])
    (site / NAME).write_text(render_grid_page(reports, "paper"), encoding="utf-8")
    with open_browser(tmp_path) as opened:
        opened.address = (site / NAME).as_uri()
        opened.open(opened.address)
        yield opened
        assert opened.errors == []
        asked = {one.partition("#")[0].rpartition("/")[0] for one in opened.requests}
        assert asked == {site.as_uri()}


def column(page, name):
    """The texts of a column, from the top."""
    place = COLUMNS.index(name)
    return page.evaluate(
        f"[...document.querySelectorAll('tbody tr')].map(line => line.cells[{place}].textContent)"
    )


def click(page, name):
    page.evaluate(f"document.querySelector('th[data-key={name}] button').click()")


def choose(page, name, text):
    place = [each for each in COLUMNS if each in FILTERED].index(name)
    page.evaluate(
        f"(select => {{ select.value = {text!r}; select.dispatchEvent(new Event('change')); }})"
        f"(document.querySelectorAll('select')[{place}])"
    )


FILTERED = {"table", "test", "metric", "trained", "frontend", "evidence"}


@pytest.mark.slow
def test_sorting_filters_and_columns_stay_in_the_address(page):
    given = column(page, "row")
    click(page, "result")
    values = [float(text.split()[0]) for text in column(page, "result") if text]
    assert values == sorted(values)
    assert column(page, "result")[-1] == "", "what has no result stands last"
    click(page, "result")
    values = [float(text.split()[0]) for text in column(page, "result") if text]
    assert values == sorted(values, reverse=True)
    assert column(page, "result")[-1] == ""
    choose(page, "evidence", "measured here")
    assert {*column(page, "evidence")} == {"measured here"}
    page.evaluate(
        "(box => { box.checked = false; box.dispatchEvent(new Event('change')); })"
        f"(document.querySelectorAll('fieldset input')[{COLUMNS.index('system')}])"
    )
    hash_ = page.evaluate("location.hash")
    assert hash_ == "#sort=result&order=descending&evidence=measured+here&hide=system"
    shown = column(page, "row")
    count = page.evaluate("document.querySelector('[role=status]').textContent")
    assert count == f"{len(shown)} of {len(given)} lines"

    page.open(page.address + hash_)  # as from a bookmark
    assert column(page, "row") == shown
    hidden = "[...document.querySelectorAll('thead th')].map(head => head.offsetWidth === 0)"
    assert page.evaluate(hidden) == [name == "system" for name in COLUMNS]
    sort = "document.querySelector('th[data-key=result]').getAttribute('aria-sort')"
    assert page.evaluate(sort) == "descending"
    click(page, "result")
    choose(page, "evidence", "")
    assert column(page, "row") == given, "a third click restores the order"

    page.evaluate("location.hash = 'q=half&sort=nonsense&evidence=nonsense&hide=nonsense'")
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert {*column(page, "row")} == {"Half"}
    assert len(column(page, "row")) == given.count("Half")


@pytest.mark.slow
def test_the_keyboard_reaches_every_control(page):
    focused = "document.activeElement.closest('label, th, td')?.textContent.slice(0, 9)"
    page.press("Tab")
    assert page.evaluate(focused).startswith("Search")
    page.evaluate("document.querySelector('th[data-key=row] button').focus()")
    page.press("Enter")
    assert page.evaluate("location.hash") == "#sort=row"
    names = column(page, "row")
    assert names == sorted(names)
    page.evaluate("document.querySelector('fieldset input').focus()")
    page.press(" ")
    assert page.evaluate("location.hash") == "#sort=row&hide=table"
    page.press("Tab")
    assert page.evaluate(focused).strip() == "Row"


@pytest.mark.slow
def test_no_hostile_name_comes_alive(tmp_path):
    reports = [hostile_report(name) for name in NAMES]
    path = tmp_path / NAME
    path.write_text(render_grid_page(reports, "paper"), encoding="utf-8")
    with open_browser(tmp_path) as opened:
        opened.open(path.as_uri())
        click(opened, "system")
        assert opened.evaluate("document.title") == "All results"
        assert opened.evaluate("document.querySelectorAll('script').length") == 1
        assert opened.evaluate("document.querySelectorAll('img, svg, iframe').length") == 0
        assert opened.evaluate("document.querySelectorAll('tbody tr').length") > len(NAMES)
        assert opened.errors == []
