"""The house's rules that a machine can check: the wheel, where code is, how long files are."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from bench import __version__
from bench._io import packages
from bench.cards import card_files

CARDS = {"datasets": "datasets", "experiments": "experiments", "reports/templates": "templates"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Of `speech-deepfake-bench-core`, which has all files."""
    return _built(Path(__file__).parent.parent / "core", tmp_path_factory.mktemp("wheel"))


def _built(project: Path, place: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_whole_distribution_owns_no_file_of_the_cores(root, tmp_path):
    """Whichever of the two is installed later or removed, the other's files stay."""
    names = _built(root, tmp_path).namelist()
    assert {name.split("/")[0] for name in names} == {
        f"speech_deepfake_bench-{__version__}.dist-info"
    }


def test_both_distributions_are_of_one_version_and_share_no_requirement(root):
    whole, core = (
        tomllib.loads((root / place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for place in ("", "core")
    )
    assert whole["version"] == core["version"] == __version__
    assert f"{core['name']}=={__version__}" in whole["dependencies"]
    names = [{re.split(r"[^\w-]", of)[0] for of in each["dependencies"]} for each in (whole, core)]
    assert not names[0] & names[1]
    assert not {*whole["scripts"]} & {*core["scripts"]}
    assert (whole["name"], core["name"]) == (packages.WHOLE, packages.CORE)
    assert {*whole["optional-dependencies"]} == {"onnx", "s3", "postgresql", "video"}


def test_the_wheel_brings_nothing_but_bench(wheel):
    """A top-level `datasets` in a wheel would overwrite Hugging Face's package."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bench"}


@pytest.mark.parametrize(("folder", "packed"), CARDS.items())
def test_the_wheels_cards_are_the_checkouts(wheel, root, folder, packed):
    """A `datasets/` line in .gitignore would silently empty the wheel."""
    prefix = f"bench/_cards/{packed}/"
    found = {
        name.removeprefix(prefix): wheel.read(name)
        for name in wheel.namelist()
        if name.startswith(prefix)
    }
    expected = {
        str(path.relative_to(root / folder)): path.read_bytes()
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    assert expected
    assert found == expected


def test_the_wheel_holds_every_module_and_no_test(wheel, root):
    modules = {str(path.relative_to(root)) for path in (root / "bench").rglob("*.py")}
    names = set(wheel.namelist())
    assert modules <= names
    assert "bench/schema/output.schema.json" in names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.parametrize("folder", ["datasets", "experiments", "reports"])
def test_no_python_where_cards_are(root, folder):
    assert (root / folder).is_dir()
    assert not list((root / folder).rglob("*.py"))


def test_no_file_is_over_400_lines(root):
    files = [*(root / "bench").rglob("*.py"), *(root / "tests").rglob("*.py")]
    long = {
        str(path.relative_to(root)): lines
        for path in files
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_no_test_module_imports_from_another(root):
    pattern = re.compile(r"^\s*from \S*\btest_\w+ import|^\s*import \S*\btest_\w+", re.MULTILINE)
    wrong = [
        str(path.relative_to(root))
        for path in (root / "tests").rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_no_path_of_one_machine_is_in_the_tree(root):
    places = ("/work/", "/root/", "/home/")
    found = [
        f"{path.relative_to(root)}: {line}"
        for folder in ("bench", "datasets", "experiments", "docs")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".toml", ".md"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(place in line for place in places)
    ]
    assert not found


def test_cards_are_found_in_the_checkout(root):
    assert card_files.card_folder("datasets") == root / "datasets"
