"""The names of the files of a training, for those who look at them without PyTorch."""

from __future__ import annotations

LAST_CHECKPOINT = "last.pt"
"""Full state after the last finished epoch, or after a step within one: weights, optimiser,
schedule, progress, and the place within the epoch (`bench.training.keeping`). It goes when the run
is finished in the tracking store (`bench.training.keeping.release_state`).
"""
BEST_CHECKPOINT = "kept.pt"
"""The kept weights of the run: those of its best epoch, or the mean of its last ones."""
SELECTION = "selection.json"
"""Which weights were kept and why, once training has ended (`bench.training.keeping`)."""
PROGRESS = "progress.json"
"""The progress of the training, without weights: it stays when `last.pt` is removed."""
