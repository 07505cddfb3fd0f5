"""The command `bench`. Each verb imports what it needs when it is called: `--help` answers at
once."""

from __future__ import annotations

import os
import sys

import click

from bench import __version__
from bench.cli.compare import compare
from bench.cli.console import visible_output
from bench.cli.data import data
from bench.cli.doctor import doctor
from bench.cli.explain import explain
from bench.cli.listing import list_, show
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.score import score
from bench.cli.sweep import sweep
from bench.cli.sync import sync
from bench.cli.ui import ui
from bench.errors import BenchError

# Threads that wait for each other sleep instead of spinning. Where another process wants a core,
# spinning made training 25 times slower (measured on two cores with one loader worker).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# NumPy's matrix products are small here, and several are at work at once: with threads of their own
# a bootstrap took five times the processor's time (measured on two cores). Torch has its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def bench() -> None:
    """Benchmark suite of speech deepfake detection and localization.

    \b
    bench data mini                 make miniature corpora to try everything on
    bench run table4 --smoke        every row of SAL's Table 4, small, on the CPU
    bench report table4 --smoke     the table beside the paper's
    bench run table4                the real one, on the corpora and weights of bench.toml
    bench score FILE --corpus 19LA  anyone's scores, by the official protocol
    """


for _command in (list_, show, run, sweep, report, score, compare, explain, data, ui, sync, doctor):
    bench.add_command(_command)


@visible_output()
def main() -> None:
    """Run the command line. Mistakes print one message and exit with 2, failed rows with 1."""
    try:
        code = bench(standalone_mode=False)
    except BenchError as error:
        click.echo(f"error: {error}", err=True)
        code = 2
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; the same command goes on from the last finished epoch", err=True)
        code = 130
    sys.exit(code)
