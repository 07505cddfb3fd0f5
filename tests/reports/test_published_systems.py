"""Rows of other systems come with links, and with what others measured of them."""

from __future__ import annotations

import re

from bench.cards import table_cards
from bench.reports import published_systems
from bench.reports.render_html import render_html_page


def test_what_others_measured_stands_beside_the_papers_figure():
    (note,) = published_systems.list_other_measurements(table_cards.read_table("sal/table1"))
    assert note.startswith("BAM, WavLM, EER: 3.58 in this table; 4.65 by an audit ")
    assert "(2026); 12.53 by [WeDefense's re-implementation" in note
    assert note.endswith("](https://arxiv.org/abs/2601.15240) (2026-01).")
    assert published_systems.list_other_measurements(table_cards.read_table("sal/table4")) == []


def test_the_systems_name_is_a_link():
    rows = table_cards.read_table("sal/table1").rows
    assert published_systems.link_system_name(rows["BAM-WavLM"]) == (
        "[BAM](https://arxiv.org/abs/2407.21611)",
        "WavLM",
    )
    assert published_systems.link_system_name(rows["BFC-Net-WavLM"]) == ("BFC-Net", "WavLM")
    mamba = table_cards.read_table("breathnet/table4").rows["XLSR-Mamba"]
    doi = "https://doi.org/10.1109/LSP.2025.3547861"
    assert published_systems.link_system_name(mamba) == ("SPL 2025", f"[XLSR-Mamba [30] †]({doi})")
    assert published_systems.link_system_name(rows["SAL-WavLM"]) == ("SAL", "WavLM")


def test_the_section_has_code_weights_and_licence_of_those_that_have_them():
    text = published_systems.list_published_systems(
        table_cards.read_table("breathnet/table3"), "paper"
    )
    head, _, *lines = [line for line in text.splitlines() if line.startswith("|")]
    assert head == "| System | Code | Licence | Trained on |"
    assert len(lines) == 10
    (attm,) = [line for line in lines if "AttM-LSTM" in line]
    assert "[code](https://github.com/pandarialTJU/AttM_INTERSPEECH24) | MIT | 19LA |" in attm
    assert (
        published_systems.list_published_systems(table_cards.read_table("sal/table4"), "paper")
        == ""
    )
    assert re.match(
        "## SMOKE: ",
        published_systems.list_published_systems(
            table_cards.read_table("breathnet/table3"), "smoke"
        ),
    )


def test_a_link_around_a_number_is_a_link_in_a_page():
    text = render_html_page("T", "| A |\n| --- |\n| [SLS [23]](https://a.org/b) |", {})
    assert '<td><a href="https://a.org/b">SLS [23]</a></td>' in text
