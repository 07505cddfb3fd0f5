"""The README's length, the citation file, the templates and the workflow."""

from __future__ import annotations

import re
import tomllib

import yaml
from jsonschema import Draft7Validator

from bench import __version__

from .pages import DOCS, ROOT

_CITATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["authors", "cff-version", "message", "title"],
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "message": {"type": "string", "minLength": 1},
        "type": {"enum": ["software", "dataset"]},
        "title": {"type": "string", "minLength": 1},
        "abstract": {"type": "string", "minLength": 1},
        "version": {"type": "string", "minLength": 1},
        "license": {"const": "Apache-2.0"},
        "keywords": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "authors": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {"name": {"type": "string", "minLength": 1}},
            },
        },
    },
}
"""Of the Citation File Format's schema 1.2.0, the keys that the file has; an author is an entity,
which has a `name`."""


def _read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_citation_file_is_valid_and_of_this_version() -> None:
    citation = _read_yaml("CITATION.cff")
    assert not [error.message for error in Draft7Validator(_CITATION).iter_errors(citation)]
    assert citation["version"] == __version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["license"] == project["license"]


def test_the_workflow_runs_what_everybody_runs() -> None:
    (job,) = _read_yaml(".github/workflows/ci.yml")["jobs"].values()
    assert "bash .ci/run" in [step.get("run") for step in job["steps"]]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert ".venv/bin/bench report all --check" in script.splitlines()
    makes = [line.split()[1:] for line in script.splitlines() if line.startswith("make ")]
    assert {"check", "docs", "test", "demo", "wheel"} <= {word for words in makes for word in words}


def test_every_issue_form_asks_for_something() -> None:
    forms = [*(ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")]
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem != "config":
            assert form["name"]
            assert form["description"]
            assert any(part["validations"]["required"] for part in form["body"][:1])
            labels = [part["attributes"]["label"] for part in form["body"]]
            assert len({*labels}) == len(labels)
    assert len(forms) == 4


def test_generated_pages_are_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/docs/generated/", "/docs/_build/"} <= {*ignored}


def test_every_page_is_in_a_list_of_pages() -> None:
    """Sphinx warns as well; this one says it without building the site."""
    lists = [DOCS / "index.md", DOCS / "how-to/index.md"]
    named = {
        (page.parent / line).with_suffix(".md").resolve()
        for page in lists
        for text in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        for line in text.splitlines()
        if line and not line.startswith(":")
    }
    pages = {path for path in DOCS.rglob("*.md") if not {"generated", "_build"} & {*path.parts}}
    parts = {
        (page.parent / part).resolve()
        for page in pages
        for part in re.findall(r"```\{include\} (\S+\.md)", page.read_text("utf-8"))
    }
    assert not {path.resolve() for path in pages} - named - parts - {DOCS / "index.md"}
