"""The command `bench`.

Each verb imports what it needs when it is called, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from typing import TextIO

import click

from bench._io import atomic_files, child_processes, machine
from bench._io.packages import NotInstalled
from bench._version import __version__
from bench.cards import card_files
from bench.cli.check import check_command
from bench.cli.compare import compare_command
from bench.cli.console import make_printable, visible_output
from bench.cli.data import data
from bench.cli.detect import detect
from bench.cli.doctor import doctor
from bench.cli.explain import explain
from bench.cli.export import export
from bench.cli.fuse import calibrate, fuse
from bench.cli.get import get
from bench.cli.json_output import print_error
from bench.cli.listing import list_
from bench.cli.new import new
from bench.cli.old_options import replace_old_options
from bench.cli.profile import profile
from bench.cli.prune import prune
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.sasv import sasv
from bench.cli.score import score
from bench.cli.settings import settings
from bench.cli.show import show
from bench.cli.status import status
from bench.cli.sweep import sweep
from bench.cli.sync import sync
from bench.cli.ui import ui
from bench.errors import BenchError, RowFailed, Stopped


class _Bench(click.Group):
    """The command, which also takes option names of the last release."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, replace_old_options(args))


@click.group(cls=_Bench, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def bench() -> None:
    """Benchmark suite of speech deepfake detection and localization.

    \b
    bench data mini                 make miniature corpora to try everything on
    bench run table4 --smoke        every row of SAL's Table 4, small, on the CPU
    bench report table4 --smoke     that table beside the paper's
    bench get --for table4          get the corpora and weights of the real table
    bench run table4                the real table, with the corpora and weights of bench.toml
    bench score FILE --corpus 19LA  evaluate anyone's scores by the official protocol
    bench detect FILE --row S7      score any recording with a trained system
    """


for _command in (
    get,
    list_,
    show,
    settings,
    run,
    sweep,
    report,
    export,
    score,
    compare_command,
    fuse,
    calibrate,
    sasv,
    detect,
    explain,
    data,
    ui,
    sync,
    new,
    check_command,
    doctor,
    profile,
    prune,
    status,
):
    bench.add_command(_command)


@visible_output()
def main() -> None:
    """Run the command line.

    A mistake prints one message and exits with 2; failed rows, and what the machine refuses
    (`bench._io.machine`), exit with 1; what a signal stopped exits with 75.
    """
    child_processes.follow_starter()
    _set_thread_defaults()
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
    for stream in streams:
        make_printable(stream)
    with atomic_files.temporary_folder(), card_files.configuration_read_once():
        code = _run_verb()
    for stream in streams:
        if (error := _flush_stream(stream)) is not None:
            code = code or machine.EXIT_MACHINE
            if error.errno != errno.EPIPE:  # who closes a pipe has read enough
                error.filename = "standard output"
                _print_error_line(f"error: {machine.explain_os_error(error).message}")
    sys.exit(code)


def _set_thread_defaults() -> None:
    """Set how threads behave, for libraries that are imported from now on."""
    # Threads that wait for each other sleep instead of spinning. Where another process wants a
    # core, spinning made training 25 times slower (measured on two cores, one loader worker).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # NumPy's matrix products are small here, and several run at once: with threads of their own
    # a bootstrap took five times the processor time (measured on two cores). Torch has its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _run_verb() -> int:
    """Run the verb that was asked for; return the exit code."""
    try:
        return bench(standalone_mode=False) or 0
    except SystemExit:  # so click ends where a pipe was closed
        return machine.EXIT_MACHINE
    except Stopped as error:
        code, text, exit_code = error.code, str(error), machine.EXIT_STOPPED
    except BenchError as error:
        of_machine = isinstance(error, RowFailed | NotInstalled)
        exit_code = machine.EXIT_MACHINE if of_machine else _find_exit_code(error.__cause__)
        code, text = error.code, f"error: {error}"
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # no one is left to tell
            error.show()
            print_error(_code_of_usage(error), error.format_message(), machine.EXIT_GIVEN)
        return machine.EXIT_GIVEN
    except (KeyboardInterrupt, click.Abort) as error:
        code, exit_code = "run.stopped", 130
        text = "; ".join(["stopped", *_describe_resumption(error)])
    except Exception as error:
        if isinstance(error, OSError) and _is_output_error(error):
            error.filename = "standard output"
            _flush_stream(sys.stdout)  # it is said here, and not once more at the end
        explained = machine.explain_error(error)
        if explained is None:  # a fault of this suite, whose traceback helps to mend it
            raise
        code, exit_code = explained.code, explained.exit_code
        text = f"error: {explained.message}"
    _print_error_line(text)
    with contextlib.suppress(OSError):  # no one is left to tell
        print_error(code, text.removeprefix("error: "), exit_code)
    return exit_code


def _code_of_usage(error: click.ClickException) -> str:
    """Return the stable code of an error that click found."""
    return "option.missing" if isinstance(error, click.MissingParameter) else "option.invalid"


def _describe_resumption(error: BaseException) -> list[str]:
    """Return what a verb says (`announce_resumption`) of a Ctrl-C, which click makes an Abort."""
    came = error.__cause__ if isinstance(error, click.Abort) else error
    return [text for text in map(str, getattr(came, "args", ())) if text]


def _find_exit_code(cause: BaseException | None) -> int:
    """Return the exit code of a mistake: the machine's where what it came from is the machine's."""
    if isinstance(cause, OSError) and cause.errno:
        return machine.explain_os_error(cause).exit_code
    return machine.EXIT_GIVEN


def _print_error_line(text: str) -> None:
    with contextlib.suppress(OSError):  # no one is left to tell
        click.echo(text, err=True)


def _is_output_error(error: OSError) -> bool:
    """Return whether it was printing that failed."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code is click.echo.__code__ for frame, _ in frames)


def _flush_stream(stream: TextIO) -> OSError | None:
    """Flush a stream; return the error if that fails, else None.

    What could not be written is then dropped: the interpreter would try once more when it ends.
    """
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
