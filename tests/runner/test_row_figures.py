"""The figures of a scored row: beside the next row as before it, and when a part of them fails."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from bench._io.child_processes import ProcessBeside
from bench.config import Config
from bench.errors import BenchError
from bench.evaluation import draws, row_evaluation
from bench.reports import evaluation_plots
from bench.reports.row_runs import select_row_runs
from bench.reports.terminal_table import describe_progress
from bench.runner import figure_queue
from bench.runner.row_figures import FigureTask, RowFigures, compute_figures, compute_pickled
from bench.runner.row_status import row_statuses
from bench.tracking.run_workers import LEASE
from bench.tracking.store import Store
from tests.runner.stages import Watcher, run_rows

EVALUATION = "asvspoof2019la"


def read_run(config: Config, row: str = "alone"):
    (run,) = Store(config).search_runs("test/stages", {"row": row, "kind": "row"})
    return run


def run_beside(card, config: Config, watcher: Watcher | None = None):
    """Two rows, the figures of the first beside the second one's training."""
    beside = Config(work=config.work, device="cpu", workers=0, evaluate="beside")
    return run_rows(card, beside, ["alone", "again"], watcher or Watcher())


@pytest.mark.rows
@pytest.mark.every_kind
def test_a_process_of_its_own_gives_the_same_figures_byte_for_byte(
    card, config: Config, monkeypatch
):
    def note_figures(task: FigureTask) -> RowFigures:
        computed.append((task, compute_figures(task)))
        return computed[-1][1]

    computed: list[tuple[FigureTask, RowFigures]] = []
    monkeypatch.undo()  # as many replicates, and pictures, as in a process that knows no test
    monkeypatch.setattr(figure_queue, "compute_figures", note_figures)
    (outcome,) = run_rows(card, config, ["alone"], Watcher())
    assert outcome.state == "finished", outcome.message
    ((task, here),) = computed
    files = [*here.pictures[EVALUATION], *task.replicates_folder.iterdir()]
    before = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    process = ProcessBeside()
    process.begin_call(compute_pickled, pickle.dumps(task))
    there = process.take_answer()
    process.end_process()
    assert there.pictures == here.pictures
    assert repr(there) == repr(here)  # some counts are NaN
    assert {path: path.read_bytes() for path in files} == before


@pytest.mark.slow
def test_rows_beside_end_in_order_with_the_figures_of_rows_one_after_the_other(
    card, config: Config, tmp_path, monkeypatch
):
    watcher = Watcher()
    outcomes = run_beside(card, config, watcher)
    assert [(one.job, one.state) for one in outcomes] == [
        ("alone · seed 7", "finished"),
        ("again · seed 7", "finished"),
    ]
    assert "alone · seed 7: trained and scored; its figures are computed meanwhile" in watcher.said
    assert "alone · seed 7: its figures are there" in watcher.said
    run = read_run(config)
    assert run.info.status == "FINISHED"
    assert not [*config.work.rglob("lease*")]
    # The process drew 1,000 replicates, as users have them; in this one tests draw fewer.
    monkeypatch.setattr(row_evaluation, "_REPLICATES", 1000)
    monkeypatch.setattr(draws, "_WEIGHTS", {})
    other = Config(work=tmp_path / "other", device="cpu", workers=0)
    other.work.mkdir()
    (other.work / "mini").symlink_to(config.work / "mini")
    run_rows(card, other, ["alone"], Watcher())
    expected = read_run(other)
    figures = {name for name in expected.data.metrics if name.startswith(EVALUATION)}
    assert len(figures) > 3
    assert {name: run.data.metrics[name] for name in figures} == {
        name: expected.data.metrics[name] for name in figures
    }


@pytest.mark.rows
def test_a_stop_beside_the_next_row_leaves_the_figures_to_the_next_command(
    card, config: Config, monkeypatch
):
    class Never(ProcessBeside):
        def is_over(self, wait_s: float = 0.0) -> bool:
            return False

    class Seeing(Watcher):
        """Looks at the first row's run, then presses Ctrl-C, while the second one trains."""

        def on_step(self, epoch, step, steps, losses) -> None:
            super().on_step(epoch, step, steps, losses)
            if self.begun[-1].startswith("again") or "two" in self.begun[-1]:
                run = read_run(config)
                seen.append((run.info.status, Path(run.data.tags[LEASE]).is_dir()))
                raise KeyboardInterrupt

    seen: list[tuple[str, bool]] = []
    with monkeypatch.context() as patched:
        patched.setattr(figure_queue, "ProcessBeside", Never)
        with pytest.raises(KeyboardInterrupt):
            run_beside(card, config, Seeing())
    assert seen == [("RUNNING", True)], "others see that somebody is at it"
    assert read_run(config).info.status == "KILLED"
    watcher = Watcher()
    (outcome,) = run_rows(card, config, ["alone"], watcher)
    assert outcome.state == "finished"
    assert watcher.steps == [], "nothing is trained again"
    run = read_run(config)
    assert run.info.status == "FINISHED"
    assert f"{EVALUATION}.eer" in run.data.metrics


@pytest.mark.rows
def test_a_picture_that_fails_leaves_the_row_finished_until_it_can_be_drawn(
    card, config: Config, monkeypatch
):
    def fail(*_: object) -> list[Path]:
        raise ValueError("no ink")

    with monkeypatch.context() as patched:
        patched.setattr(evaluation_plots, "plot_evaluation", fail)
        (outcome,) = run_rows(card, config, ["alone"], Watcher())
    assert (outcome.state, outcome.code) == ("incomplete", "row.failed")
    assert f"pictures of {EVALUATION}: ValueError: no ink (whole traceback: " in outcome.message
    (log,) = config.work.rglob("error.txt")
    assert "in fail" in log.read_text(encoding="utf-8")
    store, run = Store(config), read_run(config)
    assert run.info.status == "FINISHED"
    assert run.data.metrics[f"{EVALUATION}.eer"] >= 0
    assert store.artifact_names(run.info.run_id, "figures") == []
    (status,) = row_statuses(card, "smoke", store.stored_runs(card.key, "smoke"), None)[:1]
    assert status.state == "incomplete"

    with monkeypatch.context() as patched:
        patched.setattr(evaluation_plots, "plot_evaluation", fail)
        (outcome,) = run_rows(card, config, ["alone"], Watcher())
    assert (outcome.state, outcome.code) == ("incomplete", "row.failed")

    watcher = Watcher()
    (outcome,) = run_rows(card, config, ["alone"], watcher)
    assert outcome.state == "already finished"
    assert watcher.steps == []
    run = read_run(config)
    assert "failure" not in run.data.tags
    assert f"figures/{EVALUATION}/det.png" in store.artifact_names(run.info.run_id, "figures")


@pytest.mark.rows
def test_results_that_fail_are_missing_in_reports_until_they_are_there(
    card, config: Config, monkeypatch
):
    def fail(*_: object) -> dict[str, object]:
        raise BenchError("scores.other-utterances", "it has other utterances")

    with monkeypatch.context() as patched:
        patched.setattr(row_evaluation, "evaluate_row", fail)
        (outcome,) = run_rows(card, config, ["alone"], Watcher())
    assert (outcome.state, outcome.code) == ("incomplete", "scores.other-utterances")

    def progress() -> str:
        stored = Store(config).stored_runs(card.key, "smoke")
        signatures = [run.signature for run in stored]
        return describe_progress(select_row_runs(card, "alone", signatures, stored, "smoke"))

    assert progress() == "seed 7: incomplete"
    (outcome,) = run_rows(card, config, ["alone"], Watcher())
    assert outcome.state == "already finished"
    assert progress() == "finished, seed 7"
