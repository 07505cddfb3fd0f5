"""A work folder with a tiny table, commands that are run on it, and what they leave.

A command runs in a fork of this process, which has imported everything: a fault costs seconds, not
the half minute that starting anew takes. The fork is a process like any other: it is killed, and
nothing of it is left to the next.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench._io.digests import file_digest

Arguments = tuple[str, ...]
"""Of `bench`."""
CARD = """
title        = "Faults"
text_columns = ["System"]
seeds        = [1]
columns      = [{ heading = "PS EER", metric = "partialspoof.eer" }]

[base]
system    = { kind = "sal", layers.kind = "last", context.kind = "none", auxiliary.kind = "none" }
frontend  = { kind = "tiny", convolutions = "trained" }
augment   = { kind = "rawboost", algorithm = 4, probability = 0.5 }
mix       = { kind = "csm", rounds = 1, probability = 0.5 }
train     = { corpus = "partialspoof", split = "train", resolution_s = 0.16, clip_s = 1.28 }
dev       = { corpus = "partialspoof", split = "dev", resolution_s = 0.16 }
optimiser = { kind = "adam", learning_rate = 1e-3, weight_decay = 1e-4 }
schedule  = { kind = "constant" }
training  = { epochs = 3, batch_size = 4 }
evaluate.partialspoof = { corpus = "partialspoof", split = "eval", resolution_s = 0.16 }

[smoke]
frontend  = { blocks = 1, dim = 16, heads = 2, feed_forward = 16, channels = 8 }

[rows.one]
cells = ["One"]

[rows.two]
cells = ["Two"]
mix = { kind = "none" }
"""
WEIGHTED_CARD = (
    CARD.partition("[smoke]")[0]
    .replace('{ kind = "tiny", convolutions = "trained" }', '{ kind = "weighted" }')
    .replace("Faults", "Weights of a file")
    + '[rows.one]\ncells = ["One"]\n'
)
FRONTEND = """
from typing import Literal

import torch

from bench.models import weights
from bench.specs.frontends.tiny import Tiny as Small
from bench.specs.kinds import FrontEndSettings, Requirement


class Weighted(FrontEndSettings):
    kind: Literal["weighted"]

    def requirements(self):
        return (Requirement("weights", "own"),)

    def build(self, config):
        encoder = self.lay_out()
        path = weights.locate_weights("own", config)
        encoder.load_state_dict(torch.load(path, weights_only=True))
        return encoder

    def lay_out(self):
        size = dict(blocks=1, dim=16, heads=2, feed_forward=16, channels=8)
        return Small(kind="tiny", **size).lay_out()
"""
"""A front-end of an extension that begins with the weights of a file."""
WEIGHTS = "own.pt"
SETTINGS = f"""
extend  = ["."]
device  = "cpu"
workers = 0

[weights]
own = "{WEIGHTS}"
"""
SWEEP_CARD = """
title     = "Faults"
from      = "faults/table:one"
sampler   = { kind = "grid" }
pruner    = { kind = "none" }
objective = "dev.eer"
trials    = 3

[space]
mix.rounds = { kind = "int", low = 1, high = 3 }

[smoke]
trials = 3
epochs = 1
"""
_PASSING = re.compile(r"[0-9a-f]{32}|(?<=^work/checked/).*|(?<=^work/digests/report-)[0-9a-f]{16}")
"""Ids and digests of paths in names of files, which differ from one work folder to the next."""
_MEASURED = re.compile(r"^(system/|hours|energy|seconds|duration)")
"""Metrics of the machine."""
_UNCOMPARED = {"mini", "__pycache__", "submissions", "snapshots"}
"""Folders of data, and of what jobs were given: they stay."""
SETTLE_S = 120
"""A file that a killed process left is removed when it is older than a minute: it is made so."""


@dataclass(frozen=True)
class World:
    """A work folder of its own, with the miniature corpora and the tiny table."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def make(cls, folder: Path, miniatures: Path) -> World:
        """Return a new one in `folder`, with copies of the corpora and weights in `miniatures`."""
        files = {
            "bench.toml": SETTINGS,
            "experiments/faults/table.toml": CARD,
            "experiments/faults/weighted.toml": WEIGHTED_CARD,
            "experiments/sweeps/faults.toml": SWEEP_CARD,
            "frontends/weighted.py": FRONTEND,
        }
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (folder / "work").mkdir()
        shutil.copytree(miniatures / "mini", folder / "work" / "mini")
        shutil.copyfile(miniatures / WEIGHTS, folder / WEIGHTS)
        return cls(folder)

    @property
    def work(self) -> Path:
        """The work folder."""
        return self.folder / "work"

    def has_checkpoint(self) -> bool:
        """Return whether a row has written a checkpoint; files that come and go are no error."""
        return any("last.pt" in names for _, _, names in os.walk(self.work))

    def start(self, *arguments: str, before: Callable[[], None] = lambda: None) -> Command:
        """Start `bench` with arguments in a fork, which calls `before` first."""
        log = self.folder / f"log-{secrets.token_hex(4)}.txt"
        log.touch()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return Command(pid, log, arguments)
        try:
            code = self._run_forked(log, arguments, before)
        except BaseException:
            traceback.print_exc()
            code = 99
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

    def run(self, *arguments: str, before: Callable[[], None] = lambda: None) -> Command:
        """Run `bench` with arguments to its end, however it ends."""
        command = self.start(*arguments, before=before)
        command.wait()
        return command

    def finish(self, *commands: Arguments) -> None:
        """Run each command once more, a minute later; raise where one does not end well."""
        self.let_settle()
        for arguments in commands:
            command = self.run(*arguments)
            if command.code:
                raise AssertionError(
                    f"bench {' '.join(arguments)}: exit code {command.code}\n{command.said}"
                )

    def remove_set_aside(self) -> None:
        """Remove the files that were renamed because nothing can be computed from them."""
        for path in self.work.rglob("*.damaged*"):
            path.unlink()

    def let_settle(self) -> None:
        """Make files as old as they would be two minutes later."""
        then = time.time() - SETTLE_S
        for path in self.folder.rglob("*"):
            if "mini" not in path.parts and not path.is_symlink() and path.exists():
                os.utime(path, (then, then))

    def _run_forked(self, log: Path, arguments: Arguments, before: Callable[[], None]) -> int:
        from bench import cli

        os.setsid()
        os.chdir(self.folder)
        for name in [name for name in os.environ if name.startswith(("BENCH_", "MLFLOW_"))]:
            del os.environ[name]
        os.environ |= {**self.environment, "BENCH_CONFIG_WITHIN": str(self.folder)}
        # Set by the suite where it imports MLflow, which happened before the fork.
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        os.environ["HOME"] = str(self.folder)
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.argv = ["bench", *arguments]
        before()
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0


@dataclass
class Command:
    """A command that was started."""

    pid: int
    log: Path
    arguments: Arguments
    code: int | None = None
    """Exit code, negative for a signal; None while it runs."""
    said: str = ""
    """What it printed."""

    def wait(self, seconds: float = 300) -> int:
        """Wait for its end and return its exit code; it is killed after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > deadline:
                os.killpg(self.pid, signal.SIGKILL)
                raise AssertionError(f"bench {' '.join(self.arguments)}: no end\n{self.said}")
            time.sleep(0.005)
        assert self.code is not None
        return self.code

    def has_ended(self) -> bool:
        """Return whether it has ended."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                return False
            self.code = os.waitstatus_to_exitcode(status)
            self.said = self.log.read_text(encoding="utf-8", errors="replace")
        return True


@dataclass(frozen=True)
class Remains:
    """What a world holds when all is done: what has to be equal, whatever happened before."""

    figures: list[dict[str, Any]]
    """Of each tracked run: row, seed, status, parameters and every metric."""
    scores: list[tuple[str, str]]
    """Name, ids left out, and digest of each score file."""
    files: frozenset[str]
    """Every file below the world's folder, ids left out: locks and temporary files among them."""
    report: str
    """The report's CSV file, "" where none was written."""

    def without_failed(self, count: int) -> Remains:
        """Return the rest without so many failed runs, and what folders without scores hold."""
        failed = [run for run in self.figures if run["status"] == "FAILED"]
        if len(failed) != count:
            raise AssertionError(f"{len(failed)} failed runs, should be {count}")
        finished = [run for run in self.figures if run not in failed]
        folders = {name.partition("/scores/")[0] for name, _ in self.scores}
        files = frozenset(
            name
            for name in self.files
            if not name.startswith("work/runs/") or name.startswith(tuple(folders))
        )
        return replace(self, figures=finished, files=files)


def collect_remains(world: World) -> Remains:
    """Return what a world holds."""
    from bench.config import Config
    from bench.tracking.store import Store

    client = Store(Config(work=world.work)).client
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    figures = sorted(
        ({**_describe_run(run)} for run in runs), key=lambda run: json.dumps(run, sort_keys=True)
    )
    files = [
        path
        for path in world.folder.rglob("*")
        if path.is_file()
        and not _UNCOMPARED & {*path.relative_to(world.folder).parts}
        and not path.name.startswith("log-")
    ]
    names = {path: _PASSING.sub("ID", path.relative_to(world.folder).as_posix()) for path in files}
    report = world.folder / "reports" / "faults-table.smoke.csv"
    return Remains(
        figures=figures,
        scores=sorted(
            (names[path], file_digest(path)) for path in files if path.suffix == ".parquet"
        ),
        files=frozenset(names.values()),
        report=report.read_text(encoding="utf-8") if report.is_file() else "",
    )


def _describe_run(run: Any) -> dict[str, Any]:
    """Return of a tracked run what does not change with time, place and number of attempts."""
    metrics = {
        name: value for name, value in run.data.metrics.items() if not _MEASURED.search(name)
    }
    tags = {name: run.data.tags.get(name) for name in ("row", "seed", "kind")}
    return {**tags, "status": run.info.status, "params": run.data.params, **metrics}


def write_weights(path: Path, seed: int) -> None:
    """Write weights for the front-end of a file, drawn by a seed."""
    import torch

    from bench.specs.frontends.tiny import Tiny

    torch.manual_seed(seed)
    small = Tiny(kind="tiny", blocks=1, dim=16, heads=2, feed_forward=16, channels=8)
    torch.save(small.lay_out().state_dict(), path)


def list_differences(expected: Remains, remains: Remains) -> list[str]:
    """Return what is not as it should be, one line each."""
    lines: list[str] = []
    if len(remains.figures) != len(expected.figures):
        states = [(run["row"], run["seed"], run["status"]) for run in remains.figures]
        lines.append(f"{len(states)} runs, should be {len(expected.figures)}: {states}")
    for run, wanted in zip(remains.figures, expected.figures, strict=False):
        lines += [
            f"row {run['row']}: {name} is {run.get(name)}, should be {wanted.get(name)}"
            for name in sorted({*run, *wanted})
            if run.get(name) != wanted.get(name)
        ]
    if remains.scores != expected.scores:
        lines.append(f"score files: {remains.scores}, should be {expected.scores}")
    lines += [f"left behind: {name}" for name in sorted(remains.files - expected.files)]
    lines += [f"missing: {name}" for name in sorted(expected.files - remains.files)]
    if remains.report != expected.report:
        lines.append("the report's figures differ")
    return lines


def wait_for(is_there: Callable[[], bool], command: Command) -> None:
    """Wait until something is there, or the command has ended."""
    deadline = time.monotonic() + 120
    while not is_there() and not command.has_ended():
        if time.monotonic() > deadline:
            raise AssertionError("the command did not come so far in two minutes")
        time.sleep(0.01)


def require_plain(command: Command) -> None:
    """Require that a command said in a line what was wrong."""
    if "Traceback" in command.said or (command.code or 0) < 0 or command.code == 99:
        raise AssertionError(f"exit code {command.code}:\n{command.said}")
