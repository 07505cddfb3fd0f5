"""`[slurm]` of bench.toml: what jobs ask Slurm for."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from bench.errors import BenchError
from bench.specs.base import Count, Spec
from bench.specs.faults import explain_faults

_TIME = re.compile(r"\d+(:[0-5]?\d){0,2}|\d+-\d{1,2}(:[0-5]?\d){0,2}")
_MEMORY = re.compile(r"\d+[KMGT]?", re.IGNORECASE)


def _check_time(value: Any) -> Any:
    """Return a time as Slurm takes it; TOML itself reads `01:00:00` without quotes as a clock's."""
    if isinstance(value, datetime.time | int) and not isinstance(value, bool):
        raise PydanticCustomError("time", 'should be a text, in quotes: "7-00:00:00"')
    if isinstance(value, str) and not _TIME.fullmatch(value):
        raise PydanticCustomError(
            "time", 'should be a time as Slurm takes it: "90" (minutes), "1:00:00", "7-00:00:00"'
        )
    return value


def _check_memory(value: Any) -> Any:
    if isinstance(value, str) and not _MEMORY.fullmatch(value):
        raise PydanticCustomError("memory", 'should be as Slurm takes it: "32G"')
    return value


Time = Annotated[str, BeforeValidator(_check_time)]
Memory = Annotated[str, BeforeValidator(_check_memory)]
Word = Annotated[str, Field(pattern=r"^\S+$")]


class Resources(Spec):
    """What one job asks for; what is left out is Slurm's or the cluster's default."""

    partition: Word | None = None
    """`--partition`: one, or several with commas between."""
    account: Word | None = None
    """`--account`."""
    gpus: Annotated[int, Field(ge=0)] | None = None
    """GPUs of a job (`--gpus-per-node`); where it is left out, `devices` of bench.toml if
    `device = "cuda"`, else none."""
    cpus: Count | None = None
    """Cores of a job (`--cpus-per-task`)."""
    memory: Memory | None = None
    """`--mem`, e.g. `"32G"`."""
    time: Time | None = None
    """`--time`, a text: `"90"` (minutes), `"1:00:00"`, `"7-00:00:00"`. A training that needs
    longer stops before the limit, is queued again and goes on."""
    constraint: Annotated[str, Field(min_length=1)] | None = None
    """`--constraint`, e.g. `"a100|h100"`."""
    lines: tuple[str, ...] = Field(default=(), strict=False)
    """Further options of sbatch, e.g. `["--qos=long", "--exclude=node7"]`."""
    setup: tuple[str, ...] = Field(default=(), strict=False)
    """Lines of shell before the command, e.g. `["module load cuda"]`."""


class SlurmSettings(Resources):
    """All of `[slurm]`."""

    max_submit: Count | None = None
    """So many rows and seeds are submitted at most; the same command later submits the rest."""
    parallel: Count | None = None
    """So many of an array's jobs run at a time (`--array=0-8%N`)."""
    rows: dict[str, Resources] = Field(default_factory=dict[str, Resources])
    """What single rows ask for instead: `[slurm.rows."sal/table4:S7"]`, `time = "2-00:00:00"`."""

    def find_resources(self, table: str, row: str) -> Resources:
        """Return what a row asks for."""
        base = self.model_dump(include=set(Resources.model_fields))
        stated = self.rows.get(f"{table}:{row}")
        over = stated.model_dump(exclude_unset=True) if stated is not None else {}
        return Resources.model_validate({**base, **over})


_NUMBERS = ("gpus", "cpus", "max_submit", "parallel")
_LISTS = ("lines", "setup")


def apply_options(settings: SlurmSettings, given: Sequence[str]) -> SlurmSettings:
    """Return settings changed by `--slurm KEY=VALUE`; BenchError names what is wrong.

    `lines` and `setup` may be given several times, and are added to.
    """
    changed: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise BenchError("option.invalid", f"--slurm {text!r}: should be KEY=VALUE")
        if key in _LISTS:
            changed.setdefault(key, list(getattr(settings, key))).append(value)
        else:
            changed[key] = int(value) if key in _NUMBERS and value.isdecimal() else value
    try:
        base = settings.model_dump(exclude_unset=True)
        return SlurmSettings.model_validate({**base, **changed})
    except ValidationError as error:
        lines = explain_faults(error, "--slurm", SlurmSettings)
        raise BenchError("option.invalid", "\n".join(lines)) from error
