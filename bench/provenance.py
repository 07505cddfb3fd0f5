"""What a result came from: the commit, the lock file, the versions, the device."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from bench._io import packages
from bench._version import __version__

ROOT = Path(__file__).parent.parent
COMMIT_FILE = "commit.txt"
"""Beside a frozen copy of the code: which commit it is of."""
_CODE = ("bench", "core", "datasets", "experiments", "pyproject.toml", "uv.lock")
"""What results depend on, of a checkout: another file in it is nobody's change of the code."""
_DIGITS = 12
"""Of a commit."""
PACKAGES = (
    *("torch", "torchaudio", "lightning-fabric", "s3prl", "safetensors"),
    *("numpy", "scipy", "pandas", "pyarrow", "pyworld-prebuilt", "soundfile", "av"),
    "mlflow",
)
"""Distributions of which another version may give other results, and MLflow, which keeps them."""


def read_commit() -> str:
    """Return the commit of the checkout or of the installation, else the version.

    A checkout whose code, cards or lock file were changed has `+changes` behind its commit. A
    frozen copy says its own.
    """
    if (ROOT / COMMIT_FILE).is_file():
        return (ROOT / COMMIT_FILE).read_text(encoding="utf-8").strip()
    if not (ROOT / ".git").exists():
        installed = read_origin(packages.CORE).get("vcs_info", {}).get("commit_id", "")
        return installed[:_DIGITS] or f"version {__version__}"
    head = _run_git("rev-parse", f"--short={_DIGITS}", "HEAD")
    return f"{head}+changes" if _run_git("status", "--porcelain", "--", *_CODE) else head


def _run_git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"  # no git here, or no commit yet: said, not hidden
    return done.stdout.strip()


def read_origin(name: str) -> dict[str, Any]:
    """Return where a distribution was installed from, if not from an index (PEP 610).

    That is `url`, and for a repository `vcs_info` with the `commit_id`. Return an empty dictionary
    where it came from an index or is not installed.
    """
    try:
        text = distribution(name).read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    return json.loads(text or "{}")


def lock_digest() -> str:
    """Return sixteen digits of the SHA-256 of uv.lock, or `none` where there is no checkout."""
    lock = ROOT / "uv.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else "none"


def package_versions() -> dict[str, str]:
    """Return the installed version of each of PACKAGES and of Python, or `missing`."""
    versions = {name: packages.installed_version(name) or "missing" for name in PACKAGES}
    return {"python": platform.python_version(), **versions}


def describe_environment() -> str:
    """Return `versions` of what is installed, as text: `python 3.11.7, torch 2.11.0, ...`."""
    return ", ".join(
        f"{name} {number}" for name, number in package_versions().items() if number != "missing"
    )


def processor_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
