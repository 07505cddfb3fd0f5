"""Every row of every table, end to end on miniatures: trained, scored, tracked, reported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.cli.display import Display
from bench.config import Config
from bench.evaluation.row_evaluation import evaluate_file
from bench.reports.document import Report, build_report
from bench.runner import local
from bench.runner.request import RunRequest
from bench.specs.run import EarlierTraining
from bench.synthetic import write_miniatures
from bench.tracking.store import Store

SYSTEMS = {
    table_cards.resolve_row(table_cards.read_table(key), row).system.kind: (key, row)
    for key in reversed(table_cards.table_keys())
    if key.partition("/")[0] not in ("cross", "further")
    for row in table_cards.runnable_rows(table_cards.read_table(key))
}
"""One row of each system, to run wherever tests are."""


LA_DF_ITW = ("asvspoof2021la", "asvspoof2021df", "inthewild")
"""What most systems that are trained on ASVspoof 2019 LA are evaluated on."""


def run_rows(
    key: str, rows: Sequence[str], config: Config, overrides: Sequence[str] = ()
) -> Report:
    card = table_cards.read_table(key)
    store = Store(config)
    order = RunRequest(card, rows, 1, "smoke", overrides)
    with Display(key, order.count_jobs()) as display:
        outcomes = list(local.run_jobs(order, config, store, display))
    assert {outcome.state for outcome in outcomes} == {"finished"}, outcomes
    runs = {row: table_cards.resolve_row(card, row, "smoke", overrides) for row in rows}
    paper = table_cards.read_paper(key.partition("/")[0])
    return build_report(
        card,
        paper,
        runs,
        store.stored_runs(key, "smoke"),
        store.scored_records(key, "smoke"),
        "smoke",
    )


@pytest.mark.rows
@pytest.mark.parametrize(("key", "row"), SYSTEMS.values(), ids=SYSTEMS)
def test_a_row_of_each_system_runs_from_card_to_report(key, row, miniatures: Path, tmp_path: Path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    config = Config(work=tmp_path, device="cpu", workers=0)
    run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
    staged = isinstance(run.start, EarlierTraining)
    overrides = ["training.epochs=1", *["start.stage.training.epochs=1"] * staged]
    report = run_rows(key, [row], config, overrides)
    assert "1 of 1 seed" in report.markdown


@pytest.mark.slow
@pytest.mark.parametrize("key", table_cards.table_keys())
def test_every_row_runs_from_card_to_report(key, miniatures: Path, tmp_path: Path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    report = run_rows(
        key,
        table_cards.runnable_rows(table_cards.read_table(key)),
        Config(work=tmp_path, device="cpu"),
    )
    assert "Nothing: every row has a finished run" in report.markdown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "rows", "sets", "least"),
    [
        ("sal/table4", (), ("partialspoof",), 7),
        ("tca/table2", (), ("asvspoof2019la",), 3),
        ("breathnet/table4", (), ("asvspoof2021la",), 3),
        ("mfpt/asvspoof5", (), ("asvspoof5",), 3),
        ("sls/asvspoof2021", ("SLS",), LA_DF_ITW, 1),
        ("ssl-aasist/asvspoof2021", ("LA",), LA_DF_ITW, 1),
        ("ssl-aasist/asvspoof2021", ("DF",), LA_DF_ITW, 1),
        ("nes2net/asvspoof2021", ("best",), LA_DF_ITW, 1),
        ("tcm/asvspoof2021", ("LA",), LA_DF_ITW, 1),
        ("xlsr-mamba/asvspoof2021", ("LA",), LA_DF_ITW, 1),
        ("attm-lstm/asvspoof2019", ("AttM-LSTM",), ("asvspoof2019la", *LA_DF_ITW), 1),
        ("antideepfake/linear", ("XLS-R-linear",), ("asvspoof2019la", *LA_DF_ITW), 1),
        ("bam/partialspoof", ("BAM-WavLM",), ("partialspoof",), 1),
        ("multi-reso/partialspoof", ("Multi-reso",), ("ps20ms", "partialspoof"), 1),
        ("cfprf/partialspoof", ("FDN",), ("partialspoof",), 1),
    ],
)
def test_smoke_rows_beat_chance(
    key: str, rows: Sequence[str], sets: Sequence[str], least: int, tmp_path: Path
):
    """On the built-in voice, at least so many rows have an interval below 50 % EER on a set."""
    config = Config(work=tmp_path, device="cpu")
    table = table_cards.read_table(key)
    rows = rows or table_cards.runnable_rows(table)
    runs = [table_cards.resolve_row(table, row, "smoke") for row in rows]
    stages = [stage for run in runs for stage in (run, run.earlier) if stage]
    corpora = {data.corpus for stage in stages for data in stage.data.values()}
    write_miniatures(config.mini_root, only=sorted(corpora))
    run_rows(key, rows, config)
    folders = [path for path in (tmp_path / "runs").rglob("scores") if [*path.iterdir()]]
    assert len(folders) == len(rows)
    files = [[path for name in sets for path in of.glob(f"{name}-*.parquet")] for of in folders]
    assert all(files)
    beaten = [of for of in files if any(evaluate_file(path)["eer"].high < 0.5 for path in of)]
    assert len(beaten) >= least


@pytest.mark.slow
def test_the_smoke_row_of_mhfa_learns_what_it_is_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Its miniature is too small to tell other utterances that are partly spoof."""
    config = Config(work=tmp_path, device="cpu")
    write_miniatures(config.mini_root, only=["partialspoof"])
    run_rows("mhfa/partialspoof", ["XLSR53-tuned"], config)
    losses = [
        float(loss) for loss in re.findall(r"epoch \d+/16 loss (\S+)", capsys.readouterr().err)
    ]
    assert len(losses) == 16
    assert losses[-1] < losses[0] / 3
