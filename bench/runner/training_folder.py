"""Room made on the disk once a training is over: what only a further epoch would need goes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from bench._io import file_locks
from bench.jobs import leases
from bench.training import file_names, keeping
from bench.training.keeping import Progress


def release_checkpoints(folder: Path, progress: Progress, say: Callable[[str], None]) -> None:
    """Make room in a finished training's folder; a disk that refuses is said: the run is safe."""
    try:
        keeping.release_state(folder, progress)
    except OSError as error:
        say(f"{folder / file_names.LAST_CHECKPOINT}: could not be removed: {error}")


def abandon_training(folder: Path) -> None:
    """Remove the checkpoints of a training that nobody will continue.

    Those of a finished training stay, and those that another process works on.
    """
    with hold_folder(folder) as mine:
        if mine and not (folder / file_names.SELECTION).is_file():
            for path in folder.glob("*.pt"):
                path.unlink(missing_ok=True)


def hold_folder(folder: Path) -> AbstractContextManager[bool]:
    """Hold a training's folder where nobody else does; give whether it is held."""
    return _hold_all(leases.hold_lease(folder / leases.NAME, _refuse_busy))


def hold_locks(*paths: Path) -> AbstractContextManager[bool]:
    """Hold lock files where nobody else holds one of them; give whether they are held."""
    return _hold_all(*(file_locks.hold_file(path, _refuse_busy) for path in paths))


@contextmanager
def _hold_all(*locks: AbstractContextManager[object]) -> Generator[bool]:
    with ExitStack() as stack:
        try:
            for lock in locks:
                stack.enter_context(lock)
        except OSError:
            yield False
            return
        yield True


def _refuse_busy(holder: str) -> None:
    raise BlockingIOError(f"{holder} holds it")
