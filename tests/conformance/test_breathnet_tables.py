"""BreathNet's tables: every figure as the paper's text has it, in its place; which rows share a
training; and the arithmetic that the cards' notes speak of.
"""

from __future__ import annotations

import re

import pytest

from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.synthetic.asvspoof2021df import ATTACKS as ATTACKS_2021DF
from bench.synthetic.channels import ASVSPOOF2021DF, ASVSPOOF2021LA

ROMAN = dict(
    enumerate(["III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII"], start=3)
)
SETS = ["asvspoof2019la", "asvspoof2021la", "asvspoof2021df", "inthewild"]
FOUR = [*(f"{name}.eer" for name in SETS), "average.eer"]
METRICS = {
    3: ["asvspoof2019la.eer"],
    4: ["asvspoof2021la.eer", "asvspoof2021df.eer", "average.eer"],
    5: ["inthewild.eer"],
    6: ["asvspoof5.cllr", "asvspoof5.min_dcf", "asvspoof5.eer"],
    **dict.fromkeys((7, 8, 9, 12, 13), FOUR),
}
"""The metrics of the tables of rows, in the paper's order."""
ROWS = {3: 11, 4: 17, 5: 9, 6: 4, 7: 7, 8: 19, 9: 6, 12: 4, 13: 3}
SYSTEMS = ["BreathNet", "SLS", "XLSR-Mamba"]
"""In the order of the cells of Tables X and XI."""
CODECS = {
    "LA-C1": "none",
    "LA-C2": "alaw",
    "LA-C3": "pstn",
    "LA-C4": "g722",
    "LA-C5": "ulaw",
    "LA-C6": "gsm",
    "LA-C7": "opus",
    "Pooled": "",
}
COMPRESSIONS = {
    "DF-C1": "nocodec",
    "DF-C2": "low_mp3",
    "DF-C3": "high_mp3",
    "DF-C4": "low_m4a",
    "DF-C5": "high_m4a",
    "DF-C6": "low_ogg",
    "DF-C7": "high_ogg",
    "DF-C8": "mp3m4a",
    "DF-C9": "oggm4a",
    "Pooled": "",
}
VOCODERS = {
    "Traditional Vocoder": "traditional_vocoder",
    "Wav Concatenation": "waveform_concatenation",
    "Neural AR": "neural_vocoder_autoregressive",
    "Neural non-AR": "neural_vocoder_nonautoregressive",
    "Unknown": "unknown",
    "Pooled": "",
}


def card(number: int):
    return table_cards.read_table(f"breathnet/table{number}")


def printed_rows(number: int):
    """The rows that the paper prints: those of a system that was trained twice have no figures."""
    return {name: row for name, row in card(number).rows.items() if row.cells[0] != "†"}


@pytest.fixture(scope="module")
def printed(shared) -> dict[int, list[list[str]]]:
    """The cells of every line of each table, headings included."""
    text = (shared / "papers" / "breathnet.txt").read_text(encoding="utf-8")
    found = {}
    for number, roman in ROMAN.items():
        after = text.split(f"TABLE {roman}\n", 1)[1]
        lines = after.splitlines()
        first = next(i for i, line in enumerate(lines) if "\t" in line)
        body = lines[first : lines.index("", first)]
        found[number] = [[cell.strip() for cell in line.split("\t")] for line in body]
    return found


# --- the figures ----------------------------------------------------------------------------------


def test_a_table_of_rows_has_all_the_papers_figures(printed, subtests):
    for number in METRICS:
        with subtests.test(number=number):
            table, metrics = card(number), METRICS[number]
            assert [column.metric for column in table.columns] == metrics
            lines = [line for line in printed[number] if re.fullmatch(r"\d+\.\d+|–", line[-1])]
            rows = printed_rows(number)
            assert len(lines) == len(rows) == ROWS[number]
            for line, (name, row) in zip(lines, rows.items(), strict=True):
                cells = dict(zip(metrics, line[-len(metrics) :], strict=True))
                assert row.paper == {m: float(cell) for m, cell in cells.items() if cell != "–"}, (
                    name
                )
                labels = [_label(cell) for cell in line[: -len(metrics)]]
                assert _same(labels, row.cells), (labels, row.cells)


def _label(cell: str) -> str:
    return re.sub(r"\$\\mathcal\{L\}_\{\\text\{(\w+)\}\}\$", r"L_\1", cell)


def _same(printed_labels: list[str], ours: tuple[str, ...]) -> bool:
    """Whether labels are the paper's, which calls its system Ours and leaves out what is as in the
    line before.
    """
    if "Ours" in printed_labels:
        return ours[-1] == "BreathNet"
    given = [(label, own) for label, own in zip(printed_labels, ours, strict=True) if label]
    return all(label == own or (label, own) == ("-", "–") for label, own in given)


def test_table_8_gives_every_line_its_model():
    """The text's lines stand at the label above them, where the layout has it in their middle."""
    models = [row.cells[0] for row in card(8).rows.values()]
    counts = {model: models.count(model) for model in models}
    assert counts == {
        "Back-end (layer=1)": 6,
        "Back-end (layer=2)": 4,
        "Back-end (layer=3)": 4,
        "BreathFiLM": 5,
    }
    for layers in (2, 3):
        block = [row for row in card(8).rows.values() if f"={layers})" in row.cells[0]]
        assert [row.cells[1:] for row in block] == [
            ("512-256", p) for p in ["–", "0.1", "0.2", "0.3"]
        ]


@pytest.mark.parametrize(
    ("number", "corpus", "down", "across"),
    [
        (10, "asvspoof2021la", {f"A{n:02}": f"A{n:02}" for n in range(7, 20)}, CODECS),
        (11, "asvspoof2021df", COMPRESSIONS, VOCODERS),
    ],
)
def test_a_matrix_has_all_the_papers_figures(printed, number, corpus, down, across):
    table, down = card(number), {**down, "Pooled": ""}
    (headings, *lines), metrics = printed[number], iter(table.columns)
    assert table.layout == "matrix"
    assert list(table.rows) == SYSTEMS
    assert headings[1:] == list(across)
    assert [line[0] for line in lines] == list(down)
    for label, *cells in lines:
        for heading, cell in zip(across, cells, strict=True):
            column = next(metrics)
            assert (column.group, column.heading) == (label, heading)
            levels = [level for level in (down[label], across[heading]) if level]
            assert column.metric == ".".join([corpus, *levels, "eer"])
            three = [float(figure) for figure in cell.split("/")]
            assert [row.paper[column.metric] for row in table.rows.values()] == three
    assert len(table.columns) == len(down) * len(across)
    assert next(metrics, None) is None


def test_the_levels_of_the_matrices_are_the_corpora_s():
    assert list(CODECS.values())[:-1] == list(ASVSPOOF2021LA)
    assert list(COMPRESSIONS.values())[:-1] == list(ASVSPOOF2021DF)
    assert set(VOCODERS.values()) - {""} == {attack.vocoder for attack in ATTACKS_2021DF.values()}


def test_evaluations_of_the_matrices_are_broken_down_as_their_columns():
    for number, fields in ((10, ("attack", "codec")), (11, ("compression", "vocoder"))):
        run = table_cards.resolve_row(card(number), "BreathNet")
        (data,) = run.evaluate.values()
        assert data.by == (*fields, ",".join(fields))
        order = fields if number == 10 else fields[::-1]
        roles = corpora.read_corpus_card(data.corpus).roles
        assert [roles[field] for field in order] == ["spoof", "channel"]


def test_a_published_row_names_its_system_and_reference():
    for number in (3, 4, 5, 10, 11):
        for row in card(number).rows.values():
            if row.published_only:
                reference = re.search(r"\[\d+\]", row.cells[-1])
                assert reference
                assert reference[0] in row.source


# --- trainings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_one_model_is_evaluated_in_ten_tables(form):
    """Its signature is that of Table IV; only evaluations differ."""
    own = [*((n, "BreathNet") for n in (3, 4, 5, 10, 11)), *((13, r) for r in card(13).rows)]
    default = [(7, "Default"), (8, "L1-512-256"), (8, "film512"), (9, "4s"), (12, "S1")]
    runs = [table_cards.resolve_row(card(number), row, form) for number, row in own + default]
    assert len({run.training_signature for run in runs}) == 1
    assert {name for run in runs for name in run.evaluate} == set(SETS)


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_every_other_row_is_a_training_of_its_own(form):
    found = {
        table_cards.resolve_row(card(number), row, form).training_signature: (number, row)
        for number in ROMAN
        for row in table_cards.runnable_rows(card(number))
        if table_cards.resolve_row(card(number), row, form).system.kind == "breathnet"
    }
    # Table VI; six ablations; 17 structures; five durations; three strategies; the model itself.
    assert len(found) == 1 + 6 + 17 + 5 + 3 + 1


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_the_self_trained_encoder_is_that_of_strategy_1(form):
    table = card(12)
    pretrained = table_cards.resolve_row(table, "S1", form)
    for row in ("S3", "S4"):
        start = table_cards.resolve_row(table, row, form).start
        assert start.kind == "stage"
        assert start.carry == "frontend"
        assert start.stage.training_signature == pretrained.training_signature
    tunings = [table_cards.resolve_row(table, row, form).frontend.tuning.kind for row in table.rows]
    assert tunings == ["full", "frozen", "full", "frozen"]


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_table_13_differs_in_the_masks_of_its_evaluations_alone(form):
    runs = {row: table_cards.resolve_row(card(13), row, form) for row in card(13).rows}
    masks = {row: {data.breath.kind for data in run.evaluate.values()} for row, run in runs.items()}
    detected = "respiro" if form == "paper" else "dsp"
    assert masks == {"normal": {detected}, "zeros": {"zeros"}, "ones": {"ones"}}
    flat = [
        {key: value for key, value in run.flat_settings().items() if ".breath." not in key}
        for run in runs.values()
    ]
    assert flat[0] == flat[1] == flat[2]


def test_table_9_trains_and_evaluates_at_its_lengths():
    for row, spec in card(9).rows.items():
        run = table_cards.resolve_row(card(9), row)
        seconds = 4.0375 if row == "4s" else float(spec.cells[0])
        assert {data.clip_s for data in run.data.values()} == {seconds}
        small = table_cards.resolve_row(card(9), row, "smoke")
        assert {data.clip_s for data in small.data.values()} == {float(spec.cells[0]) / 2}


def test_rows_of_other_systems_are_trainings_of_their_own_tables():
    """Where a system was trained once for LA and once for DF, a row of each stands below it."""
    borrowed = {
        (number, name): row.parent.partition("/")[0]
        for number in ROMAN
        for name, row in card(number).rows.items()
        if row.parent and ":" in row.parent and not row.parent.startswith("breathnet/")
    }
    assert set(borrowed.values()) == {
        *("attm-lstm", "nes2net", "sls", "ssl-aasist", "tcm", "xlsr-mamba"),
    }
    for (number, name), paper in borrowed.items():
        run = table_cards.resolve_row(card(number), name)
        assert run.system.kind == "composed"
        key, _, row = card(number).rows[name].parent.partition(":")
        own = table_cards.resolve_row(table_cards.read_table(key), row)
        assert own.training_signature == run.training_signature
        assert table_cards.find_origin(card(number), name)[0].key.partition("/")[0] == paper
    twice = {name.rpartition("-")[0] for name in card(4).rows if name.endswith(("-LA", "-DF"))}
    assert twice == {name for name, row in card(4).rows.items() if row.cells[-1].endswith("†")}


# --- what the notes say ---------------------------------------------------------------------------


def test_two_averages_are_not_those_of_their_rows():
    """By more than rounding explains: half a hundredth for the average, as much for its parts."""
    wrong = {}
    for number in (4, 7, 8, 9, 12, 13):
        for name, row in card(number).rows.items():
            *parts, average = (row.paper.get(metric) for metric in METRICS[number])
            if average is not None and abs(average - sum(parts) / len(parts)) > 0.01 + 1e-9:
                wrong[number, name] = round(sum(parts) / len(parts), 4)
    assert wrong == {(7, "no-film"): 2.4275, (8, "L1-128-256"): 3.5175}


def test_tables_4_10_and_11_agree_but_for_xlsr_mamba_on_la():
    """And with Table X's figure Table IV's claim does not hold."""
    four, ten, eleven = (card(n).rows for n in (4, 10, 11))
    la, df = "asvspoof2021la.eer", "asvspoof2021df.eer"
    assert [four[s].paper[df] for s in SYSTEMS] == [eleven[s].paper[df] for s in SYSTEMS]
    assert [four[s].paper[la] for s in SYSTEMS] == [1.15, 2.87, 1.68]
    assert [ten[s].paper[la] for s in SYSTEMS] == [1.15, 2.87, 0.93]
    mamba = (ten["XLSR-Mamba"].paper[la] + eleven["XLSR-Mamba"].paper[df]) / 2
    assert mamba == pytest.approx(1.405)
    assert mamba < four["BreathNet"].paper["average.eer"]


def test_pooled_figures_of_the_matrices_lie_among_those_they_pool():
    """Where spoofed trials are pooled over attacks or vocoders; bona fide ones are the same."""
    for number in (10, 11):
        for name, row in card(number).rows.items():
            within: dict[str, list[float]] = {}
            pooled: dict[str, float] = {}
            for column in card(number).columns:
                attack, channel = column.group, column.heading
                if number == 11:
                    attack, channel = channel, attack
                if attack == "Pooled":
                    pooled[channel] = row.paper[column.metric]
                else:
                    within.setdefault(channel, []).append(row.paper[column.metric])
            for channel, figures in within.items():
                assert min(figures) <= pooled[channel] <= max(figures), (number, name, channel)


def test_the_notes_on_tables_10_and_11_hold():
    def pooled(number: int, label: str) -> list[float]:
        table = card(number)
        (metric,) = (c.metric for c in table.columns if (c.group, c.heading) == (label, "Pooled"))
        return [row.paper[metric] for row in table.rows.values()]

    attacks = {f"A{n:02}": pooled(10, f"A{n:02}") for n in range(7, 20)}
    assert [name for name, three in attacks.items() if three[0] == min(three)] == ["A19"]
    ours = sorted(attacks, key=lambda name: attacks[name][0])
    assert ours[-2:] == ["A19", "A18"]
    assert pooled(11, "DF-C4") == [1.74, 1.74, 1.92]
    assert pooled(11, "DF-C6") == [1.61, 1.88, 1.61]
    assert pooled(11, "DF-C9") == [1.87, 2.04, 1.79]


def test_the_notes_on_the_ablation_hold():
    rows = {name: row.paper for name, row in card(7).rows.items()}
    default = rows.pop("Default")
    mean = {name: sum(paper[m] for m in FOUR[:4]) / 4 for name, paper in rows.items()}
    own = sum(default[m] for m in FOUR[:4]) / 4
    assert mean["no-film"] - own == pytest.approx(0.44)
    assert mean["no-contrast"] - own == pytest.approx(1.27, abs=0.005)
    assert mean["no-feature-loss"] - own == pytest.approx(0.61, abs=0.005)
    lower = [n for n, paper in rows.items() if paper[FOUR[1]] < default[FOUR[1]]]
    assert len(lower) == 4


def test_the_notes_on_tables_3_to_5_hold():
    third = [row.paper["asvspoof2019la.eer"] for row in card(3).rows.values()]
    assert sorted(figure for figure in third if figure < 0.23) == [0.15, 0.15, 0.17, 0.20]
    assert third.count(0.23) == 2
    fourth = [row.paper for row in printed_rows(4).values()]
    la = [p["asvspoof2021la.eer"] for p in fourth if "asvspoof2021la.eer" in p]
    assert sorted(figure for figure in la if figure < 1.15) == [0.82, 0.90, 1.03]
    assert [f for p in fourth if (f := p["asvspoof2021df.eer"]) < 1.87] == [1.49]
    assert round(100 * (5.52 - 4.70) / 5.52, 1) == 14.9
    assert round(100 * (5.15 - 4.70) / 5.15, 1) == 8.7
