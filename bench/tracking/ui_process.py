"""MLflow's server, as `bench ui` starts it: it ends, with all its processes, where that is gone."""

from __future__ import annotations

import os
import runpy
from contextlib import suppress

import psutil

from bench._io import child_processes


def _end_processes() -> None:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    os._exit(1)


if __name__ == "__main__":
    child_processes.follow_starter(_end_processes)
    runpy.run_module("mlflow", run_name="__main__", alter_sys=True)
