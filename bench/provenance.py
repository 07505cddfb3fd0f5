"""What a figure came from: the commit, the lock file, the versions, the device."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import __version__

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "torch",
    "torchaudio",
    "lightning-fabric",
    "s3prl",
    "mlflow",
    "numpy",
    "pandas",
    "soundfile",
)


def commit() -> str:
    """Return the checkout's commit, with `+changes` where files differ; the version in a wheel."""
    if not (ROOT / ".git").exists():
        return f"version {__version__}"
    head = _git("rev-parse", "--short=12", "HEAD")
    return f"{head}+changes" if _git("status", "--porcelain") else head


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"  # no git here, or no commit yet: said, not hidden
    return done.stdout.strip()


def lock_digest() -> str:
    """Return sixteen digits of the SHA-256 of uv.lock, or `none` in a wheel."""
    lock = ROOT / "uv.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else "none"


def versions() -> dict[str, str]:
    """Return the installed version of each package that figures depend on, or `missing`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def processor() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
