"""One process's part in a study: a trial after the other, until as many as wanted are there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from bench._io import machine
from bench.errors import BenchError, RowFailed, Stopped, plain_message
from bench.metrics.catalogue import format_value
from bench.runner.process_team import TeamLost
from bench.specs.run import Run
from bench.sweeps import storage
from bench.sweeps.study import Claim, Pruned, Study, TrialHeartbeat
from bench.tracking.studies import Ending

EpochCallback = Callable[[int, Mapping[str, float]], None]
"""Is told of each epoch and its figures; raises Pruned where the trial should stop."""

TrainTrial = Callable[[Claim, int, EpochCallback], Mapping[str, float]]
"""Trains a trial with a seed and returns what the weights that are kept reach on dev, rates as
fractions, whoever trained what of it; a BenchError where it fails."""


class DiskRefused(RowFailed):
    """The disk refused (full, read-only, failing): every further trial would fail likewise."""


class EndedTrial(NamedTuple):
    """How a trial ended."""

    number: int
    ending: Ending
    objective: float | None
    """As the study has it: a fraction where it is an error rate; None unless it is finished."""
    reason: str
    """Why it was pruned or failed."""


def work_on_study(
    study: Study,
    run_of: Callable[[Claim], Run],
    seeds: Sequence[int],
    train: TrainTrial,
    wanted: int,
) -> Iterator[EndedTrial]:
    """Work at the study and yield how each trial ended that this process worked at.

    A failed trial stops no other. DiskRefused, Stopped, TeamLost, and what is no Exception
    (Ctrl-C), leave the trial for whoever goes on.
    """
    while (ended := _work_once(study, run_of, seeds, train, wanted)) is not None:
        yield ended


def _work_once(
    study: Study,
    run_of: Callable[[Claim], Run],
    seeds: Sequence[int],
    train: TrainTrial,
    wanted: int,
) -> EndedTrial | None:
    """Work on one trial; None where there is none to do."""
    with storage.explain_loss():
        claim = study.claim_trial(wanted)
        return None if claim is None else _run_trial(study, claim, run_of, seeds, train)


def _run_trial(
    study: Study,
    claim: Claim,
    run_of: Callable[[Claim], Run],
    seeds: Sequence[int],
    train: TrainTrial,
) -> EndedTrial:
    name = study.card.objective
    try:
        run = run_of(claim)
        values: list[float] = []
        with TrialHeartbeat(claim):
            for number, seed in enumerate(seeds):
                heard = partial(_report_epoch, claim, seed, number * run.training.epochs, name)
                values.append(train(claim, seed, heard)[name])
    except Pruned as error:
        study.prune_trial(claim, str(error))
        return EndedTrial(claim.number, "pruned", None, str(error))
    except storage.StudyLost:
        raise
    except (DiskRefused, Stopped, TeamLost):
        study.leave_trial(claim)
        raise
    except BenchError as error:
        study.fail_trial(claim, plain_message(error))
        return EndedTrial(claim.number, "failed", None, plain_message(error))
    except Exception as error:  # of one trial: the others go on
        if machine.is_disk_error(error):
            study.leave_trial(claim)
            raise
        refused = machine.explain_error(error)
        reason = refused.message if refused else f"{type(error).__name__}: {plain_message(error)}"
        study.fail_trial(claim, reason)
        return EndedTrial(claim.number, "failed", None, reason)
    except BaseException:  # Ctrl-C: whoever goes on takes the trial over
        study.leave_trial(claim)
        raise
    mean = statistics.fmean(values)
    study.finish_trial(claim, mean)
    return EndedTrial(claim.number, "finished", mean, "")


def _report_epoch(
    claim: Claim, seed: int, steps_before: int, name: str, epoch: int, figures: Mapping[str, float]
) -> None:
    """Report an epoch's figure `name` to the study; raise Pruned where the trial should stop."""
    if claim.report_objective(steps_before + epoch, figures[name]):
        raise Pruned(f"{name} {format_value(name, figures[name])} after epoch {epoch}, seed {seed}")
