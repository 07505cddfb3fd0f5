"""Give every reader files that are changed at random: `make fuzz`.

Prints how each reader fails, and keeps such files in tests/fuzz/found: the tests read them from
then on. Exit code 1 where any failed.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.fuzz.engine import find_failures, keep_file
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Try the readers that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*TARGETS], action="append")
    chosen = parser.parse_args()
    # Decoders in C complain of each file there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    failed = 0
    for name in chosen.only or TARGETS:
        failures = list(find_failures(name, chosen.seconds, sys.maxsize, chosen.seed))
        print(f"{name}: {len(failures)} failures", flush=True)
        for content, failure in failures:
            print(f"  {keep_file(name, content)}: {failure}")
        failed += len(failures)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
