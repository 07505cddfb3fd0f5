"""Benchmarks: each `bench_*.py` measures one part, `python -m tests.benchmarks` makes the page."""
