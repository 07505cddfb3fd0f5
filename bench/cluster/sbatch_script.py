"""The text of a job, as sbatch takes it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.config.slurm_settings import Resources

SIGNAL_S = 120
"""So many seconds before the time limit a job is asked to stop."""
PREFLIGHT_TIME = "10"
"""Minutes that the check may take; it takes about one."""


class JobScript(NamedTuple):
    """What a job of a submission runs, and with which resources."""

    name: str
    module: str
    """Of this package; it is given the submission's folder."""
    folder: Path
    snapshot: Path
    resources: Resources
    arguments: tuple[str, ...] = ()
    """Behind the folder."""
    processes: int = 1
    nodes: int = 1
    gpus: int = 0
    tasks: str = ""
    """Of an array, as sbatch takes them: `0-8%2`; "" for a single job."""

    def format_text(self) -> str:
        """Return the script."""
        log = "%A_%a" if self.tasks else "%j"
        options = [
            f"--job-name={_quote_value(self.name)}",
            f"--output={_quote_value(str(self.folder).replace('%', '%%') + f'/logs/{log}.log')}",
            f"--chdir={_quote_value(str(Path.cwd()))}",
            "--requeue",
            "--open-mode=append",
            f"--signal=B:USR1@{SIGNAL_S}",
            f"--nodes={self.nodes}",
            f"--ntasks-per-node={self.processes}",
            *_list_resources(self.resources, self.gpus),
            *([f"--array={self.tasks}"] if self.tasks else []),
        ]
        command = [sys.executable, "-m", f"bench.cluster.{self.module}", str(self.folder)]
        return "\n".join(
            [
                "#!/bin/bash",
                *(f"#SBATCH {option}" for option in options),
                "trap '' USR1",  # which would end the shell, and Python before it listens
                *self.resources.setup,
                # What was set by hand is in the submission's configuration already.
                "for name in ${!BENCH_@}; do",
                '    [ "$name" = BENCH_SWEEP_STORAGE ] || unset "$name"',
                "done",
                f"export PYTHONPATH={shlex.quote(str(self.snapshot))}",
                f"export BENCH_CONFIG={shlex.quote(str(self.folder / 'bench.toml'))}",
                # exec: the signal reaches Python.
                f"exec {shlex.join([*command, *self.arguments])}",
                "",
            ]
        )


def _list_resources(resources: Resources, gpus: int) -> list[str]:
    stated = {
        "partition": resources.partition,
        "account": resources.account,
        "gpus-per-node": gpus or None,
        "cpus-per-task": resources.cpus,
        "mem": resources.memory,
        "time": resources.time,
        "constraint": resources.constraint,
    }
    options = [
        f"--{name}={_quote_value(str(value))}"
        for name, value in stated.items()
        if value is not None
    ]
    return [*options, *resources.lines]


def _quote_value(text: str) -> str:
    """Return a value as a line of #SBATCH takes it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"' if plain != text or " " in text or "|" in text else text


def format_tasks(indices: Sequence[int], parallel: int | None) -> str:
    """Return members of an array as sbatch takes them.

    >>> format_tasks([0, 1, 2, 5], 2), format_tasks([3], None)
    ('0-2,5%2', '3')
    """
    parts: list[str] = []
    start = last = indices[0]
    for index in [*indices[1:], -1]:
        if index == last + 1:
            last = index
            continue
        parts.append(str(start) if start == last else f"{start}-{last}")
        start = last = index
    return ",".join(parts) + (f"%{parallel}" if parallel else "")
