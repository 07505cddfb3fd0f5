#!/usr/bin/env bash
# A first day with the suite, in the smoke form, in an empty folder; `bench` is on the PATH.
# Before it: git clone https://... && cd speech-deepfake-bench && make demo && make test
set -euo pipefail

# Corpora in miniature, and one row of a table.
bench data mini --table table4
bench run table4 --smoke --rows S0
bench show table4 --smoke

# What can be changed, and a run with a change; the paper's row stays as it is.
bench settings optimiser.learning_rate
bench run table4 --smoke --rows S0 --set training.epochs=1
bench show table4 --smoke --rows S0 --other-settings

# A table of one's own: its rows begin where a row of the paper ends.
mkdir -p lab/experiments/mine
cat > bench.toml <<'TOML'
extend = ["lab"]
TOML
cat > lab/experiments/mine/rounds.toml <<'TOML'
title        = "How many rounds"
text_columns = ["Rounds"]
seeds        = [1, 2, 3]
columns      = [{ heading = "PS EER", metric = "partialspoof.eer" }]

[base.evaluate.partialspoof]
corpus       = "partialspoof"
split        = "eval"
resolution_s = 0.16

[smoke]                               # what the smoke form says in place of the paper's
training.epochs = 1

[rows.one]
from  = "sal/table4:S5"
cells = ["1"]
mix   = { kind = "csm", rounds = 1, probability = 0.2 }

[rows.five]
from       = "one"
cells      = ["5"]
mix.rounds = 5
TOML
bench list
bench run mine/rounds --smoke --dry-run

# Three seeds of each row, and whether the rows differ.
bench run mine/rounds --smoke
bench status mine/rounds --smoke

# The report: for reading, and for a paper in LaTeX.
bench report mine/rounds --smoke --format html,latex
