"""Packages that the whole suite has and `speech-deepfake-bench-core` alone has not.

It says whether they are here, and what to install where they are not.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path

from bench.errors import BenchError

WHOLE, CORE = "speech-deepfake-bench", "speech-deepfake-bench-core"
"""Distributions: WHOLE has no files, it requires CORE and all other packages."""

OF_WHOLE = frozenset(
    {
        *("alembic", "huggingface_hub", "lightning_fabric", "mlflow", "optuna", "psutil"),
        *("pyworld", "pynvml", "s3prl", "safetensors", "sklearn", "sqlalchemy"),
        *("torch", "torchaudio"),
    }
)
"""Packages that come with the whole suite and not with the core."""
_OF_EXTRAS = {
    "av": "video",
    "boto3": "s3",
    "botocore": "s3",
    "onnxruntime": "onnx",
    "psycopg": "postgresql",
}

GROUPS = ("data", "explain")
"""Verbs that have verbs of their own."""


class NotInstalled(BenchError):
    """What was asked for needs a package that is not installed."""


def is_installed(package: str) -> bool:
    """Return whether a package can be imported; it is not imported for that."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def installed_version(distribution: str) -> str:
    """Return the version of a distribution, "" where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def require_packages(*packages: str) -> None:
    """Raise NotInstalled where packages that the command needs are not here."""
    if missing := [name for name in packages if not is_installed(name)]:
        raise NotInstalled("package.missing", missing_message(current_command(), missing[0]))


def current_command() -> str:
    """Return the command that is at work as far as its verb, e.g. `bench run`, `bench data mini`.

    Outside of the command line `this`.
    """
    if not Path(sys.argv[0]).name.startswith(("bench", WHOLE, "__main__")):
        return "this"
    words = sys.argv[1 : 3 if sys.argv[1:2] and sys.argv[1] in GROUPS else 2]
    return " ".join(["bench", *takewhile(lambda word: not word.startswith("-"), words)])


def missing_message(what: str, package: str) -> str:
    """Return in one line that `what` needs a package, and what installs it.

    >>> missing_message("bench x", "unheard_of")
    'bench x needs unheard_of, which is not installed: no extra of this suite brings it'
    """
    extra = _OF_EXTRAS.get(package.partition(".")[0])
    if package in OF_WHOLE:
        return f"{what} needs {package}, which the whole suite brings: {install_command()}"
    if extra is not None:
        return f"{what} needs {package}, which an extra brings: {install_command(extra)}"
    return f"{what} needs {package}, which is not installed: no extra of this suite brings it"


def install_command(extra: str = "") -> str:
    """Return the command that installs the whole suite where this program runs."""
    wanted = f"'{WHOLE}[{extra}]'" if extra else WHOLE
    parts = Path(sys.prefix).parts
    if "archive-v0" in parts or "environments-v2" in parts:  # uv's own: `uvx` makes them anew
        return f"uvx --from {CORE} --with {wanted} bench ..."
    if "tools" in parts and "uv" in parts:
        return f"uv tool install {CORE} --with {wanted}"
    if "pipx" in parts:
        return f"pipx inject {CORE} {wanted}"
    return f"{'pip' if is_installed('pip') else 'uv pip'} install {wanted}"
