"""Every row of every table, end to end on miniatures: trained, scored, tracked, reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import cards, reporting
from bench.cli.display import Display
from bench.config import Config
from bench.corpora.mini import write
from bench.launchers import local
from bench.launchers.order import Order
from bench.metrics import scores as score_file
from bench.tracking.store import Store

SYSTEMS = {
    cards.resolve(cards.table(key), row).system.kind: (key, row)
    for key in reversed(cards.table_keys())
    for row in cards.runnable(cards.table(key))
}
"""One row of each system, to run wherever tests are."""


def run_rows(
    key: str, rows: Sequence[str], config: Config, overrides: Sequence[str] = ()
) -> reporting.Report:
    card = cards.table(key)
    store = Store(config)
    order = Order(card, rows, 1, "smoke", overrides)
    with Display(key, order.count()) as display:
        outcomes = list(local.run(order, config, store, display))
    assert {outcome.state for outcome in outcomes} == {"finished"}, outcomes
    runs = {row: cards.resolve(card, row, "smoke", overrides) for row in rows}
    paper = cards.paper(key.partition("/")[0])
    return reporting.report(
        card, paper, runs, store.frame(key, "smoke"), store.scored(key, "smoke"), "smoke"
    )


@pytest.mark.parametrize(("key", "row"), SYSTEMS.values(), ids=SYSTEMS)
def test_a_row_of_each_system_runs_from_card_to_report(key, row, miniatures: Path, tmp_path: Path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    config = Config(work=tmp_path, device="cpu", workers=0)
    report = run_rows(key, [row], config, ["training.epochs=1"])
    assert "1 of 1 seed" in report.markdown


@pytest.mark.slow
@pytest.mark.parametrize("key", cards.table_keys())
def test_every_row_runs_from_card_to_report(key, miniatures: Path, tmp_path: Path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    report = run_rows(key, cards.runnable(cards.table(key)), Config(work=tmp_path, device="cpu"))
    assert "Nothing: every row has a finished run" in report.markdown


@pytest.mark.slow
def test_the_demonstrations_rows_beat_chance(tmp_path: Path):
    """On the built-in voice, seven of the nine rows have an interval below 50 % frame EER."""
    config = Config(work=tmp_path, device="cpu")
    write(config.mini)
    run_rows("sal/table4", cards.runnable(cards.table("sal/table4")), config)
    files = sorted((tmp_path / "runs").rglob("partialspoof-*.parquet"))
    assert len(files) == 9
    beaten = [path for path in files if score_file.figures(path)["eer"].high < 0.5]
    assert len(beaten) >= 7
