"""The page of error codes, from `bench/schema/errors/*.toml`."""

from __future__ import annotations

from itertools import groupby

from bench.error_codes import read_error_codes

_HEAD = """# Error codes

Every error has a stable code. With `--json`, the object of kind `error` has it, so a script can
react to it. The wording of a message may change; a code does not.

A command ends with exit code 2 if its input is wrong (options, files, cards), and with 1 if a row
or the machine failed.
"""


def make_pages() -> dict[str, str]:
    """Return the page, one section an area."""
    lines = [_HEAD]
    codes = sorted(read_error_codes().items())
    for area, members in groupby(codes, lambda item: item[0].partition(".")[0]):
        lines.append(f"\n## {area}\n")
        for code, (cause, remedy) in members:
            anchor = code.replace(".", "-")
            lines.append(f"({anchor})=\n`{code}`\n: {cause}\n\n  **What to do:** {remedy}\n")
    return {"errors.md": "\n".join(lines)}
