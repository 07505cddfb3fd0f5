"""What is missing where only the core is installed, said with the command that installs it."""

from __future__ import annotations

import re
import sys

import pytest

from bench._io import machine, packages

ADD = "speech-deepfake-bench"


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/x/.venv", f"pip install {ADD}"),
        (
            "/home/x/.cache/uv/archive-v0/Ab3",
            f"uvx --from {ADD}-core --with {ADD} bench ...",
        ),
        (f"/home/x/.local/share/uv/tools/{ADD}-core", f"uv tool install {ADD}-core --with {ADD}"),
        (f"/home/x/.local/share/pipx/venvs/{ADD}-core", f"pipx inject {ADD}-core {ADD}"),
    ],
)
def test_the_command_is_that_of_the_tool_that_made_the_environment(monkeypatch, prefix, command):
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(packages, "is_installed", lambda package: package == "pip")
    assert packages.install_command() == command


def test_an_environment_without_pip_is_uvs(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/home/x/.venv")
    monkeypatch.setattr(packages, "is_installed", lambda package: False)
    assert packages.install_command("s3") == f"uv pip install '{ADD}[s3]'"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/bin/bench", "run", "cross"], "bench run"),
        (["/x/bench/__main__.py", "data", "mini", "x"], "bench data mini"),
        (["bench", "explain", "--help"], "bench explain"),
        (["speech-deepfake-bench"], "bench"),
        (["/bin/pytest", "run"], "this"),
    ],
)
def test_the_command_is_named_by_its_verbs(monkeypatch, arguments, command):
    monkeypatch.setattr(sys, "argv", arguments)
    assert packages.current_command() == command


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("torch.nn", "needs torch, which the whole suite brings: "),
        ("av", f"needs av, which an extra brings: .*'{ADD}\\[video\\]'"),
        ("boto3", f"needs boto3, which an extra brings: .*'{ADD}\\[s3\\]'"),
        ("psycopg", f"needs psycopg, which an extra brings: .*'{ADD}\\[postgresql\\]'"),
        ("onnxruntime", f"needs onnxruntime, which an extra brings: .*'{ADD}\\[onnx\\]'"),
        ("unheard.of", "needs unheard, which is not installed: no extra of this suite brings it"),
    ],
)
def test_a_missing_module_is_one_line(module, said):
    explained = machine.explain_error(
        ModuleNotFoundError(f"No module named {module!r}", name=module)
    )
    assert explained is not None
    assert (explained.code, explained.exit_code) == ("package.missing", machine.EXIT_MACHINE)
    assert re.search(said, explained.message)


@pytest.mark.parametrize("module", ["bench.not_there", None])
def test_a_missing_module_of_ours_is_a_fault_of_ours(module):
    assert machine.explain_error(ModuleNotFoundError("No module", name=module)) is None


def test_what_is_needed_is_asked_before_anything_is_imported(monkeypatch):
    monkeypatch.setattr(packages, "is_installed", lambda package: package != "lightning_fabric")
    packages.require_packages("torch")
    with pytest.raises(packages.NotInstalled, match="needs lightning_fabric, which the whole"):
        packages.require_packages("torch", "lightning_fabric", "mlflow")
