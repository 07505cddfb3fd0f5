"""What reads, scores and reports runs where there is no POSIX, and prints in any encoding."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys

import pytest

from bench.cli import console

POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_OF = {
    "os": "chown fork forkpty getegid geteuid getgid getpgid getpgrp getuid initgroups kill killpg "
    "lchown mkfifo nice pread pwrite sched_getaffinity setsid statvfs uname wait waitpid "
    "O_DIRECTORY O_NOFOLLOW O_NONBLOCK",
    "signal": "alarm pause setitimer SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT "
    "SIGUSR1 SIGUSR2",
    "time": "tzset",
}
"""What of the standard library Windows lacks, or (`os.kill`) does something else by."""
EXCUSED = {("_io/child_processes.py", "os.kill"), ("_io/child_processes.py", "os.nice")}
"""The first ends a process there at once, which Ctrl-C would end in order elsewhere; the code looks
whether the second is there.
"""


@pytest.mark.rows
def test_nothing_asks_for_what_windows_lacks_or_for_text_in_the_systems_encoding(root):
    found = set()
    for path in (root / "bench").rglob("*.py"):
        where = path.relative_to(root / "bench").as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.attr in POSIX_OF.get(node.value.id, "").split():
                    found.add((where, f"{node.value.id}.{node.attr}"))
            elif isinstance(node, ast.Call):
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if given.get("text") == "True" and "encoding" not in given:
                    found.add((where, f"text=True without encoding in line {node.lineno}"))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = [of.name for of in node.names] if isinstance(node, ast.Import) else []
                module = (getattr(node, "module", None) or "").partition(".")[0]
                found |= {(where, name) for name in (*names, module) if name in POSIX}
                if module in POSIX_OF:
                    of = {name.name for name in node.names} & {*POSIX_OF[module].split()}
                    found |= {(where, f"{module}.{name}") for name in of}
    assert found == EXCUSED


WINDOWS = """
import builtins, importlib, io, json, pkgutil, sys, warnings
from contextlib import redirect_stderr, redirect_stdout

POSIX, verbs, imported = json.loads(sys.argv[1])
own = builtins.__import__

def asked(name, globals=None, *rest, **more):
    if name in POSIX and (globals or {}).get("__name__", "").partition(".")[0] == "bench":
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return own(name, globals, *rest, **more)

builtins.__import__ = asked
# A file that is read or written in the system's encoding is another one on Windows.
warnings.filterwarnings("error", category=EncodingWarning, module="bench")
import bench
for found in (of for prefix in imported for of in pkgutil.walk_packages(bench.__path__, prefix)):
    if found.name != "bench.__main__":
        importlib.import_module(found.name)
from bench.cli import main
for verb in verbs:
    sys.argv = ["bench", *verb]
    print("==", *verb, flush=True)
    try:
        main()
    except SystemExit as ended:
        print("ended", ended.code or 0, flush=True)
"""


SHOWS = [["list", "--json"], ["show", "breathnet/table8", "--json"], ["list"]]
REPORTS = [
    ["doctor"],
    ["show", "table4", "--smoke"],
    ["run", "table4", "--smoke", "--dry-run"],
    ["report", "table4", "--smoke", "--format", "html", "--output-dir", "reports"],
]


@pytest.mark.rows
@pytest.mark.parametrize(
    ("others", "imported"),
    [([], []), pytest.param(REPORTS, ["bench."], marks=pytest.mark.slow)],
    ids=["scores", "reports, and every module"],
)
def test_what_reads_and_scores_needs_no_posix_and_prints_in_any_encoding(
    environment, keys, trials, tmp_path, others, imported
):
    scores = tmp_path / "λ.txt"
    lines = (f"{name} {i}.5\n" for i, name in enumerate(trials["utterance"]))
    scores.write_text("".join(lines), encoding="utf-8")
    judge = [["score", str(scores), *keys], ["compare", str(scores), str(scores), *keys]]
    verbs = [*SHOWS, *judge, *others]
    python = [sys.executable, "-X", "warn_default_encoding"]
    done = subprocess.run(
        [*python, "-c", WINDOWS, json.dumps([[*POSIX], verbs, imported])],
        env=environment | {"PYTHONIOENCODING": "cp1252"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    said, errors = done.stdout.decode("cp1252"), done.stderr.decode("cp1252")
    assert done.returncode == 0, errors
    assert "Traceback" not in errors, errors
    assert said.count("ended 0") == len(verbs), errors
    assert "\\u03bb" in said, "λ is written out"
    parts = said.split("== ")
    for name in ("list --json", "show breathnet"):
        (whole,) = (part for part in parts if part.startswith(name))
        text = whole[whole.index("{") : whole.rindex("}") + 1]
        assert json.loads(text)
        assert text.isascii(), "JSON is read as UTF-8, whatever it was printed in"


@pytest.mark.parametrize(
    ("system", "asked", "expected"),
    [
        ("win32", None, "50 % ± λ 音".encode()),
        ("win32", "cp1252", b"50 % \xb1 \\u03bb \\u97f3"),
        ("linux", None, b"50 % \xb1 \\u03bb \\u97f3"),
    ],
)
def test_a_pipe_of_windows_gets_utf8_unless_another_encoding_is_asked_for(
    monkeypatch, system, asked, expected
):
    monkeypatch.setattr(console.sys, "platform", system)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    if asked:
        monkeypatch.setenv("PYTHONIOENCODING", asked)
    stream = io.TextIOWrapper(held := io.BytesIO(), encoding="cp1252")
    console.make_printable(stream)
    stream.write("50 % ± λ 音")
    stream.flush()
    assert held.getvalue() == expected


@pytest.mark.parametrize("verb", ["list", "score", "report"])
def test_ctrl_c_says_how_to_go_on_only_where_that_is_so(monkeypatch, bench, verb):
    def pressed(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr("click.Command.invoke", pressed)
    done = bench(verb)
    assert done.returncode == 130
    assert done.stderr.strip() == "stopped"


def test_what_is_resumable_says_how():
    said = "the same command goes on from here"
    with pytest.raises(KeyboardInterrupt, match=said), console.announce_resumption("from here"):
        raise KeyboardInterrupt
