"""Sweeps: many trainings of one row, its settings varied, of which the best by dev is looked for.

This package is the only importer of Optuna, which samples points and says what to prune. Trials
themselves are run as rows are (`bench.runner.local`).
"""
