"""The golden outputs: what each part gave when its results version was last raised."""

from __future__ import annotations

import json
from pathlib import Path

from bench import versions
from tests.versions.summary import Output, differs

FOLDER = Path(__file__).parent.parent / "golden/results"


def place(part: str) -> Path:
    return FOLDER / f"{part.replace(' ', '-')}.json"


def problem(part: str, output: Output) -> str:
    """Return what is wrong with a part's output and version, with the cure; "" where both are as
    in its golden file.
    """
    module = versions.find_part_module(part)
    version = versions.read_version(module)
    anew = f"write it anew with `python -m tests.versions '{part}'`"
    if not place(part).is_file():
        return f"{place(part)}: there is no golden output of {part}: {anew}"
    kept = json.loads(place(part).read_text(encoding="utf-8"))
    if kept["version"] != version:
        return (
            f"bench/{module}.py declares version {version}, the golden output of {part} is of "
            f"version {kept['version']}: {anew}, and add the change to CHANGELOG.md under 'Changes "
            "results'"
        )
    changed = sorted(
        name for name, of in kept["outputs"].items() if differs(output.get(name, []), of)
    )
    if changed:
        return (
            f"{part} gives other results than before ({', '.join(changed)}): if that is meant, "
            f"raise RESULTS_VERSION in bench/{module}.py, {anew}, and add the change to "
            "CHANGELOG.md under 'Changes results'. If only the test's input was changed, remove "
            f"{place(part).name} and {anew}"
        )
    new = sorted(output.keys() - kept["outputs"].keys())
    return f"{place(part)}: lacks {', '.join(new)}: {anew}" if new else ""


def write(part: str, output: Output) -> str:
    """Write a part's golden output; return what was done. One that gives other results at the same
    version is left as it is.
    """
    wrong = problem(part, output)
    if "raise RESULTS_VERSION" in wrong:
        return f"not written: {wrong}"
    if not wrong:
        return f"as before: {part}"
    module = versions.find_part_module(part)
    content = {"part": part, "module": f"bench/{module}.py"}
    content |= {"version": versions.read_version(module), "outputs": output}
    FOLDER.mkdir(parents=True, exist_ok=True)
    place(part).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return f"written: {place(part)}"
