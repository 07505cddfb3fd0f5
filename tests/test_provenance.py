"""What a result came from: the commit of a checkout or of an installation, versions of packages."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from types import SimpleNamespace

import pytest

from bench import __version__, provenance
from bench._io import packages
from bench.tracking import registered_models

COMPUTES = ("data", "evaluation", "metrics", "models", "training")
"""Packages of bench in which results are computed."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FROM_COMMIT = {
    "url": "https://example.org/bench.git",
    "vcs_info": {"vcs": "git", "commit_id": COMMIT},
    "subdirectory": "core",
}


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Have every distribution installed from where `installed` is told, by PEP 610's file."""

    def have(origin):
        text = None if origin is None else json.dumps(origin)
        of = SimpleNamespace(read_text=lambda name: text if name == "direct_url.json" else None)
        monkeypatch.setattr(provenance, "distribution", lambda name: of)
        monkeypatch.setattr(provenance, "ROOT", tmp_path)

    return have


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, f"version {__version__}"),
        ({"url": "file:///a.whl", "archive_info": {}}, f"version {__version__}"),
        (FROM_COMMIT, COMMIT[:12]),
    ],
    ids=["an index", "a file", "a repository"],
)
def test_without_a_checkout_the_commit_is_that_of_the_installation(installed, origin, expected):
    installed(origin)
    assert provenance.read_commit() == expected
    assert provenance.lock_digest() == "none"


def test_a_checkout_is_changed_where_its_code_or_cards_are(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)

    def run_git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/a.py").write_text("a = 1\n", encoding="utf-8")
    for words in (("init",), ("add", "-A"), ("commit", "-m", "first")):
        run_git(*words)
    commit = provenance.read_commit()
    assert len(commit) == 12
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/table.md").write_text("", encoding="utf-8")
    assert provenance.read_commit() == commit, "what the suite wrote is no change"
    (tmp_path / "bench/b.py").write_text("", encoding="utf-8")
    assert provenance.read_commit() == f"{commit}+changes"


def test_what_is_not_installed_came_from_nowhere():
    assert provenance.read_origin("no-such-distribution") == {}


def test_every_package_that_results_are_computed_with_is_recorded(root):
    imported = set()
    for folder in COMPUTES:
        for path in (root / "bench" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {of.name.partition(".")[0] for of in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add((node.module or "").partition(".")[0])
    found = packages_distributions()
    others = imported - {"bench", "__future__"} - sys.stdlib_module_names
    assert "numpy" in others
    for name in others:
        assert {name.replace("_", "-"), *found[name]} & {*provenance.PACKAGES}, name
    text = provenance.describe_environment()
    assert text.startswith("python 3.")
    assert f"numpy {provenance.package_versions()['numpy']}" in text.split(", ")


def test_what_is_missing_is_not_recorded(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-distribution"))
    assert provenance.package_versions()["no-such-distribution"] == "missing"
    assert "no-such-distribution" not in provenance.describe_environment()


def test_a_model_requires_what_the_installed_distribution_does(installed):
    pinned = dict(text.split("==") for text in registered_models.pip_requirements())
    versions = provenance.package_versions()
    for name in ("torch", "torchaudio", "numpy", "s3prl", "scipy"):
        assert pinned[name] == versions[name]
    assert pinned[packages.WHOLE] == pinned[packages.CORE] == __version__
    assert not {"boto3", "psycopg"} & pinned.keys(), "extras are no part of it"
    installed(FROM_COMMIT)
    url = f"git+https://example.org/bench.git@{COMMIT}#subdirectory=core"
    assert f"{packages.CORE} @ {url}" in registered_models.pip_requirements()


def test_a_model_requires_torch_where_the_core_stands_alone(monkeypatch):
    own = packages.installed_version

    def of_core(name):
        return "" if name == packages.WHOLE else own(name)

    monkeypatch.setattr(packages, "installed_version", of_core)
    names = [text.partition("==")[0] for text in registered_models.pip_requirements()]
    assert names[0] == packages.CORE
    assert "torch" in names
    assert packages.WHOLE not in names
