"""Run commands of `bench` in this process as if only `speech-deepfake-bench-core` were installed.

`python core_only.py '[["list"], ["show", "table4"]]'` prints a JSON list with the exit code and
what was printed on both streams, for each command.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NoReturn

from bench._io import packages
from bench.cli import main


class _NotInstalled:
    """Finds none of the packages that come with the whole suite."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name.partition(".")[0] in packages.OF_WHOLE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _done(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["bench", *arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def _run() -> NoReturn:
    assert not packages.OF_WHOLE & sys.modules.keys()  # importing the command line takes none
    sys.meta_path.insert(0, _NotInstalled())
    print(json.dumps([_done(arguments) for arguments in json.loads(sys.argv[1])]))
    sys.exit(0)


if __name__ == "__main__":
    _run()
