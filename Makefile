# Each target does all the set-up it needs; only git, make and python3 (3.11 or newer, pip, venv) are asked for.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BENCH := .venv/bin/bench
PYTHON ?= python3
DEMO_SEED ?= 0
FUZZ_SECONDS ?= 60

.PHONY: help setup demo test test-rows test-all check docs format wheel mutants faults fuzz benchmarks gpu clean clean-work

help:  ## Say what there is to make.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

# The stamp holds the digest of what the environment was made from: a changed lock file makes it anew.
setup: .venv/.ready  ## Make the locked environment in .venv.

# uv is used where it is installed; else it is brought into .venv itself, which keeps it (group dev).
.venv/.ready: pyproject.toml core/pyproject.toml uv.lock
	@set -e; \
	if command -v uv >/dev/null 2>&1; then uv=uv; else \
		test -x .venv/bin/uv || { echo "bringing uv into .venv"; $(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet "uv>=0.9"; }; \
		uv=.venv/bin/uv; \
	fi; \
	echo "making the environment in .venv"; \
	$$uv sync --locked --quiet
	@touch $@

demo: setup  ## Run all nine rows of SAL's Table 4, small, on the CPU, and write the report.
	@$(BENCH) data mini --table table4 --seed $(DEMO_SEED)
	@$(BENCH) run table4 --smoke
	@$(BENCH) report table4 --smoke >/dev/null
	@echo "report: reports/smoke/sal-table4.smoke.md"
	@echo "browse: $(BENCH) ui table4"

test: setup  ## Run the tests that take a second or two each.
	@.venv/bin/python -m pytest -n auto --maxprocesses 4

test-rows: setup  ## Run the tests that train rows, start processes or services, or make corpora.
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 -m "rows and not slow and not gpu"

test-all: setup  ## Run every test, those that take minutes as well.
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 -m "not gpu"

check: setup  ## Lint, format, types, layers.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/pyright
	@.venv/bin/lint-imports

docs: setup  ## Build the documentation in docs/_build/html; warnings are errors.
	@.venv/bin/python -m sphinx --quiet --fail-on-warning --keep-going --builder html docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

format: setup  ## Put the code in order.
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format --quiet .

wheel: setup  ## Build the wheel and try it in an isolated environment, from another folder.
	@bash .ci/wheel

mutants: setup  ## Change the code in 24 places, one at a time, and count those that the tests notice.
	@.venv/bin/python -m tests.mutants

faults: setup  ## Break things on purpose and see that nothing is lost (an hour or two; QUICK=1: minutes).
	@.venv/bin/python -m tests.faults $(if $(QUICK),--quick,--write)

fuzz: setup  ## Give every reader files that are changed at random, each for FUZZ_SECONDS.
	@.venv/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

benchmarks: setup  ## Measure speed against what users run, and write docs/performance.md (a quarter of an hour; LONG=1: longer).
	@.venv/bin/python -m tests.benchmarks $(if $(LONG),--long)

gpu: setup  ## Measure one GPU in eight minutes, into $OUT or work/gpu (TEST=1: try all parts on the CPU).
	@.venv/bin/python -m tests.gpu $(if $(TEST),--test)

clean:  ## Remove what was made here, but for the environment, the work folder and the reports.
	rm -rf dist docs/_build docs/generated .pytest_cache .ruff_cache .hypothesis .benchmarks

clean-work:  ## Remove the work folder, with all results in it: says what is in it, and asks.
	@if [ -L work ]; then echo "work is a link to $$(readlink work): remove that yourself" >&2; exit 1; fi; \
	if [ ! -d work ]; then echo "there is no work folder here"; exit 0; fi; \
	echo "work holds checkpoints, scores and, unless bench.toml names another place, the tracking store:"; \
	du -sh work/* 2>/dev/null; du -sh work; \
	if [ ! -t 0 ]; then echo "nothing is removed: this asks first, and there is no terminal to ask at" >&2; exit 1; fi; \
	read -r -p "remove all of it, for good? [y/N] " answer; \
	case "$$answer" in y|Y|yes) rm -rf work; echo "removed: work";; *) echo "nothing is removed";; esac
