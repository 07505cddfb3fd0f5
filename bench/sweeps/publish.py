"""After each trial the study's run in the tracking store holds its table and figures."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.reports import plot_style, sweep_plots
from bench.reports import sweep_report as report
from bench.reports.sweep_best import find_leaders
from bench.sweeps import trial_table
from bench.sweeps.study import Study
from bench.tracking.studies import TRIALS, StudyRun


def publish_study(study: Study, tracked: StudyRun, resolution: float | None = None) -> None:
    """Keep the study as it is now; of two processes that are at it the later one knows more.

    `resolution` is what one error on dev changes of the objective (`bench.reports.sweep_report`).
    """
    with study.hold_lock("publish"), tempfile.TemporaryDirectory() as folder:
        trials = trial_table.build_trial_table(study, tracked.trials_frame(), resolution)
        importances = trial_table.compute_importances(study)
        path = Path(folder) / TRIALS
        trials.to_csv(path, index=False)
        files = [path]
        for name, draw in sweep_plots.plan_sweep_plots(study.card, trials, importances).items():
            files += plot_style.write_figure(Path(folder), name, draw())
        best = find_leaders(study.card, trials)
        tracked.keep_files(
            files,
            report.describe_study(study.card, trials),
            min((float(line["objective"]) for line in best), default=None),
            importances,
        )
