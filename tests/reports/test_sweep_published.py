"""What BreathNet's text says of its Figures 4 and 5 stands on the sweeps' cards, is the text's, and
stands beside ours in reports and figures.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest

from bench.cards import sweep_cards, table_cards
from bench.errors import BenchError
from bench.reports import plots
from bench.reports import sweep_report as reporting
from bench.reports.evaluation_names import name_evaluations
from bench.reports.setting_curves import read_sweep_curve
from bench.reports.sweep_published import add_averages, list_published_lines

from .drawing import drawn

SETS = {
    "19LA": "asvspoof2019la.eer",
    "21LA": "asvspoof2021la.eer",
    "21DF": "asvspoof2021df.eer",
    "ITW": "inthewild.eer",
}
PARAGRAPHS = {
    "lambda": (r"**Feature Loss.**", r"\lambda = {value:g}"),
    "alpha": (r"**Center Loss.**", r"\alpha = {value:g}"),
    "beta": (r"**Contrast Loss.**", r"\beta = {value:g}"),
    "noise": ("First, we vary", "{value:g}"),
    "delta": ("Second, we investigate", "{value:.2f}"),
}
"""How the paragraph of each sweep begins in section IV.D.1, and how it writes a value."""
DEFAULT = {"19LA": 0.23, "21LA": 1.15, "21DF": 1.87, "ITW": 4.70, "Avg.": 1.99}


@pytest.fixture(scope="module")
def section(shared) -> str:
    text = (shared / "papers" / "breathnet.txt").read_text(encoding="utf-8")
    return text.split("D. Ablation Study", 1)[1].split("2) *Back-end", 1)[0]


def paragraph(section: str, name: str) -> str:
    """The text that speaks of one sweep: from its first words to the next one's."""
    begins = PARAGRAPHS[name][0].replace("**", "")
    after = section[section.rindex(begins) :]
    ends = [*(of.replace("**", "") for of, _ in PARAGRAPHS.values()), "PSCL. We"]
    stops = [at for of in ends if of != begins and (at := after.find(of)) > 0]
    return after[: min(stops, default=len(after))]


def test_every_point_stands_in_the_papers_text(section, subtests):
    for name in PARAGRAPHS:
        with subtests.test(name=name):
            card = sweep_cards.read_sweep(f"breathnet-{name}")
            text = paragraph(section, name)
            assert card.published
            for line in card.published:
                if line.figure is not None:
                    assert f"{line.figure:.2f}%" in text, line
                if line.value is not None:
                    assert PARAGRAPHS[name][1].format(value=line.value) in text, line
                if line.metric != "average.eer":
                    assert (
                        next(key for key, metric in SETS.items() if metric == line.metric) in text
                    )
                else:
                    assert "average" in text


def test_every_figure_of_the_text_is_a_point(section, subtests):
    """But for the bounds that hold for several values."""
    for name in PARAGRAPHS:
        with subtests.test(name=name):
            printed = {
                float(figure) for figure in re.findall(r"(\d+\.\d+)%", paragraph(section, name))
            }
            card = sweep_cards.read_sweep(f"breathnet-{name}")
            assert printed == {line.figure for line in card.published if line.figure is not None}


def test_the_rows_own_value_has_its_tables_figures():
    said = sweep_cards.published_points(sweep_cards.read_sweep("breathnet-lambda"))
    own = {(line.metric, line.figure, line.best) for line in said if line.value == 0.5}
    assert own == {
        ("asvspoof2019la.eer", 0.23, False),
        ("asvspoof2021la.eer", 1.15, False),
        ("asvspoof2021df.eer", 1.87, False),
        ("inthewild.eer", 4.70, True),
        ("average.eer", 1.99, True),
    }
    assert sweep_cards.published_points(sweep_cards.read_sweep("sal-lambda")) == []


def made(name: str = "breathnet-lambda", **changed: str):
    """A kept study of three points of λ, its EERs made up."""
    card = sweep_cards.read_sweep(name)
    (key,) = card.space
    trials = pd.DataFrame(
        {
            "form": "paper",
            "trial": ["0", "1", "2"],
            "state": "finished",
            "objective": ["0.10", "0.20", "0.30"],
            "resolution": "0.02",
            "epochs": "9",
            "attempt": "1",
            "reason": "",
            "signature": "a",
            "training_signature": "b",
            "hours": "1",
            key: ["0.5", "0.8", "1.0"],
            "asvspoof2019la.eer": ["0.25", "0.21", "0.21"],
            "asvspoof2021la.eer": ["1.00", "0.90", "1.10"],
            "asvspoof2021df.eer": ["2.00", "2.10", "1.80"],
            "inthewild.eer": ["6.00", "5.00", ""],
            **changed,
        }
    )
    return card, trials


def test_ours_stands_beside_the_paper_and_agreement_is_said():
    card, trials = made()
    found = {
        (line.test, line.value): line
        for line in list_published_lines(card, add_averages(card, trials))
    }
    assert found["19LA", "1"][2:] == ("0.19, best", "0.21", "0.21 at 0.8, 1", "yes, with 1 more")
    assert found["21LA", "0.8"][2:] == ("0.88, best", "0.90", "0.90 at 0.8", "yes")
    assert found["ITW", "0.5"][2:] == ("4.70, best", "6.00", "5.00 at 0.8", "no")
    assert found["21DF", "1"][2:] == ("1.72", "1.80", "1.80 at 1", "")
    # The mean of all four; the last trial lacks one.
    assert found["Avg.", "0.5"][2:] == ("1.99, best", "2.31", "2.05 at 0.8", "no")
    alphas, none = sweep_cards.read_sweep("breathnet-alpha"), pd.DataFrame()
    assert {line.ours for line in list_published_lines(alphas, none)} == {"–"}
    assert {line.agrees for line in list_published_lines(alphas, none)} == {""}


def test_the_report_has_the_average_that_the_paper_chooses_by():
    card, trials = made()
    text = reporting.build_sweep_report(card, trials, {}, 0).markdown
    assert "| Avg. EER (%) |" in text
    assert "| 2.31 |" in text
    assert "2 are best, or equal to the best" in text
    assert (
        "The paper chooses by the average over 19LA, 21LA, 21DF, ITW, which is lowest (2.05) at "
        "`system.refinement.weight = 0.8`."
    ) in text
    assert (
        "average.eer"
        in reporting.build_sweep_report(card, trials, {}, 0).text_files[f"sweep-{card.key}.csv"]
    )


def test_the_papers_points_are_drawn_beside_ours():
    card, trials = made()
    curve = read_sweep_curve(card, trials, sweep_cards.base_run(card))
    assert set(curve.points["evaluation"]) == set(SETS)
    assert curve.paper is not None
    points = {(v, name): eer for v, name, eer in curve.paper.itertuples(index=False)}
    assert {name: points[0.5, name] for name in SETS} == {name: DEFAULT[name] for name in SETS}
    assert points[0.5, "average"] == 1.99
    assert points[1.0, "19LA"] == 0.19
    figure = drawn(plots.draw_curves, [curve], "t")
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert sorted(lines["19LA, paper"].get_ydata()) == [0.19, 0.23]
    assert lines["19LA, paper"].get_markerfacecolor() == "none"
    assert lines["19LA, paper"].get_markeredgecolor() == lines["19LA"].get_color()
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert low < 0.19 < 6.0 < high


def test_evaluations_are_called_as_the_paper_does():
    run = sweep_cards.base_run(sweep_cards.read_sweep("breathnet-lambda"))
    assert list(name_evaluations(run).values()) == ["19LA", "21LA", "21DF", "ITW"]
    s0 = table_cards.resolve_row(table_cards.read_table("table4"), "S0")
    assert list(name_evaluations(s0).values()) == ["PS", "LPS"]
    twice = s0.model_copy(update={"evaluate": {"a": s0.evaluate["partialspoof"], "b": s0.dev}})
    assert list(name_evaluations(twice).values()) == ["PS eval", "PS dev"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{ value = 0.5, metric = "inthwild.eer", figure = 4.7 }', "did you mean 'inthewild.eer'"),
        ('{ value = 0.55, metric = "inthewild.eer", figure = 4.7 }', "the sweep has no such value"),
        ('{ metric = "inthewild.eer", best = true }', "figure: is missing"),
    ],
)
def test_a_published_line_that_cannot_be_is_a_mistake(tmp_path, line, message):
    path = tmp_path / "made.toml"
    path.write_text(
        f'title = "t"\nfrom = "breathnet/table7:Default"\nsampler.kind = "grid"\n'
        f'evaluate = "as-row"\npublished = [{line}]\n[space]\n'
        'system.refinement.weight = { kind = "float", low = 0.5, high = 1.0, step = 0.1 }\n',
        encoding="utf-8",
    )
    with pytest.raises(BenchError, match=message):
        sweep_cards.parse_sweep("made", path)
