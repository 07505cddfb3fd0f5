"""What the trials of a sweep leave on the disk, before one is begun."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import TrialState

from bench.cards.sweep_cards import base_run, trial_run, trial_seeds
from bench.config import Config
from bench.runner import costs
from bench.runner.costs import PlannedTraining
from bench.runner.network_sizes import weight_sizes
from bench.specs.run import Run
from bench.sweeps import sampling
from bench.sweeps.study import Study


def list_remaining_trainings(study: Study, wanted: int, config: Config) -> list[PlannedTraining]:
    """Return the trainings that are left of `wanted` trials, each once.

    A trial that is not drawn yet counts as the largest network at any end of the space.
    """
    card, trials = study.card, study.list_trials()
    begun = [
        trial_run(card, sampling.decode_point(card, trial.params))
        for trial in trials
        if trial.state == TrialState.RUNNING
    ]
    ends = [base_run(card), *(trial_run(card, point) for point in card.edge_points())]
    new = [max(ends, key=_count_weights)] * max(0, wanted - len(trials))
    runs = [*_list_stages([*begun, *new], ends), *begun]
    return [
        *(costs.find_training(run, seed, config) for run in runs for seed in trial_seeds(card)),
        *(PlannedTraining((run,), seed, False, 0) for run in new for seed in trial_seeds(card)),
    ]


def _count_weights(run: Run) -> int:
    return sum(weight_sizes(run))


def _list_stages(runs: Sequence[Run], ends: Sequence[Run]) -> list[Run]:
    """Return the earlier trainings of runs; one for all if the space does not change it."""
    stages = [run.earlier for run in runs if run.earlier]
    signatures = {run.earlier.training_signature for run in ends if run.earlier}
    return stages if len(signatures) > 1 else stages[:1]
