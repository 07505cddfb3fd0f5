"""Front-ends are built by their kind's name, and importing the package stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.rows
def test_importing_the_package_imports_no_stack_of_models():
    heavy = {"s3prl", "torchaudio", "transformers", "safetensors", "lightning_fabric"}
    code = f"import sys, bench.models.frontends; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
