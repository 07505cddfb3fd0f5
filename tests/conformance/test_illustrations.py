"""What cards say of the papers' figures is what the papers say."""

from __future__ import annotations

import pytest

from bench.cards import card_files, table_cards
from bench.errors import BenchError


def test_sals_figures_1_and_3_are_the_papers(shared):
    text = (shared / "papers" / "sal.txt").read_text(encoding="utf-8")
    known = table_cards.read_table("sal/table4").figures
    assert set(known) == {"gradcam", "positions"}
    assert f"for {known['gradcam'].utterance}.wav in Partial-Spoof evaluation set" in text
    assert f"the majority of cases ({known['positions'].paper['middle']}%)" in text
    for name, figure in known.items():
        assert f"our final proposed model ({figure.row})" in text
        assert f"Building upon the enhanced baseline ({figure.against})" in text
        assert figure.why, name


def test_the_baseline_is_the_final_system_without_its_two_techniques():
    """So the two rows differ in SPL and CSM alone."""
    table = table_cards.read_table("sal/table4")
    s7, s3 = (table_cards.resolve_row(table, row).flat_settings() for row in ("S7", "S3"))
    differ = {key.partition(".")[0] for key in s7.keys() | s3.keys() if s7.get(key) != s3.get(key)}
    assert differ == {"system", "mix"}
    parts = {key for key in s7.keys() | s3.keys() if s7.get(key) != s3.get(key)}
    assert all(key.startswith(("system.auxiliary.", "mix.")) for key in parts)


def test_a_figure_of_a_row_that_is_not_there_is_a_mistake(tmp_path):
    path = card_files.card_folder("experiments") / "sal" / "table4.toml"
    text = path.read_text(encoding="utf-8")
    wrong = text.replace('[figures.gradcam]\nsource = "Figure 1"\nrow = "S7"', "[figures.gradcam]\n"
                         'source = "Figure 1"\nrow = "S9"')  # fmt: skip
    assert wrong != text
    (tmp_path / "table4.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(BenchError, match=r"figures.gradcam = 'S9': no such row"):
        table_cards.parse_table("sal/table4", tmp_path / "table4.toml")
