"""Whatever a word is, every reader of Markdown shows it as it stands."""

from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench._io.markdown import (
    escape_text,
    fill_template,
    format_code,
    format_fenced,
    format_heading,
    format_image,
    format_link,
    format_list,
    format_prose,
    format_table,
)
from bench._io.printable import escape_invisible
from bench.reports.render_html import render_html_page

READER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
"""As GitHub reads it, and with HTML, which some viewers obey."""
ACTIVE = st.text(st.sampled_from("[]()!<>*_`~\\|#-+=.:&;\"' \n1ax/{}$\x1b\u202e"), max_size=12)
TEXT = ACTIVE | st.text(max_size=12)


def shown(text):
    """The text that a reader is to see, as it stands in HTML."""
    return html.escape(" ".join(escape_invisible(re.sub("[\r\u2028\u2029]", " ", text)).split()))


def read(markdown):
    made = re.sub(' style="text-align:right"', "", READER.render(markdown))
    return made.replace("&#x27;", "'").replace("&quot;", '"')


def expected(before, text, after):
    return f"{before}{shown(text)}{after}".replace("&#x27;", "'").replace("&quot;", '"')


@given(TEXT.filter(lambda text: shown(text) != ""))
@example("[a]: javascript:x")
@example("a\\")
def test_a_word_is_shown_as_it_stands(text):
    assert read(escape_text(text)) == expected("<p>", text, "</p>\n")
    assert read(format_list([text])) == expected("<ul>\n<li>", text, "</li>\n</ul>\n")
    assert read(format_heading(2, text)) == expected("<h2>", text, "</h2>\n")
    assert read(fill_template("a {} b", text)) == expected("<p>a ", text, " b</p>\n")
    assert (
        read(fill_template("a *{}* b", format_link("x", "y")))
        == '<p>a <em><a href="y">x</a></em> b</p>\n'
    )
    cells = read("\n".join(format_table(["a", text], [[text, "b"]])))
    assert expected("<th>", text, "</th>") in cells
    assert expected("<td>", text, "</td>\n<td>b</td>") in cells


@given(TEXT.filter(lambda text: shown(text) != ""))
def test_the_page_shows_it_too(text):
    body = render_html_page(
        "t", f"{escape_text(text)}\n\n| a | b |\n| --- | --- |\n| c | {format_code('d')} |", {}
    )
    plain = html.unescape(re.sub("<a href=[^>]*>|</a>", "", body))
    assert f"<p>{html.unescape(shown(text))}</p>" in plain


@given(TEXT.filter(lambda text: shown(text) != ""))
def test_code_is_shown_as_it_stands(text):
    line = html.unescape(shown(text))
    found = html.unescape(READER.render(format_code(text)))
    assert found == f"<p><code>{line}</code></p>\n"
    assert html.unescape(READER.render(format_fenced("toml", f"{text}\n```"))).count("<pre>") == 1


def test_sentences_of_cards_have_code_and_nothing_else():
    said = format_prose("`--seeds 3` draws *others*, `a|b` and <b>\n`c")
    assert said == r"`--seeds 3` draws \*others\*, `a|b` and \<b> \`c"
    assert format_prose("") == ""


def test_a_name_that_is_no_markup_stays_readable(subtests):
    cases = ["S_1", "a_b_c.txt", "[1.0, 2.5]", "SLS [23]", "-1.5", "p < 0.05"]
    for text in cases:
        with subtests.test(text=text):
            assert escape_text(text) == text


def test_a_link_leads_to_the_web_or_a_file_beside(subtests):
    cases = [
        ("https://example.org/a_b?c=d&e#f", "https://example.org/a_b?c=d&e#f"),
        ("https://example.org/a) [t](x)", "https%3A%2F%2Fexample.org%2Fa%29%20%5Bt%5D%28x%29"),
        ("https://example.org/(a)", "https://example.org/%28a%29"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("made table.md", "made%20table.md"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
    ]
    for address, written in cases:
        with subtests.test(address=address):
            assert format_link("t", address) == f"[t]({written})"
            assert format_image("t", address) == f"![t]({written})"


def test_columns_line_up_on_a_terminal():
    lines = format_table(["名前", "n"], [["音声合成", "1"], ["a" * 40, "22"], ["e\u0301", "333"]])
    assert lines == [
        "| 名前                                     |   n |",
        "| ---------------------------------------- | --: |",
        "| 音声合成                                 |   1 |",
        f"| {'a' * 40} |  22 |",
        "| e\u0301                                        | 333 |",
    ]
