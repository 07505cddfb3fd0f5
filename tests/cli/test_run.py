"""`bench run` from outside: tracked, resumed after kill -9, failing rows, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.jobs import leases
from bench.runner import local
from bench.runner.request import RunRequest
from bench.tracking.store import Store
from bench.training import engine
from bench.training.row import training_path
from tests.jobs.holding import refuse_busy
from tests.tracked_frames import table_frame


def frame(work: Path):
    return table_frame(Store(Config(work=work)), "sal/table4", "smoke")


def until(condition, process: subprocess.Popen[str], what: str, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{what}: not seen in {seconds} s"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_row_goes_on_in_its_run_and_ends_as_an_uninterrupted_one(
    bench, command, start, environment, tiny, tmp_path
):
    order = ["run", "table4", "--smoke", "--rows", "S8", *tiny]
    work = tmp_path / "work"
    process = start(*order)
    until(lambda: list(work.glob("runs/*/*/last.pt")), process, "the first checkpoint")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    torn = frame(work)
    assert torn["status"].tolist() == ["RUNNING"]

    again = bench(*order)
    assert again.returncode == 0, again.stderr
    found = frame(work)
    assert found["run_id"].tolist() == torn["run_id"].tolist()
    assert found["status"].tolist() == ["FINISHED"]

    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "mini").symlink_to(work / "mini")
    straight = subprocess.run(
        [*command, *order], env=environment | {"BENCH_WORK": str(whole)}, cwd=tmp_path, check=True
    )
    assert straight.returncode == 0
    expected = frame(whole)
    figures = [name for name in expected.columns if name.startswith(("partial", "llama"))]
    assert figures
    assert found[figures].to_dict("records") == expected[figures].to_dict("records")

    third = bench(*order, "--json")
    assert third.returncode == 0
    (ended,) = json.loads(third.stdout)["runs"]
    assert (ended["table"], ended["row"], ended["seed"]) == ("sal/table4", "S8", 666)
    assert "already finished" in third.stderr
    assert frame(work)["run_id"].tolist() == torn["run_id"].tolist()


@pytest.mark.rows
def test_ctrl_c_stops_cleanly_and_is_resumable(start, tiny, tmp_path):
    order = ["run", "table4", "--smoke", "--rows", "S0", *tiny, "--set", "training.epochs=500"]
    work = tmp_path / "work"
    Store(Config(work=work))  # a new process takes seconds to make one
    process = start(*order)
    until(lambda: list(work.glob("runs/*/*/last.pt")), process, "the first checkpoint")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from the last finished epoch" in said
    assert "Traceback" not in said
    assert frame(work)["status"].tolist() == ["KILLED"]


@pytest.mark.rows
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGUSR1, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_of_the_cluster_stops_with_75_and_the_row_goes_on_in_its_run(
    bench, start, tiny, tmp_path, number
):
    order = ["run", "table4", "--smoke", "--rows", "S0", *tiny, "--set", "training.epochs=20"]
    work = tmp_path / "work"
    process = start(*order)
    until(lambda: list(work.glob("runs/*/*/last.pt")), process, "the first checkpoint")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert "the same command continues from there" in said
    assert "Traceback" not in said
    stopped = frame(work)
    assert stopped["status"].tolist() == ["KILLED"]
    again = bench(*order)
    assert again.returncode == 0, again.stderr
    assert frame(work)["status"].tolist() == ["FINISHED"]
    assert frame(work)["run_id"].tolist() == stopped["run_id"].tolist()


@pytest.mark.slow
def test_a_row_whose_files_are_damaged_is_trained_anew(bench, environment, tiny):
    order = ["run", "table4", "--smoke", "--rows", "S0", *tiny]
    work = Path(environment["BENCH_WORK"])
    assert bench(*order).returncode == 0
    before = frame(work)
    environment["BENCH_TRACKING"] = store = f"sqlite:///{work}/other.db"
    (kept,) = work.rglob("runs/**/kept.pt")
    kept.write_bytes(kept.read_bytes()[:1000])
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "kept.pt: not a readable checkpoint" in done.stderr
    assert "set aside as kept.pt.damaged" in done.stderr
    assert "the row begins anew" in done.stderr
    again = table_frame(Store(Config(work=work, tracking=store)), "sal/table4", "smoke")
    assert again["status"].tolist() == ["FINISHED"]
    figures = [name for name in before.columns if name.startswith(("partial", "llama"))]
    assert again[figures].to_dict("records") == before[figures].to_dict("records")


@pytest.mark.rows
def test_a_row_that_the_machine_refuses_stops_no_other(bench, environment, tiny, monkeypatch):
    def full(run, seed, *rest):
        if run.train.resolution_s is not None and not refused:
            refused.append(seed)
            raise OSError(28, "No space left on device", "/data/x.npz")
        return own(run, seed, *rest)

    own, refused = engine.build_system, list[int]()
    monkeypatch.setattr(engine, "build_system", full)
    order = ["run", "table4", "--smoke", "--rows", "S0,S1", *tiny, "--set", "training.epochs=1"]
    done = bench(*order, "--json")
    assert done.returncode == 1
    assert "failed: S0 · seed 666" in done.stderr
    assert "/data/x.npz: there is no space left on the disk; free some" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
    ended = {run["row"]: (run["state"], run["code"]) for run in json.loads(done.stdout)["runs"]}
    assert ended == {"S0": ("failed", "machine.disk-full"), "S1": ("finished", None)}
    assert frame(Path(environment["BENCH_WORK"]))["status"].tolist() == ["FAILED", "FINISHED"]


def test_damaged_audio_is_named_before_anything_is_trained(bench, environment, tiny, tmp_path):
    work = Path(environment["BENCH_WORK"])
    own = tmp_path / "mini"
    subprocess.run(["cp", "-rL", str(work / "mini"), str(own)], check=True)
    (work / "mini").unlink()
    own.rename(work / "mini")
    victim = sorted((work / "mini" / "partialspoof" / "train" / "con_wav").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:2000])
    order = ["run", "table4", "--smoke", "--rows", "S0,S1", *tiny, "--set", "training.epochs=1"]
    done = bench(*order)
    assert done.returncode == 2
    assert victim.name in done.stderr
    assert "Traceback" not in done.stderr
    assert not (work / "runs").exists()


@pytest.mark.slow
def test_a_row_without_overrides_stands_in_the_smoke_report(bench, environment, tmp_path):
    done = bench("run", "table4", "--smoke", "--rows", "S0")
    assert done.returncode == 0, done.stderr
    written = bench("report", "table4", "--smoke", "--output-dir", "made")
    assert written.returncode == 0, written.stderr
    text = (tmp_path / "made" / "sal-table4.smoke.md").read_text(encoding="utf-8")
    assert "SMOKE" in text
    assert "not run" in text
    checked = bench("report", "table4", "--smoke", "--output-dir", "made", "--check")
    assert checked.returncode == 0, checked.stderr
    (tmp_path / "made" / "sal-table4.smoke.md").write_text("by hand", encoding="utf-8")
    stale = bench("report", "table4", "--smoke", "--output-dir", "made", "--check")
    assert stale.returncode == 1
    assert "stale" in stale.stderr
    published = bench("report", "table4", "--output-dir", "made")
    assert published.returncode == 0, published.stderr
    paper = (tmp_path / "made" / "sal-table4.md").read_text(encoding="utf-8")
    assert "SMOKE" not in paper
    assert "not run" in paper


def test_mistakes_are_one_message_and_exit_code_2(bench, subtests):
    cases = [
        (["run", "tabel4"], "did you mean 'table4'?"),
        (["run", "table4", "--rows", "S55"], "did you mean 'S5'?"),
        (["run", "table4", "--set", "training.epocs=1"], "did you mean 'epochs'?"),
        (["run", "table4", "--set", "training.epochs=x"], "should be a valid integer"),
        (["run", "table4"], "corpus partialspoof is not configured"),
        (["run", "table4"], "xlsr2_300m.pt from https://dl.fbaipublicfiles.com"),
        (["run", "sal/table1", "--rows", "SPF"], "published results only"),
        (["data", "check", "partialspof", "--smoke"], "did you mean 'partialspoof'?"),
        (["data", "check", "PS"], "corpus partialspoof is not configured"),
        (["data", "check", "PS", "--smoke", "--split", "evla"], "did you mean 'eval'?"),
        (["report", "table5"], "there is no such table"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments, message=message):
            done = bench(*arguments)
            assert done.returncode == 2
            assert message in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.rows
def test_a_row_that_another_process_runs_is_busy_and_nothing_failed(bench, environment, tiny):
    order = ["run", "table4", "--smoke", "--rows", "S0,S1", *tiny, "--set", "training.epochs=1"]
    config = Config(work=Path(environment["BENCH_WORK"]))
    overrides = tuple(text for text in order if "=" in text)
    job, _ = local.plan_jobs(
        RunRequest(table_cards.read_table("sal/table4"), ["S0", "S1"], None, "smoke", overrides),
        config,
    )
    place = training_path(config.work, job.run, job.data, job.seed)
    place.mkdir(parents=True)
    with leases.hold_lease(place / leases.NAME, refuse_busy):
        done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "S0 · seed 666: busy" in done.stderr
    who = f"process {os.getpid()} on {socket.gethostname()}"
    assert f"S0 · seed 666 is being run by {who}" in done.stderr
    assert "S0 seed 666 begin" not in done.stderr
    assert "S1 seed 666 begin" in done.stderr
    assert "S1 · seed 666: finished" in done.stderr
    assert "busy: S0 · seed 666: another process runs them" in done.stdout
    assert "failed" not in done.stdout + done.stderr
    again = bench(*order)
    assert again.returncode == 0, again.stderr
    assert "S0 · seed 666: finished" in again.stderr
    assert "S1 · seed 666: already finished" in again.stderr
    assert "busy" not in again.stdout + again.stderr
