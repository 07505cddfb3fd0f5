"""After each trial the study's run in the tracking store holds its table and figures."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.reporting import sweep as report
from bench.reporting import sweep_figures
from bench.sweeps import records
from bench.sweeps.study import Study
from bench.tracking.studies import TRIALS, StudyRun


def publish(study: Study, tracked: StudyRun) -> None:
    """Keep the study as it is now; of two processes that are at it the later one knows more."""
    with study.alone("publish"), tempfile.TemporaryDirectory() as folder:
        trials = records.table(study, tracked.frame())
        importances = records.importances(study)
        path = Path(folder) / TRIALS
        trials.to_csv(path, index=False)
        files = [path]
        for name, content in sweep_figures.figures(study.card, trials, importances).items():
            files.append(Path(folder) / f"{name}.png")
            files[-1].write_bytes(content)
        best = report.best(trials)
        tracked.keep(
            files,
            report.note(study.card, trials),
            None if best is None else float(best["objective"]),
            importances,
        )
