"""Packages that the script needs, and the wheels to carry to a machine that lacks them.

Nothing but the standard library is imported: this is what says that pydantic is missing.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

LOCK = Path(__file__).parents[2] / "uv.lock"

AT_HAND = (
    *(
        "click",
        "huggingface_hub",
        "jinja2",
        "lightning_fabric",
        "matplotlib",
        "numpy",
        "pandas",
        "pyarrow",
    ),
    *("rich", "safetensors", "scipy", "seaborn", "torch", "torchaudio"),
)
"""Packages that every part needs and that the machine should have (lightning_fabric comes with
`lightning` and `pytorch-lightning`)."""
WHEELS = {
    "pydantic": (
        *("annotated-types", "pydantic", "pydantic-core", "typing-extensions"),
        "typing-inspection",
    ),
    "pyworld": ("pyworld-prebuilt",),
    "soundfile": ("cffi", "pycparser", "soundfile"),
}
"""Packages that a machine with the above may lack, and their wheels: every part needs pydantic,
those with audio files the other two. Neither MLflow, Optuna nor s3prl is needed."""
EVERYWHERE = (*AT_HAND, "pydantic")


def find_missing(packages: Iterable[str]) -> list[str]:
    """Return those packages that cannot be imported here; none is imported for that."""
    return [name for name in packages if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def explain_missing(what: str, missing: Iterable[str]) -> str:
    """Return in one line that packages are missing for `what`, and what brings them."""
    names = [*missing]
    text = f"{what}: {' and '.join(names)} cannot be imported"
    if others := [name for name in names if name not in WHEELS]:
        text += f": install {' and '.join(others)}"
    if len(others) < len(names):
        text += "; the commands of `python3 -m tests.gpu --wheels` bring wheels"
    return text


def describe_commands(python: str = "") -> str:
    """Return the commands that fetch all wheels, in uv.lock's versions, and that use them.

    `python` is the version of the GPU machine's Python, by default this one's.
    """
    locked = {
        package["name"]: package["version"]
        for package in tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    }
    wheels = sorted(wheel for several in WHEELS.values() for wheel in several)
    platforms = [f"manylinux_2_{number}_x86_64" for number in (17, 24, 27, 28)]
    fetch = [
        "python3 -m pip download --no-deps --only-binary=:all: --implementation cp",
        *("--python-version", python or f"{sys.version_info.major}.{sys.version_info.minor}"),
        *(f"--platform {name}" for name in platforms),
        *("-d .whl", *(f"{name}=={locked[name]}" for name in wheels)),
    ]
    install = "python3 -m pip install --no-index --no-deps --upgrade --target /tmp/site .whl/*.whl"
    return (
        f"Where packages can be fetched:\n  {' '.join(fetch)}\n"
        f"Then, with the folder .whl, on the machine with the GPU:\n  {install}\n"
        "  PYTHONPATH=/tmp/site python3 -m tests.gpu"
    )
