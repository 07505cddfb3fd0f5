"""Front-ends are built by their kind's name, and importing the package stays cheap."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import get_args

import pytest

from bench.specs import frontends as specs

KINDS = [
    get_args(kind.model_fields["kind"].annotation)[0]
    for kind in get_args(get_args(specs.FrontEnd)[0])
]


def test_importing_the_package_imports_no_stack_of_models():
    heavy = {"s3prl", "torchaudio", "transformers", "safetensors", "lightning_fabric"}
    code = f"import sys, bench.models.frontends; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_the_specification_has_its_module(kind):
    assert find_spec(f"bench.models.frontends.{kind}") is not None


def test_all_four_kinds_are_looked_at():
    assert sorted(KINDS) == ["s3prl", "tiny", "wav2vec2", "wavlm"]
