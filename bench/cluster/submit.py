"""Submitting units to Slurm: a check, then arrays of jobs, then a job that gathers."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench import provenance
from bench.cluster import sbatch_script, slurm_commands, snapshot, submission
from bench.cluster.sbatch_script import JobScript
from bench.cluster.submission import Submission, SubmittedArray, SubmittedUnit
from bench.config import Config
from bench.config.config_file import find_written_file
from bench.config.slurm_settings import Resources, SlurmSettings
from bench.errors import BenchError

CLOSING_SCRIPT = "closing.sh"


class RunRequested(NamedTuple):
    """What the units have in common, for whoever looks for them later."""

    kind: str
    table: str = ""
    form: str = "paper"
    overrides: tuple[str, ...] = ()
    variant: str | None = None


@dataclass(frozen=True)
class PreparedSubmission:
    """A submission whose folder and scripts are written."""

    submission: Submission
    preflights: tuple[str, ...]
    """Of each array, the name of the script that checks its resources."""

    def format_scripts(self) -> str:
        """Return the text of all scripts, one behind the other."""
        names = [*dict.fromkeys(self.preflights)]
        names += [array.script for array in self.submission.arrays]
        texts = (self._read_script(name) for name in [*names, CLOSING_SCRIPT])
        return "\n".join(texts)

    def _read_script(self, name: str) -> str:
        return (self.submission.folder / name).read_text(encoding="utf-8")

    def send_jobs(self) -> Submission:
        """Submit all jobs and return the submission with their numbers.

        Where one is refused, those before it are cancelled: BenchError says why.
        """
        checks: dict[str, str] = {}
        arrays: list[SubmittedArray] = []
        jobs: list[str] = []
        try:
            for array, check in zip(self.submission.arrays, self.preflights, strict=True):
                if check not in checks:
                    checks[check] = slurm_commands.submit_script(self._read_script(check))
                    jobs.append(checks[check])
                options = [f"--dependency=afterok:{checks[check]}", "--kill-on-invalid-dep=yes"]
                script = self._read_script(array.script)
                job = slurm_commands.submit_script(script, options)
                jobs.append(job)
                arrays.append(replace(array, job=job, preflight=checks[check]))
            closing = submit_closing(self.submission, jobs)
        except BenchError:
            self.submission.mark_cancelled()
            if jobs:
                slurm_commands.cancel_jobs(jobs)
            raise
        sent = replace(self.submission, arrays=tuple(arrays), closing=closing)
        sent.save()
        return sent


def submit_closing(sent: Submission, jobs: Sequence[str]) -> str:
    """Submit the job that gathers when `jobs` are over, however they end; return its number."""
    script = (sent.folder / CLOSING_SCRIPT).read_text(encoding="utf-8")
    options = [f"--dependency=afterany:{':'.join(jobs)}"]
    return slurm_commands.submit_script(script, options)


def prepare_submission(
    asked: RunRequested,
    units: Sequence[SubmittedUnit],
    settings: SlurmSettings,
    config: Config,
    max_array: int,
) -> PreparedSubmission:
    """Freeze the code, and write the folder and the scripts of a submission."""
    folder = submission.make_submission_folder(config.work)
    code, frozen = snapshot.freeze_code(config)
    snapshot.write_configuration(frozen, folder / "bench.toml")
    token = secrets.token_hex(8)
    (folder / "token").write_text(token, encoding="utf-8")
    classes = _group_resources(asked, units, settings)
    made: list[tuple[Resources, tuple[int, ...]]] = [
        (resources, tuple(members[start : start + max_array]))
        for resources, members in classes
        for start in range(0, len(members), max_array)
    ]
    arrays = tuple(
        SubmittedArray(members, f"array-{number}.sh", config.devices, config.nodes)
        for number, (_, members) in enumerate(made)
    )
    whole = Submission(
        folder=folder,
        kind=asked.kind,
        table=asked.table,
        form=asked.form,
        overrides=asked.overrides,
        variant=asked.variant,
        units=tuple(units),
        arrays=arrays,
        snapshot=code,
        commit=provenance.read_commit(),
        lock=provenance.lock_digest(),
        versions=provenance.package_versions(),
        token=token,
        host=socket.gethostname(),
        user=getpass.getuser(),
        submitted=time.time(),
        settings_file=str(find_written_file(config, dict(os.environ)).absolute()),
    )
    whole.save()
    return _write_scripts(whole, [resources for resources, _ in made], settings, config)


def _write_scripts(
    whole: Submission, classes: Sequence[Resources], settings: SlurmSettings, config: Config
) -> PreparedSubmission:
    name = f"bench {whole.table or whole.kind}"

    def write_script(file: str, script: JobScript) -> str:
        (whole.folder / file).write_text(script.format_text(), encoding="utf-8")
        return file

    checks: dict[Resources, str] = {}
    for number, (array, resources) in enumerate(zip(whole.arrays, classes, strict=True)):
        gpus = _count_gpus(resources, config)
        base = JobScript(name, "member", whole.folder, whole.snapshot, resources, gpus=gpus)
        tasks = sbatch_script.format_tasks(range(len(array.members)), settings.parallel)
        member = base._replace(
            arguments=(str(number),), tasks=tasks, processes=array.processes, nodes=array.nodes
        )
        write_script(array.script, member)
        if resources not in checks:
            brief = resources.model_copy(update={"time": sbatch_script.PREFLIGHT_TIME})
            check = base._replace(
                name=f"{name} check",
                module="preflight",
                resources=brief,
                arguments=(whole.token, str(gpus)),
            )
            checks[resources] = write_script(f"check-{len(checks)}.sh", check)
    own = Resources.model_validate(settings.model_dump(include=set(Resources.model_fields)))
    closing = JobScript(f"{name} closing", "closing_job", whole.folder, whole.snapshot, own)
    write_script(CLOSING_SCRIPT, closing)
    preflights = tuple(checks[resources] for resources in classes)
    return PreparedSubmission(whole, preflights)


def _group_resources(
    asked: RunRequested, units: Sequence[SubmittedUnit], settings: SlurmSettings
) -> list[tuple[Resources, list[int]]]:
    """Return the classes of resources with the units of each; a unit asks as its first row does."""
    classes: dict[str, tuple[Resources, list[int]]] = {}
    for index, unit in enumerate(units):
        row = unit.rows[0] if unit.rows else ""
        resources = settings.find_resources(asked.table, row)
        classes.setdefault(repr(resources), (resources, []))[1].append(index)
    return [*classes.values()]


def _count_gpus(resources: Resources, config: Config) -> int:
    if resources.gpus is not None:
        return resources.gpus
    return config.devices if config.device == "cuda" else 0
