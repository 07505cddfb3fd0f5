"""`bench run` beyond one process: commands printed, processes, jobs of a Slurm that is faked."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench._io import disk
from bench.cluster import preflight, submission
from bench.config import Config
from bench.tracking.store import Store
from tests.cluster.fake_slurm import FakeSlurm
from tests.tracked_frames import table_frame

ORDER = ["run", "table4", "--smoke", "--rows", "S0,S4"]


@pytest.fixture
def fake(environment, tmp_path) -> FakeSlurm:
    slurm = FakeSlurm(tmp_path / "slurm")
    environment |= slurm.environment
    return slurm


def sent_to(environment) -> submission.Submission:
    (latest, *_) = submission.list_submissions(Path(environment["BENCH_WORK"]))
    return latest


def states(bench, *order: str) -> dict[str, dict[str, str]]:
    printed = bench(*(order or ORDER), "--status", "--json")
    assert printed.returncode == 0, printed.stderr
    return {row["row"]: row for row in json.loads(printed.stdout)["rows"]}


def test_commands_are_printed_for_what_is_not_finished(bench, tiny):
    printed = bench(*ORDER, "--seeds", "2", *tiny, "--print-commands")
    lines = [shlex.split(line) for line in printed.stdout.splitlines()]
    assert [(line[4], line[6]) for line in lines] == [
        ("S0", "666"),
        ("S0", "667"),
        ("S4", "666"),
        ("S4", "667"),
    ]
    assert lines[0][:4] == ["bench", "run", "sal/table4", "--rows"]
    assert lines[0][7:] == ["--precision", "fp32", "--smoke", *tiny]
    done = bench(*lines[0][1:-8], "--dry-run")
    assert done.returncode == 0, done.stderr


def test_one_of_the_seeds_is_run_alone(bench):
    assert " 666 " in bench("run", "table4", "--rows", "S0", "--seed", "666", "--dry-run").stdout
    assert " 668 " in bench("run", "table4", "--rows", "S0", "--seed", "668", "--dry-run").stdout
    assert bench("run", "table4", "--seed", "1", "--dry-run").code == "option.invalid"
    assert bench("run", "table4", "--seed", "666", "--seeds", "2").code == "option.conflict"


def test_options_that_do_not_go_together_are_refused(bench, subtests):
    for options in (
        ["--script"],
        ["--slurm", "time=60"],
        ["--retry-failed"],
        ["--follow"],
        ["--yes"],
        ["--on", "slurm=2"],
        ["--on", "local", "--status"],
    ):
        with subtests.test(options=options):
            assert bench(*ORDER, *options).code == "option.conflict"
    for engine in ("slrum", "local=0", "local=x"):
        with subtests.test(engine=engine):
            assert bench(*ORDER, "--on", engine).returncode == 2


def test_without_slurm_nothing_is_submitted(bench, environment):
    environment["PATH"] = "/nowhere"
    assert bench(*ORDER, "--on", "slurm").code == "cluster.no-slurm"


@pytest.mark.rows
def test_units_become_arrays_of_their_resources_after_a_check(bench, environment, fake, tmp_path):
    (tmp_path / "bench.toml").write_text(
        '[slurm]\npartition = "gpu"\ntime = "1:00:00"\nparallel = 2\nsetup = ["module load x"]\n'
        '[slurm.rows."sal/table4:S7"]\ntime = "2-00:00:00"\n'
    )
    fake.change(max_array=5)
    done = bench("run", "table4", "--smoke", "--on", "slurm", "--slurm", "lines=--qos=long")
    assert done.returncode == 0, done.stderr
    arrays = fake.scripts("bench.cluster.member")
    tasks = [next(w for w in call["script"].split() if w.startswith("--array=")) for call in arrays]
    assert tasks == ["--array=0-4%2", "--array=0-2%2", "--array=0%2"]
    assert ["--time=2-00:00:00" in call["script"] for call in arrays] == [False, False, True]
    for call in arrays:
        for text in ("--partition=gpu", "--qos=long", "--requeue", "--open-mode=append"):
            assert f"#SBATCH {text}\n" in call["script"]
        assert "#SBATCH --signal=B:USR1@120\n" in call["script"]
        assert "\nmodule load x\n" in call["script"]
    checks = {call["job"] for call in fake.scripts("bench.cluster.preflight")}
    assert len(checks) == 2
    options = [call["arguments"] for call in arrays]
    assert {option[1].removeprefix("--dependency=afterok:") for option in options} == checks
    assert all("--kill-on-invalid-dep=yes" in option for option in options)
    (closing,) = fake.scripts("bench.cluster.closing_job")
    jobs = ":".join(call["job"] for call in fake.scripts()[:-1])
    assert closing["arguments"] == ["--parsable", f"--dependency=afterany:{jobs}"]
    sent = sent_to(environment)
    assert [unit.name for unit in sent.units] == [f"S{number}@666" for number in range(9)]
    assert (sent.snapshot / "bench/cluster/member.py").is_file()
    assert (sent.snapshot / "experiments/sal/table4.toml").is_file()
    assert oct((sent.folder / "bench.toml").stat().st_mode)[-3:] == "600"


def test_of_an_extension_that_holds_the_work_folder_only_its_own_folders_are_copied(
    bench, environment, fake, tmp_path
):
    (tmp_path / "bench.toml").write_text('extend = ["."]\n')
    (tmp_path / "datasets").mkdir()
    (tmp_path / "recordings").mkdir()
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    (copied,) = (sent_to(environment).snapshot / "extensions" / "0").iterdir()
    assert [path.name for path in copied.iterdir()] == ["datasets"]


def test_a_script_is_printed_and_not_sent(bench, fake):
    done = bench(*ORDER, "--on", "slurm", "--script")
    assert "#SBATCH --array=0-1\n" in done.stdout
    assert fake.calls == []
    assert {row["state"] for row in states(bench).values()} == {"not submitted"}


def test_settings_of_slurm_are_checked(bench, fake, subtests):
    for setting in ("time=1h", "tme=60", "gpus=x", "memory=much", "nothing"):
        with subtests.test(setting=setting):
            assert bench(*ORDER, "--on", "slurm", "--slurm", setting).code == "option.invalid"


def test_a_refusal_cancels_what_was_submitted_before(bench, fake):
    fake.change(refuse={"sbatch": "sbatch: error: Invalid partition"})
    done = bench(*ORDER, "--on", "slurm")
    assert done.code == "cluster.refused"
    assert "Invalid partition" in done.stderr


@pytest.mark.rows
def test_status_says_how_each_row_stands_and_a_second_call_submits_the_rest(
    bench, environment, fake
):
    assert {row["state"] for row in states(bench).values()} == {"not submitted"}
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    sent = sent_to(environment)
    (job,) = (array.job for array in sent.arrays)
    fake.change(queue=[f"{job}_0|RUNNING|node7|23:10:00|None", f"{job}_1|PENDING||1:00|Priority"])
    sent.write_state(sent.units[0], submission.UnitState("running", f"{job}_0", "node7", 1))
    sent.log_path(f"{job}_0").write_text("12:00:00 S0 seed 666 epoch 7/50 loss 0.1\nlast line\n")
    rows = states(bench)
    assert (rows["S0"]["state"], rows["S0"]["node"]) == ("running", "node7")
    assert (rows["S0"]["epoch"], rows["S0"]["time_left"]) == ("7/50", "23:10:00")
    assert rows["S0"]["last_line"] == "last line"
    assert (rows["S4"]["state"], rows["S4"]["message"]) == ("queued", "Priority")
    again = bench(*ORDER, "--on", "slurm")
    assert "in the queue already: S0 seed 666, S4 seed 666" in again.stdout
    assert "nothing to submit" in again.stdout

    sent.write_state(sent.units[1], submission.UnitState("requeued", f"{job}_1", "node7", 1))
    assert states(bench)["S4"]["state"] == "requeued"
    fake.change(queue=[])
    assert {row["state"] for row in states(bench).values()} == {"lost"}
    stopped = submission.UnitState("stopped", f"{job}_1", attempts=1)  # Slurm ended it by SIGTERM
    sent.write_state(sent.units[1], stopped)
    assert states(bench)["S4"]["state"] == "stopped"
    for state, shown in {
        "PENDING": "requeued",
        "RUNNING": "queued",
        "CANCELLED": "cancelled",
    }.items():
        fake.change(queue=[f"{job}_1|{state}|||None"])
        assert states(bench)["S4"]["state"] == shown
    fake.change(queue=[])
    failed = submission.UnitState("failed", f"{job}_1", code="row.failed", message="diverged")
    sent.write_state(sent.units[1], failed)
    rows = states(bench)
    assert (rows["S4"]["state"], rows["S4"]["message"]) == ("failed", "diverged")
    followed = bench(*ORDER, "--status", "--follow")
    assert followed.returncode == 1
    third = bench(*ORDER, "--on", "slurm")
    assert "failed before, not submitted again without --retry-failed: S4" in third.stdout
    assert [unit.name for unit in sent_to(environment).units] == ["S0@666"]
    fourth = bench(*ORDER, "--on", "slurm", "--retry-failed", "--slurm", "max_submit=1")
    assert fourth.returncode == 0
    assert {unit.name for unit in sent_to(environment).units} <= {"S0@666", "S4@666"}


@pytest.mark.rows
def test_what_the_check_found_is_shown_by_the_status(bench, environment, fake):
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    sent = sent_to(environment)
    (array,) = sent.arrays
    report = {"problems": ["2 GPUs are asked for"], "node": "node1", "seconds": 3.0}
    (sent.folder / f"check-{array.preflight}.json").write_text(json.dumps(report))
    fake.change(queue=[f"{array.job}_0|CANCELLED||0:00|Dependency"])
    rows = states(bench)
    assert {row["state"] for row in rows.values()} == {"refused"}
    assert {row["message"] for row in rows.values()} == {"2 GPUs are asked for"}
    assert bench(*ORDER, "--status", "--follow").returncode == 1


@pytest.mark.rows
def test_jobs_are_cancelled_after_a_question(bench, environment, fake):
    assert "no job of these rows" in bench(*ORDER, "--cancel").stdout
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    sent = sent_to(environment)
    (array,) = sent.arrays
    fake.change(queue=[f"{array.job}_{member}|PENDING||1:00|Priority" for member in (0, 1)])
    assert bench(*ORDER, "--cancel").code == "cluster.unconfirmed"
    done = bench(*ORDER, "--cancel", "--yes")
    assert f"cancelled: {sent.name}" in done.stdout
    (call,) = [call for call in fake.calls if call["command"] == "scancel"]
    assert {*call["arguments"]} == {"--quiet", array.job, array.preflight, sent.closing}
    fake.change(queue=[])
    assert {row["state"] for row in states(bench).values()} == {"cancelled"}


def frame(work: Path):
    return table_frame(Store(Config(work=work)), "sal/table4", "smoke")


@pytest.mark.slow
def test_processes_share_the_rows(bench, environment, tiny):
    order = ["run", "table4", "--smoke", "--rows", "S0,S4", *tiny]
    work = Path(environment["BENCH_WORK"])
    folder = work / "mini/partialspoof"
    assert folder.is_dir()
    done = bench(*order, "--on", "local=2", "--json")
    assert done.returncode == 0, done.stderr
    ended = {run["row"]: run["state"] for run in json.loads(done.stdout)["runs"]}
    assert ended == {"S0": "finished", "S4": "finished"}
    assert sorted(frame(work)["status"]) == ["FINISHED", "FINISHED"]
    assert "nothing to do" in bench(*order, "--on", "local=2").stdout


@pytest.mark.slow
def test_ctrl_c_ends_every_process(start, environment, tiny):
    order = ["run", "table4", "--smoke", "--rows", "S0,S4", *tiny]
    order += ["--set", "training.epochs=500", "--set", "training.patience=500"]
    order += ["--on", "local=2"]
    process = start(*order, stdout=None)
    work = Path(environment["BENCH_WORK"])
    deadline = time.monotonic() + 200
    while len([*work.rglob("last.pt")]) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert {*frame(work)["status"]} == {"KILLED"}


@pytest.mark.rows
def test_other_commands_are_submitted_as_they_are(bench, environment, fake, subtests):
    commands = {
        "report": ["report", "table4", "--smoke"],
        "get": ["get", "PS", "--keys-only", "--yes"],
        "score": ["score", "--model", "mine.py:load", "--corpus", "ITW"],
    }
    for name, command in commands.items():
        with subtests.test(name=name):
            done = bench(*command, "--on", "slurm", "--slurm", "time=60")
            assert done.returncode == 0, done.stderr
            sent = sent_to(environment)
            assert [unit.arguments for unit in sent.units] == [tuple(command)]
            assert sent.kind == name
            assert "#SBATCH --time=60\n" in fake.scripts("cluster.member")[-1]["script"]
    assert bench("report", "table4", "--on", "local").code == "option.invalid"
    assert bench("report", "table4", "--slurm", "time=60").code == "option.conflict"


def test_workers_of_a_sweep_are_submitted_on_one_study(bench, environment, fake):
    done = bench("sweep", "sal-lambda", "--smoke", "--trials", "3", "--on", "slurm=2")
    assert done.returncode == 0, done.stderr
    sent = sent_to(environment)
    worker = ("sweep", "sal-lambda", "--trials", "3", "--worker", "--smoke")
    assert [unit.arguments for unit in sent.units] == [worker, worker]
    assert "#SBATCH --array=0-1\n" in fake.scripts("cluster.member")[-1]["script"]
    assert [*Path(environment["BENCH_WORK"]).glob("sweeps/*.journal")]


@pytest.mark.rows
def test_a_job_finds_no_temporary_folder_of_the_command_that_submitted_it(bench, fake):
    """That folder goes when the command ends."""
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    assert {call["temporary"] for call in fake.calls} == {None}


@pytest.mark.rows
def test_the_check_names_what_would_make_all_jobs_fail(bench, environment, fake, monkeypatch):
    assert bench(*ORDER, "--on", "slurm").returncode == 0
    sent = sent_to(environment)
    monkeypatch.setenv("BENCH_CONFIG", str(sent.folder / "bench.toml"))
    monkeypatch.setenv("SLURM_JOB_ID", "17")

    def problems(token: str = sent.token, gpus: int = 0) -> list[str]:
        code = preflight.check_node([str(sent.folder), token, str(gpus)])
        report = preflight.read_problems(sent)["17"]
        assert code == bool(report["problems"])
        return report["problems"]

    assert problems() == []
    (text,) = problems(token="another")
    assert "is another folder on this node" in text
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    (text,) = problems(gpus=2)
    assert "2 GPUs are asked for and torch sees 1" in text
    with monkeypatch.context() as patched:
        patched.setattr(disk, "free_bytes", lambda _: 0)
        (text,) = problems()
        assert "are needed and 0 B are free" in text
    mini = Path(environment["BENCH_WORK"]) / "mini"
    aside = mini.rename(mini.with_name("aside"))
    (text,) = problems()
    assert "the miniature partialspoof is not at" in text
    aside.rename(mini)
    replace(sent, versions={**sent.versions, "torch": "0.1"}).save()
    (text,) = problems()
    assert "torch is" in text
    assert "was 0.1" in text
    sent.save()
    (unit, other) = sent.units
    replace(sent, units=(replace(unit, signatures=("0",)), other)).save()
    (text,) = problems()
    assert "was submitted with 0" in text
    sent.save()
    (sent.snapshot / "bench" / "new.py").touch()
    (text,) = problems()
    assert "was changed since it was submitted" in text
