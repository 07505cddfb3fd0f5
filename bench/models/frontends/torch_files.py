"""Files of `torch.save` read without running anything that is in them.

fairseq's checkpoints hold objects (argparse namespaces, omegaconf nodes, enumerations of fairseq)
beside the tensors. torch's weights-only unpickler reads them here with every class it does not know
replaced by `Inert`, which keeps what it is given and does nothing: no class or function that a file
names is looked up or called.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# The scan behind the public `get_unsafe_globals_in_checkpoint`, which itself refuses the form that
# torch wrote before 1.6; torch is pinned in pyproject.toml.
from torch._weights_only_unpickler import get_globals_in_pkl
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from bench.errors import BenchError

ZIPPED = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of `torch.save`'s two forms (the second is a pickled magic number)."""


class Inert:
    """Stands for an object of a class that is not looked up; holds its arguments and state."""

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> Inert:
        # Not in __init__: most pickles make their objects without calling it.
        new = super().__new__(cls)
        new.arguments, new.state = arguments, None
        return new

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def plain_value(self) -> Any:
        """Return an omegaconf node's content, a namespace's dict or an enumeration's value."""
        state = self.state
        if isinstance(state, dict):
            inner = next((state[key] for key in ("_content", "_val") if key in state), state)
            return strip_objects(inner)
        return strip_objects(self.arguments[0]) if self.arguments else None


def strip_objects(content: Any) -> Any:
    """Return `content`, tuples as lists, with the value of every `Inert` in its place."""
    if isinstance(content, Inert):
        return content.plain_value()
    if isinstance(content, dict):
        return {strip_objects(key): strip_objects(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [strip_objects(value) for value in content]
    return content


def read_torch_file(path: Path) -> Any:
    """Return what the file at `path` holds: dicts, lists, numbers, strings, tensors on the CPU.

    Tensors of zipped files are mapped from the disk, not read. Raises `BenchError` where the file
    is no checkpoint of torch's or is damaged.
    """
    with path.open("rb") as file:
        head = file.read(len(LEGACY))
    if not head.startswith((ZIPPED, LEGACY)):
        raise BenchError(
            "weights.damaged",
            f"{path}: not a file of torch.save (it begins with {head!r}); is it a web page or a "
            "Git LFS pointer saved in the checkpoint's place?",
        )
    zipped = head.startswith(ZIPPED)
    try:
        names = get_unsafe_globals_in_checkpoint(str(path)) if zipped else _legacy_globals(path)
        with safe_globals([(Inert, name) for name in names]):
            return strip_objects(
                torch.load(path, map_location="cpu", mmap=zipped, weights_only=True)
            )
    # Damage shows in as many ways as torch's reader has; in all of them the file must be named.
    except Exception as error:
        # torch hides what its unpickler says behind advice to read the file unsafely.
        cause = error.__context__ or error
        reason = str(cause).partition("\n")[0]
        raise BenchError(
            "weights.damaged",
            f"{path}: cannot be read as a torch checkpoint; perhaps its {path.stat().st_size:,} "
            f"bytes are not all of it: get it again ({type(cause).__name__}: {reason})",
        ) from error


def require_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise BenchError where a weight is no finite number: a run would score or train to NaN."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise BenchError(
                "weights.damaged",
                f"{path}: {name}: {count:,} of {tensor.numel():,} weights are not finite: the file "
                "is damaged, or of a training that failed; get it again",
            )


def _legacy_globals(path: Path) -> set[str]:
    """Return the names in the old form: magic number, version, system, content, a pickle each."""
    with path.open("rb") as file:
        return set().union(*(get_globals_in_pkl(file) for _ in range(4)))
