"""How a unit ended, from the JSON object that its command printed."""

from __future__ import annotations

import json
import signal
from typing import Any, Literal, NamedTuple

from bench._io.machine import EXIT_STOPPED
from bench.cluster.units import Unit

State = Literal["finished", "already finished", "incomplete", "busy", "failed", "stopped"]
BUSY: State = "busy"
FAILED: State = "failed"
FINISHED: State = "finished"
INCOMPLETE: State = "incomplete"
STOPPED: State = "stopped"
_INTERRUPTED = 130


class UnitResult(NamedTuple):
    """How one row and seed of a unit ended."""

    row: str
    seed: int
    state: State
    code: str = ""
    message: str = ""

    @property
    def job(self) -> str:
        """As the display has it."""
        return f"{self.row} · seed {self.seed}"


def read_results(unit: Unit, exit_code: int, output: str) -> list[UnitResult]:
    """Return the results of a unit's rows; what has none was stopped, or failed with the process.

    `output` is what `bench run --json` printed on standard output.
    """
    content = _parse_object(output)
    ended = {
        run["row"]: UnitResult(
            run["row"], run["seed"], run["state"], run["code"] or "", run["message"]
        )
        for run in content.get("runs", [])
    }
    if exit_code in (EXIT_STOPPED, _INTERRUPTED):
        state, code, message = STOPPED, "run.stopped", "stopped; the same command continues it"
    else:
        error = content.get("error", {})
        state, code = FAILED, error.get("code", "run.process-died")
        message = error.get("message") or _describe_exit(exit_code)
    return [ended.get(row, UnitResult(row, unit.seed, state, code, message)) for row in unit.rows]


def find_decisive(results: list[UnitResult]) -> UnitResult:
    """Return the result that stands for a whole unit: the one that asks for most attention."""
    order: tuple[State, ...] = (
        *(FAILED, STOPPED, BUSY, INCOMPLETE, FINISHED),
        "already finished",
    )
    return min(results, key=lambda result: order.index(result.state))


def _parse_object(output: str) -> dict[str, Any]:
    """Return the object that a command printed; of several that srun started, the first one."""
    try:
        content, _ = json.JSONDecoder().raw_decode(output.lstrip())
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _describe_exit(exit_code: int) -> str:
    """Return what is known of a process that said nothing.

    >>> _describe_exit(-9)
    'its process was ended by SIGKILL (out of memory, or killed); the same command continues it'
    """
    if exit_code >= 0:
        return f"its process ended with exit code {exit_code} and gave no result"
    name = signal.Signals(-exit_code).name
    why = " (out of memory, or killed)" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{why}; the same command continues it"
