"""What is left of an order, and its weights, disk and hours, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from bench._io import disk
from bench.cards import table_cards
from bench.cli import dry_run as dry_run_verb
from bench.cli.dry_run import dry_run
from bench.cli.run import run as run_verb
from bench.config import Config, Form
from bench.errors import RowFailed
from bench.runner import costs, local, measured_speed, past_hours
from bench.runner.named_device import device_name
from bench.runner.network_sizes import count_weights, weight_sizes
from bench.runner.request import RunRequest
from bench.specs.corpus import DownloadSize
from bench.specs.run import EarlierTraining, Run
from bench.tracking.shared_runs import TRAINED_IN
from bench.training import file_names
from tests.runner.counted_sizes import list_networks, read_counted
from tests.runner.stages import CARD
from tests.training.runs import run_to_end


def resolved(table: str, row: str, *overrides: str, form: Form = "paper") -> Run:
    return table_cards.resolve_row(table_cards.read_table(table), row, form, overrides)


def ended(config: Config, run: Run) -> Path:
    """Make the folder of a training that has ended."""
    place = config.work / "runs" / f"{run.training_signature}-aa-bb" / "seed-7"
    place.mkdir(parents=True)
    (place / file_names.SELECTION).write_text("{}")
    (place / file_names.BEST_CHECKPOINT).write_bytes(b"x" * 1000)
    return place


class TestLeft:
    def test_a_shared_stage_counts_once(self, card, config: Config):
        order = RunRequest(card, ["alone", "two", "again"], None, "smoke")
        found = costs.remaining_trainings(order, config)
        assert len(found) == 4
        assert sum(not training.runs[0].evaluate for training in found) == 1

    def test_rows_that_differ_in_what_they_are_evaluated_on_train_once(self, card, config: Config):
        one = RunRequest(card, ["alone"], 2, "smoke")
        assert len(costs.remaining_trainings(one, config)) == 2
        content = CARD + '\n[rows.dev]\nfrom = "alone"\ncells = ["on dev"]\n'
        content += 'evaluate.asvspoof2019la.split = "dev"\n'
        path = config.work / "both.toml"
        path.write_text(content, encoding="utf-8")
        both = RunRequest(
            table_cards.parse_table("test/both", path), ["alone", "dev"], None, "smoke"
        )
        (training,) = costs.remaining_trainings(both, config)
        assert len(training.runs) == 2

    def test_what_is_finished_is_not_left(self, card, config: Config, monkeypatch):
        order = RunRequest(card, ["alone", "two"], None, "smoke")
        done = {order.resolve_runs()["two"].signature: {7}}
        monkeypatch.setattr(costs, "finished_seeds", lambda *_: done)
        (training,) = costs.remaining_trainings(order, config)
        assert training.runs[0] == order.resolve_runs()["alone"]
        assert len(costs.remaining_trainings(order, config, again=True)) == 3

    def test_what_has_ended_is_only_to_be_evaluated(self, card, config: Config):
        order = RunRequest(card, ["two"], None, "smoke")
        run = order.resolve_runs()["two"]
        assert isinstance(run.start, EarlierTraining)
        ended(config, run.start.stage)
        assert [training.is_trained for training in costs.remaining_trainings(order, config)] == [
            False
        ]
        ended(config, run)
        (training,) = costs.remaining_trainings(order, config)
        assert training.is_trained
        assert training.taken_bytes == 1000
        of_weights = weight_sizes(training.runs[0]).all_bytes
        assert costs.needed_space([training]).meanwhile == of_weights


def test_weights_and_states_take_what_the_files_take(config: Config, tmp_path):
    short = ("training.epochs=1", "training.batch_size=4", "train.clip_s=1.28")
    run = resolved("table4", "S0", *short, form="smoke")
    place = tmp_path / "row"
    run_to_end(run, config, place)
    weights = weight_sizes(run)
    kept, last = ((place / name).stat().st_size for name in ("kept.pt", "last.pt"))
    overhead = 0.1 * weights.all_bytes  # of names and progress
    assert 0 <= kept - weights.all_bytes < overhead
    assert 0 <= last - (weights.all_bytes + 2 * weights.trained_bytes) < overhead


def test_sizes_of_the_tables_networks_are_known_beforehand():
    """`python -m tests.runner.counted_sizes` writes them anew."""
    assert read_counted().keys() == list_networks().keys()


def test_sizes_that_are_known_beforehand_are_those_of_the_networks(subtests):
    chosen = [(key, run) for key, run in list_networks().items() if run.form == "smoke"][::12]
    for key, run in chosen:
        with subtests.test(system=run.system.kind):
            assert read_counted()[key] == [*count_weights(run)]


@pytest.mark.slow
def test_all_sizes_that_are_known_beforehand_are_those_of_the_networks(subtests):
    for key, run in list_networks().items():
        with subtests.test(system=run.system.kind, form=run.form):
            assert read_counted()[key] == [*count_weights(run)]


@pytest.mark.parametrize(
    ("table", "row", "trained"),
    [("table4", "S0", (0.9, 1.0)), ("mfpt/asvspoof5", "MFPT", (0.0, 0.5))],
)
def test_published_dimensions_are_known_without_weights(table, row, trained):
    weights = weight_sizes(resolved(table, row))
    assert weights.all_bytes > 1.2e9
    low, high = trained
    assert low < weights.trained_bytes / weights.all_bytes < high


def test_averaged_rows_need_more_room(card, config: Config):
    (training,) = costs.remaining_trainings(RunRequest(card, ["alone"], None, "smoke"), config)
    here = costs.needed_space([training])
    assert here.stays == weight_sizes(training.runs[0]).all_bytes
    mean = 'training.keep={kind="average-last", checkpoints=3}'
    (averaged,) = costs.remaining_trainings(
        RunRequest(card, ["alone"], None, "smoke", [mean]), config
    )
    weights = weight_sizes(training.runs[0])
    assert costs.needed_space([averaged]).meanwhile == here.meanwhile + 3 * weights.all_bytes
    assert costs.needed_space([training, training]).meanwhile == here.meanwhile


def test_clips_are_those_of_the_corpus_here_or_of_its_card(card, config: Config, tmp_path):
    run = resolved("table4", "S0")
    assert costs.count_clips(run, Config(work=tmp_path)) == 25_380 * run.training.epochs
    small = RunRequest(card, ["alone"], None, "smoke").resolve_runs()["alone"]
    assert costs.count_clips(small, config) == 12 * small.training.epochs
    assert costs.count_clips(small, Config(work=tmp_path / "none")) is None


def test_too_small_a_disk_is_refused_before_training(config: Config, monkeypatch, tmp_path):
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1000)
    monkeypatch.setattr(local, "run_jobs", lambda *_: pytest.fail("it was trained"))
    monkeypatch.setenv("BENCH_WORK", str(tmp_path))
    monkeypatch.setenv("BENCH_DEVICE", "cpu")
    asked = ["table4", "--smoke", "--rows", "S0"]
    done = CliRunner().invoke(run_verb, asked)
    assert isinstance(done.exception, RowFailed)
    said = str(done.exception)
    assert "are needed and 1.0 kB are free" in said
    assert "bench prune" in said
    assert "`work` in bench.toml" in said
    done = CliRunner().invoke(run_verb, [*asked, "--dry-run"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "NOT ENOUGH" in done.output
    assert "left to do: 1 training of 1 run" in done.output


@pytest.mark.rows
def test_hours_are_said_only_once_they_were_measured(card, config: Config, capsys):
    order = RunRequest(card, ["two"], None, "smoke")
    dry_run(order, config, again=False, measure=False)
    assert "time: not measured on cpu" in capsys.readouterr().out
    dry_run(order, config, again=False, measure=True)
    said = capsys.readouterr().out
    assert said.count("clips/s trained") == 2, "of the row and of its stage"
    dry_run(order, config, again=False, measure=False)
    said = capsys.readouterr().out
    assert "time: at most " in said
    assert ", measured 20" in said
    assert not [*config.work.glob("runs")], "nothing was trained"
    device = device_name(config)
    run = order.resolve_runs()["two"]
    known = measured_speed.read_speed(run, device, config.work)
    assert known is not None
    assert measured_speed.read_speed(run, "another device", config.work) is None
    training = costs.PlannedTraining((run,), 7, False, 0)
    by_hand = 12 / known.train + 6 / known.dev + 6 / known.evaluate["asvspoof2019la"]
    found = measured_speed.estimate_hours(training, {run.signature: known}, config)
    assert found is not None
    assert found * 3600 == pytest.approx(by_hand)
    assert measured_speed.estimate_hours(training, {}, config) is None
    (config.work / measured_speed.FILE).write_text("torn")
    assert measured_speed.read_speed(run, device, config.work) is None


def test_sizes_of_downloads_in_words(subtests):
    cases = [
        (DownloadSize(12_791_859_200, True, 2), "13 GB and 2 files of unknown size"),
        (DownloadSize(7_100_000_000, False, 0), "about 7.1 GB"),
        (DownloadSize(0, True, 1), "1 file of unknown size"),
        (DownloadSize(0, True, 0), "nothing"),
    ]
    for size, said in cases:
        with subtests.test(said=said):
            assert size.in_words == said


def run_of(row: str, hours: float, place: str, *overrides: str, **changes: str) -> SimpleNamespace:
    """A finished run of a row of table 4 as MLflow has it."""
    flat = resolved("table4", row, *overrides).flat_settings()
    tags = {"table": "sal/table4", "row": row, "device": "NVIDIA H200", TRAINED_IN: place}
    tags |= {key: value for key, value in changes.items() if key != "status"}
    data = SimpleNamespace(
        params={key: str(value) for key, value in flat.items()},
        metrics={"hours": hours},
        tags=tags,
    )
    return SimpleNamespace(
        data=data, info=SimpleNamespace(status=changes.get("status", "FINISHED"))
    )


def test_hours_are_those_of_finished_runs_that_cost_the_same(monkeypatch, config: Config):
    runs = [
        run_of("S5", 2.0, "runs/a"),
        run_of("S5", 4.0, "runs/b"),
        run_of("S5", 0.1, "runs/c"),  # two share a training: whose hours it took is not known
        run_of("S5", 0.1, "runs/c"),
        run_of("S5", 0.1, "runs/d", taken_from="another"),
        run_of("S5", 9.0, "runs/e", device="NVIDIA A100"),
        run_of("S5", 0.5, "runs/f", status="FAILED"),
        run_of("S5", 7.0, "runs/g", "training.epochs=3"),
    ]
    monkeypatch.setattr(past_hours, "runs_by_table", lambda *_: {"sal/table4": runs})
    past = past_hours.PastHours(config, "paper", "NVIDIA H200")

    def hours(row: str, *overrides: str, trained: bool = False) -> float | None:
        run = resolved("table4", row, *overrides)
        found = past.training_hours(costs.PlannedTraining((run,), 7, trained, 0))
        return None if found is None else found.hours

    assert hours("S5") == 3.0
    assert hours("S5", "optimiser.learning_rate=0.001") == 3.0
    assert hours("S5", "training.epochs=3") == 7.0
    assert hours("S5", "training.epochs=4") is None
    assert hours("S5", "train.clip_s=2.56") is None
    assert hours("S5", trained=True) is None


def test_hours_of_past_runs_are_said_with_the_runs_that_took_them(
    monkeypatch, config: Config, capsys
):
    monkeypatch.setattr(dry_run_verb, "device_name", lambda _: "NVIDIA H200")
    runs = [run_of("S5", 2.5, "runs/a")]
    monkeypatch.setattr(past_hours, "runs_by_table", lambda *_: {"sal/table4": runs})
    order = RunRequest(
        table_cards.read_table("table4"), ["S5"], 2, "paper", ["optimiser.learning_rate=0.001"]
    )
    dry_run(order, config, again=False, measure=False)
    expected = "time: about 5.0 h on NVIDIA H200, as long as sal/table4 S5 took"
    assert expected in capsys.readouterr().out.splitlines()
    runs.clear()
    dry_run(order, config, again=False, measure=False)
    assert "time: not measured on NVIDIA H200 (--measure)" in capsys.readouterr().out
