"""One table model: what Markdown, pages and LaTeX make of it."""

from __future__ import annotations

from bench._io.markdown import fill_template, format_code, format_link
from bench.reports.render_html import render_html_page
from bench.reports.render_latex import format_inline, render_tabular
from bench.reports.table_model import HeadingSpan, TableModel, render_markdown

MODEL = TableModel(
    ["System", "EER ↓"],
    [
        ["Theirs"],
        ["a|b & c", fill_template("**{}** ± {}", "3.58", "0.10")],
        ["*x*", fill_template("*{}*", "4.1")],
    ],
    "lr",
    [[HeadingSpan(""), HeadingSpan("A")]],
)


def test_a_group_heads_its_rows_in_every_form():
    lines = render_markdown(MODEL, "smoke").split("\n")
    assert lines == [
        "| SMOKE: System | EER ↓ |",
        "| --- | --- |",
        "| **Theirs** |  |",
        r"| a\|b & c | **3.58** ± 0.10 |",
        r"| \*x\* | *4.1* |",
    ]
    body = render_html_page("t", "\n".join(lines), {})
    assert '<tr class="group"><th scope="rowgroup" colspan="2"><strong>Theirs</strong>' in body
    assert "<tr><td>a|b &amp; c</td><td><strong>3.58</strong> ± 0.10</td></tr>" in body
    assert "<tr><td>*x*</td><td><em>4.1</em></td></tr>" in body
    assert render_tabular(MODEL).split("\n") == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r" & \multicolumn{1}{c}{A} \\",
        r"\cmidrule(lr){2-2}",
        r"System & EER $\downarrow$ \\",
        r"\midrule",
        r"\multicolumn{2}{l}{\emph{Theirs}} \\",
        r"a\textbar{}b \& c & \textbf{3.58} $\pm$ 0.10 \\",
        r"{}*x* & \emph{4.1} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_cell_of_markdown_is_latex_with_its_code_marks_and_citation():
    assert format_inline("1.60ᵈᵃ") == r"1.60\textsuperscript{da}"
    assert format_inline(format_code("a_b")) == r"\texttt{a\_b}"
    assert format_inline(format_link("SLS", "@sls")) == r"SLS~\cite{sls}"
    assert format_inline(format_link("[1]", "https://example.org")) == "[1]"
