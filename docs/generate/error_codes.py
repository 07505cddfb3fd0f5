"""The page of error codes, from `bench/schema/errors/*.toml`."""

from __future__ import annotations

from itertools import groupby

from bench.error_codes import read_error_codes

_HEAD = """# Error codes

Every mistake has a stable code. The command prints the message; with `--json` the object of kind
`error` has the code too, so that a script can react to it. The wording of a message may change, a
code does not.

A command ends with exit code 2 if what it was given is wrong, and with 1 if a row failed or the
machine refused.
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
