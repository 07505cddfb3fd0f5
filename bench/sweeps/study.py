"""A study that several processes work at, that may be killed at any time, and loses nothing by it.

A trial is one of Optuna's from its beginning to its end, whoever works at it: one whose process
died is taken over by the next process that asks for work, under the same number. So N trials are N
entries in the storage, and the same N runs in the tracking store, however often a sweep is stopped.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from bench.jobs import cluster_jobs, process
from bench.specs.sweep import Point, Sweep
from bench.sweeps import sampling
from bench.sweeps.storage import Storage, StudyLost, retry_write

ATTEMPTS = 2
"""How often a trial is begun whose process dies."""
_HEARTBEAT_S = 60.0
"""How often a process says that its trial goes on."""
_SILENT_S = 600.0
"""After so long without a word a process of another machine is taken for dead."""
DIED = f"its process died, {ATTEMPTS} times"
STATES: dict[TrialState, Literal["finished", "pruned", "failed", "running"]] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Pruned(BaseException):
    """The pruner stops the trial; no Exception, which the runner would record as a failure."""


@dataclass
class Claim:
    """A trial that is this process's to work at."""

    number: int
    point: Point
    attempt: int
    trial: Trial
    reported: set[int] = field(default_factory=set[int])

    def report_objective(self, step: int, value: float) -> bool:
        """Report the objective after a step (from 1), and return whether the trial should stop.

        A step that an earlier attempt has reported already is asked about again, not reported.
        """
        if step not in self.reported:
            retry_write(lambda: self.trial.report(value, step))
            self.reported.add(step)
        return retry_write(self.trial.should_prune)


class Study:
    """One study in its storage."""

    def __init__(self, card: Sweep, name: str, storage: Storage, steps: tuple[int, int]) -> None:
        """Open the study, or make it; `steps` are the epochs and seeds of a trial."""
        self.card = card
        self._hold_lock = storage.hold_lock
        with self._hold_lock(f"{name}.claim"):
            self.optuna = optuna.create_study(
                storage=storage.optuna,
                study_name=name,
                sampler=optuna.samplers.RandomSampler(),  # never asked: see `propose_point`
                pruner=sampling.build_pruner(card, *steps),
                direction="minimize",
                load_if_exists=True,
            )
        self.name = name

    def list_trials(self) -> list[FrozenTrial]:
        """Return every trial, by number."""
        return self.optuna.get_trials(deepcopy=False)

    def count_ended(self) -> int:
        """Return how many trials are finished, pruned or failed."""
        return sum(trial.state.is_finished() for trial in self.list_trials())

    def hold_lock(self, name: str) -> Any:
        """Hold the study's lock of that name."""
        return self._hold_lock(f"{self.name}.{name}")

    def claim_trial(self, wanted: int) -> Claim | None:
        """Return a trial to work on: one whose process died, else a new one, else None.

        There are new ones as long as there are fewer than `wanted`.
        """
        with self.hold_lock("claim"):
            for trial in self.list_trials():
                if trial.state == TrialState.RUNNING and _is_abandoned(trial):
                    claim = self._take_over(trial)
                    if claim is not None:
                        return claim
            trials = self.list_trials()
            if len(trials) >= wanted:
                return None
            point = sampling.propose_point(self.card, self.optuna, trials)
            return None if point is None else self._begin_trial(point)

    def _begin_trial(self, point: Point) -> Claim:
        """Put a running trial into the storage, with all that is known of it, in one step."""
        self.optuna.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=sampling.encode_point(point),
                distributions=sampling.build_distributions(self.card),
                user_attrs={"attempt": 1, **_holder_attributes()},
            )
        )
        return self._open_claim(self.list_trials()[-1], 1)

    def _take_over(self, trial: FrozenTrial) -> Claim | None:
        attempt = trial.user_attrs["attempt"] + (not trial.user_attrs.get("stopped", False))
        if attempt > ATTEMPTS:
            self._end_trial(trial.number, TrialState.FAIL, reason=DIED)
            return None
        claim = self._open_claim(trial, attempt)
        for key, value in {"attempt": attempt, "stopped": False, **_holder_attributes()}.items():
            claim.trial.set_user_attr(key, value)
        return claim

    def _open_claim(self, trial: FrozenTrial, attempt: int) -> Claim:
        point = sampling.decode_point(self.card, trial.params)
        open_trial = Trial(self.optuna, trial._trial_id)
        return Claim(trial.number, point, attempt, open_trial, set(trial.intermediate_values))

    def finish_trial(self, claim: Claim, objective: float) -> None:
        """The trial is finished."""
        self._end_trial(claim.number, TrialState.COMPLETE, objective)

    def prune_trial(self, claim: Claim, reason: str) -> None:
        """The trial was pruned; its last reported value stands for it."""
        self._end_trial(claim.number, TrialState.PRUNED, reason=reason)

    def fail_trial(self, claim: Claim, reason: str) -> None:
        """The trial failed and is not tried again."""
        self._end_trial(claim.number, TrialState.FAIL, reason=reason)

    def leave_trial(self, claim: Claim) -> None:
        """Leave the trial for another process, as this one is stopped; it is no failed attempt."""
        retry_write(lambda: claim.trial.set_user_attr("stopped", True))

    def _end_trial(
        self, number: int, state: TrialState, value: float | None = None, reason: str = ""
    ) -> None:
        def write() -> None:
            if reason:
                trial_id = self.list_trials()[number]._trial_id
                Trial(self.optuna, trial_id).set_user_attr("reason", reason)
            self.optuna.tell(number, value, state, skip_if_finished=True)

        retry_write(write)


def _holder_attributes() -> dict[str, Any]:
    job = cluster_jobs.current_job()
    return {"process": str(process.this_process()), "job": job, "seen": time.time()}


def _is_abandoned(trial: FrozenTrial) -> bool:
    """Return whether nobody works at a running trial."""
    if trial.user_attrs.get("stopped", False):
        return True
    holder = process.parse_process(trial.user_attrs["process"])
    if holder.host == process.this_process().host:
        return not process.is_alive(holder)
    if cluster_jobs.is_job_over(trial.user_attrs.get("job", "")):
        return True
    return time.time() - trial.user_attrs["seen"] > _SILENT_S


class TrialHeartbeat:
    """Tells processes of other machines every minute that the trial goes on; a context manager."""

    def __init__(self, claim: Claim) -> None:
        self._open_claim = claim
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send_heartbeats, daemon=True)

    def __enter__(self) -> TrialHeartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send_heartbeats(self) -> None:
        while not self._over.wait(_HEARTBEAT_S):
            with suppress(StudyLost):
                retry_write(lambda: self._open_claim.trial.set_user_attr("seen", time.time()))
