"""The HTML page: one file that needs no other, and holds all that the Markdown says."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from bench.reports.document import find_stale_files, write_report
from bench.reports.render_html import render_html_page, without_images

from .made import MADE, made

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Checks that elements are closed in order, and gathers text and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


@pytest.mark.parametrize("which", MADE)
def test_is_well_formed_and_needs_nothing_else(which):
    text = MADE[which]().render_extra("html", b"png")
    sources = read(text).sources
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"<link|@import|url\(|src=\"http|fetch\(|XMLHttpRequest", text)


@pytest.mark.parametrize("which", MADE)
def test_says_all_that_the_markdown_says(which):
    said = re.sub(r"\s+", "", "".join(read(MADE[which]().render_extra("html")).text))
    table = [line for line in MADE[which]().markdown.splitlines() if line.startswith("| ")]
    for line in table:
        if "| ---" in line:
            continue
        for cell in re.split(r"(?<!\\)\|", line.strip("| ")):
            for part in cell.replace("\\|", "|").split("<br>"):
                assert re.sub(r"[\s*`]|</?small>", "", part) in said


def test_text_is_not_markup():
    text = render_html_page("a < b", "# a < b & c\n\n*x* <script> `a<b **c**` **d** 2*3*4\n", {})
    assert "<h1>a &lt; b &amp; c</h1>" in text
    assert "<title>a &lt; b</title>" in text
    assert "<p><em>x</em> &lt;script&gt; <code>a&lt;b **c**</code> <strong>d</strong>" in text


def test_a_link_leads_to_the_web_or_a_file_beside_and_html_is_text(subtests):
    cases = [
        ("[t](https://e.org/a_b)", '<a href="https://e.org/a_b">t</a>'),
        ("[t](report.md)", '<a href="report.md">t</a>'),
        ("https://e.org/a, b", '<a href="https://e.org/a">https://e.org/a</a>, b'),
        ("[t](javascript:x)", "[t](javascript:x)"),
        ("[t](JavaScript&colon;x)", "[t](JavaScript:x)"),
        ("[t](data:text/html,x)", "[t](data:text/html,x)"),
        ("[t](//e.org)", "[t](//e.org)"),
        ("[t](../x)", "[t](../x)"),
        ("[t](/etc/passwd)", "[t](/etc/passwd)"),
        ("![i](https://e.org/x.png)", '!<a href="https://e.org/x.png">i</a>'),
        ("<b onclick=x>", "&lt;b onclick=x&gt;"),
        ("a<br>b <small>c</small>", "a<br>b <small>c</small>"),
        ("<br onclick=x>", "&lt;br onclick=x&gt;"),
    ]
    for text, shown in cases:
        with subtests.test(text=text):
            assert shown in render_html_page("t", text, {})


def test_a_page_allows_its_own_script_and_style_alone():
    text = render_html_page("$body", "$title", {})
    assert "<title>$body</title>" in text
    assert "<p>$title</p>" in text
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    for kind in ("script", "style"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_lists_groups_and_fences():
    lines = [
        "- one",
        "  and more",
        "- two - three",
        "",
        "| A | B |",
        "| --- | --- |",
        "| **G** |  |",
        "| a\\|b | 1<br>2 |",
        "",
        "```",
        "| not | a table |",
        "```",
    ]
    text = render_html_page("t", "\n".join(lines), {})
    assert "<li>one and more</li>\n<li>two - three</li>" in text
    group = '<tr class="group"><th scope="rowgroup" colspan="2"><strong>G</strong></th></tr>'
    assert group in text
    assert "<tr><td>a|b</td><td>1<br>2</td></tr>" in text
    assert "<pre>| not | a table |</pre>" in text


def test_is_stale_by_its_text_and_not_by_its_figure(tmp_path):
    report = made()
    write_report(report, tmp_path, ["html", "latex"])
    path = tmp_path / "made-table1.html"
    assert "data:image/png;base64,iVBOR" in path.read_text()
    assert find_stale_files(report, tmp_path) == []
    path.write_text(path.read_text().replace("iVBOR", "iVBOX"))
    assert find_stale_files(report, tmp_path) == []
    path.write_text(path.read_text().replace("published", "publicised"))
    assert find_stale_files(report, tmp_path) == [path], "though it was not asked for"
    path.unlink()
    assert find_stale_files(report, tmp_path) == []
    assert find_stale_files(report, tmp_path, ["html"]) == [path]
    assert without_images('<img src="data:image/png;base64,AA">') == '<img src="">'


@pytest.mark.slow
def test_a_click_sorts_by_our_figure_and_a_third_restores(tmp_path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("there is no chromium to click in")
    clicks = """<script>
const table = document.querySelector("table"), said = [];
for (let click = 0; click < 3; click++) {
  table.tHead.rows[0].cells[2].firstChild.click();
  said.push([...table.tBodies[0].rows].map((row) => row.cells[0].textContent).join());
}
document.title = said.join(";");
</script></body>"""
    path = tmp_path / "page.html"
    text = made().render_extra("html").replace("</body>", clicks)
    content = clicks.partition("<script>")[2].partition("</script>")[0].encode()
    allowed = base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
    path.write_text(text.replace("script-src ", f"script-src 'sha256-{allowed}' "), "utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    up, down, given = re.findall(r"<title>(.*)</title>", done.stdout)[0].split(";")
    assert up == "Half,Part,Theirs,Single,Both,Never,Old"
    assert down == "Old,Both,Never,Single,Part,Theirs,Half"
    scored = "Scored, not trained here,Part,Theirs"
    assert given == f"Published,Old,Ours,Both,Half,Single,Never,{scored}"
