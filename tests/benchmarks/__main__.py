"""Run the benchmarks one after the other and write docs/performance.md: `make benchmarks`.

`--only NAME` measures some again and keeps the rest with their own dates. `--quick` runs small
sizes to see that each works, and writes nothing. Exit code 1 where a benchmark failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from bench._io.cores import count_cores
from bench.provenance import processor_name, read_commit
from tests.benchmarks.page import DATA, PAGE, ROOT, list_benchmarks, read_data, render_page
from tests.benchmarks.records import RECORDS


def describe_machine() -> dict[str, Any]:
    """Return what the results depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": processor_name(),
        "cores": count_cores(),
        "memory_gb": round(memory, 1),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def measure(name: str, options: list[str], timeout_s: float, commit: str) -> dict[str, Any]:
    """Run one benchmark; return its records with machine and date, and why it failed."""
    found: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit,
        "machine": describe_machine(),
    }
    start, failed = perf_counter(), ""
    with tempfile.TemporaryDirectory() as folder:
        records, errors = Path(folder, "records"), Path(folder, "errors")
        command = [sys.executable, "-m", f"tests.benchmarks.bench_{name}", *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), RECORDS: str(records)}
        with errors.open("wb") as file:
            try:
                done = subprocess.run(
                    command, cwd=ROOT, env=environment, stderr=file, timeout=timeout_s, check=False
                )
                if done.returncode:
                    last = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                    failed = f"exit code {done.returncode}: {last[-1] if last else 'no message'}"
            except subprocess.TimeoutExpired:
                failed = f"it took longer than {timeout_s:.0f} s"
        lines = records.read_text(encoding="utf-8").splitlines() if records.is_file() else []
    found |= {"seconds": round(perf_counter() - start, 1), "failed": failed}
    return {**found, "records": [json.loads(line) for line in lines]}


def main() -> int:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=list_benchmarks(), help="of this name")
    parser.add_argument("--quick", action="store_true", help="small sizes; writes nothing")
    parser.add_argument("--long", action="store_true", help="sizes that take over a minute, too")
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for each benchmark")
    chosen = parser.parse_args()
    names = list_benchmarks()
    data = {name: entry for name, entry in read_data().items() if name in names}
    options = ["--quick"] * chosen.quick + ["--long"] * chosen.long
    commit = read_commit()  # before the page changes
    failed = list[str]()
    for name in [] if chosen.page else chosen.only or names:
        print(f"== {name}", flush=True)
        data[name] = measure(name, options, chosen.timeout, commit)
        if why := data[name]["failed"]:
            failed.append(name)
            print(f"FAILED: {why}", flush=True)
        if not chosen.quick:  # after each, so that what was measured is not lost
            DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            PAGE.write_text(render_page(data), encoding="utf-8")
    if chosen.page:
        PAGE.write_text(render_page(data), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
