"""Option names of earlier releases. They work for one release more, with a warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from bench._io.packages import GROUPS

_OUTPUT_DIR = {"--folder": "--output-dir"}
_OF_TRAINED_ROW = {**_OUTPUT_DIR, "--seed": "--row-seed"}
_OF_EVALUATION = {
    **_OUTPUT_DIR,
    "--figures": "--metrics",
    "--negate": "--higher-is-spoof",
    "--as-is": "--allow-inverted",
    "--resample": "--bootstrap-unit",
    "--seed": "--bootstrap-seed",
}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "show": {
        "--diff": "--changed-settings",
        "--differences": "--paper-differences",
        "--all": "--other-settings",
    },
    "report": _OUTPUT_DIR,
    "score": {
        **_OF_EVALUATION,
        "--run": "--row",
        "--run-seed": "--row-seed",
        "--formulas": "--all-eer-definitions",
        "--list": "--problems-file",
    },
    "compare": {**_OF_EVALUATION, "--seeds": "--row-seed"},
    "explain tca": _OF_TRAINED_ROW,
    "explain gradcam": _OF_TRAINED_ROW,
    "explain positions": {**_OF_TRAINED_ROW, "--labels": "--labels-only"},
    "explain features": {**_OF_TRAINED_ROW, "--most": "--max-points"},
    "explain ranks": {
        **_OUTPUT_DIR,
        "--against": "--other-rows",
        "--and-table": "--other-table",
        "--reading": "--other-result",
    },
    "explain curves": _OUTPUT_DIR,
    "data check": {"--list": "--problems-file"},
    "data mini": {
        **_OUTPUT_DIR,
        "--only": "--corpus",
        "--for": "--table",
        "--speech": "--speech-dir",
    },
    "prune": {"--older": "--older-than"},
    "sync": {"--to-configured": "--from-other-stores"},
}
"""For each command the old name of an option and the name that it has now."""
RENAMED_FILE_OPTIONS: Mapping[str, str] = {"negate": "higher-is-spoof"}
"""The same for options that follow the name of a score file."""


def replace_old_options(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `bench` with new names for old options; warn of each old one."""
    length = 2 if arguments and arguments[0] in GROUPS else 1
    renamed = RENAMED.get(" ".join(arguments[:length]), {})
    replaced: list[str] = []
    for number, argument in enumerate(arguments):
        if argument == "--":
            return [*replaced, *arguments[number:]]
        name, equals, value = argument.partition("=")
        if name in renamed:
            warn_of_old_name(name, renamed[name])
            argument = f"{renamed[name]}{equals}{value}"
        replaced.append(argument)
    return replaced


def warn_of_old_name(old: str, new: str) -> None:
    """Say on standard error that an option has a new name."""
    click.echo(f"warning: {old} is now {new}; the next release will not know {old}", err=True)
