"""LaTeX: what a compiler would trip over is not there, and the figures are."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cards import card_files, table_cards
from bench.cards.references import all_references
from bench.reports.bibliography import format_bibtex_entry
from bench.reports.document import build_report
from bench.reports.render_latex import escape_latex
from tests.reports.latex_check import check

from ..errors import raises_code
from .made import MADE
from .unrun import EACH_LAYOUT, not_run

DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,graphicx}
\begin{document}
%s
\end{document}
"""


@pytest.mark.parametrize("which", MADE)
def test_would_compile(which):
    check(MADE[which]().render_extra("latex"))


@pytest.mark.parametrize("which", MADE)
def test_compiles(which, tmp_path):
    compiler = shutil.which("pdflatex") or shutil.which("tectonic")
    if compiler is None:
        pytest.skip("there is no LaTeX here")
    (tmp_path / "a.tex").write_text(
        DOCUMENT % MADE[which]().render_extra("latex"), encoding="utf-8"
    )
    subprocess.run([compiler, "a.tex"], cwd=tmp_path, check=True, capture_output=True, timeout=60)


@EACH_LAYOUT
def test_every_table_can_be_set(keys, subtests):
    for key in keys:
        with subtests.test(key=key):
            check(not_run(key, "paper").render_extra("latex"))


def test_figures_are_the_papers_and_ours():
    text = MADE["paper"]().render_extra("latex")
    both = next(line for line in text.splitlines() if line.startswith("Both &"))
    assert both == (
        r"Both & two seeds & 5.00 & 5.00 $\pm$ 0.20 & 90.00 & 91.50 $\pm$ 0.50 & 3 of 3 seeds \\"
    )
    assert r"Old & theirs & 9.50 &  & -- &  & published \\" in text
    assert r"4.00 & 4.10 & -- & \textbf{95.00}" in text
    assert r"Theirs &  &  & \textbf{3.58} &  & -- & scored \\" in text
    assert r"\emph{1.00}" in text
    assert r"not begun & 5.00 & -- & 90.00 & -- & not run \\" in text
    assert r"\caption{SMOKE: Made" in MADE["smoke"]().render_extra("latex")


def test_marks_stand_at_figures_and_below():
    text = MADE["combined"]().render_extra("latex")
    assert r"6.500\textsuperscript{a}" in text
    assert r"\textsuperscript{a} Old: the paper prints 9.00" in text
    assert r"1.60\textsuperscript{da}" in text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_ascii_is_escaped_and_can_be_read_back(text):
    names = {
        r"\textbackslash{}": "\\",
        r"\textasciitilde{}": "~",
        r"\textasciicircum{}": "^",
        r"\textless{}": "<",
        r"\textgreater{}": ">",
        r"\textbar{}": "|",
    }
    pattern = "|".join(map(re.escape, names)) + r"|\\([$&%#_{}])"
    back = re.sub(pattern, lambda found: names.get(found[0]) or found[1], escape_latex(text))
    assert back == text


def test_letters_of_names_and_formulas():
    assert (
        escape_latex("Müller, Šašek λ ± 3 µs")
        == r"M\"{u}ller, \v{S}a\v{s}ek $\lambda$ $\pm$ 3 $\mu$s"
    )
    with raises_code("report.latex-character"):
        escape_latex("音")


def test_a_published_row_is_cited_in_place_of_the_papers_own_number():
    table = table_cards.read_table("breathnet/table4")
    made = build_report(table, table_cards.read_paper("breathnet"), {}, (), (), "paper")
    files = made.render_extra_files("latex")
    text, bib = files["breathnet-table4.tex"], files["breathnet-table4.bib"]
    assert r"ACMMM 2024 & SLS~\cite{sls} &" in text
    assert r"Odyssey 2022 & Wav2vec+AASIST \dag{}~\cite{ssl-aasist} &" in text
    cited = set(re.findall(r"\\cite\{(\S+?)\}", text))
    assert cited == set(re.findall(r"^@\w+\{(\S+),$", bib, re.M))
    assert len(cited) == 16
    assert "bold" not in text, "nothing was run"
    assert list(made.render_extra_files("html")) == ["breathnet-table4.html"]


def test_an_entry_for_each_reference_is_plain_and_closed():
    for key, entry in all_references(card_files.card_folders("experiments")).items():
        text = format_bibtex_entry(key, entry)
        assert text.isascii()
        assert text.count("{") == text.count("}")
    gncl = format_bibtex_entry(
        "gncl", all_references(card_files.card_folders("experiments"))["gncl"]
    )
    assert gncl.startswith("@inproceedings{gncl,\n  author = {Ge, Zirui and ")
    assert r"Schuller, Bj\"{o}rn}," in gncl
    assert "  url = {https://ieeexplore.ieee.org/document/10888281}," in gncl


def test_a_gap_has_neither_arrow_nor_best():
    text = MADE["combined"]().render_extra("latex")
    assert r"\multicolumn{2}{c}{gap}" in text
    assert r"\multicolumn{2}{c}{Avg. $\downarrow$}" in text
    (gap,) = {line.split(" & ")[8] for line in text.splitlines() if line.startswith("Single &")}
    assert "textbf" not in gap
