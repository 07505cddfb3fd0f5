"""Models of anyone's: every way to give one, and what is said of those that do not work."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench._io import packages
from bench.runner import foreign_models
from bench.runner.foreign_models import load_foreign, parse_model
from tests.errors import raises_code

CPU = torch.device("cpu")
WAVES = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 640)).astype(np.float32))
MARKS = torch.zeros(3, 2, dtype=torch.bool)
NEITHER_ONNX = "ONNX files need onnxruntime, which is not installed here"


class Mean(torch.nn.Module):
    """Scores a waveform by its mean."""

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        return waves.mean(1)


def write(folder: Path, body: str, name: str = "mine.py") -> str:
    (folder / name).write_text(body, encoding="utf-8")
    return str(folder / name)


def predict(text: str, resolution_s: float | None = None) -> torch.Tensor:
    return load_foreign(parse_model(text), CPU).predict(WAVES, MARKS, resolution_s).score


def test_functions_of_every_kind_score_alike(tmp_path, subtests):
    write(tmp_path, "def pool(waves):\n    return waves.mean(1)\n", "beside.py")
    module = "import torch\nclass M(torch.nn.Module):\n    def forward(self, x):\n"
    module += "        assert not self.training\n        return x.mean(1)\n"
    bodies = {
        "function": "def load(device):\n    return lambda waves: waves.mean(1)\n",
        "without device": "def load():\n    return lambda waves: waves.double().mean(1)\n",
        "module": f"{module}def load(device):\n    return M()\n",
        "of a file beside": "import beside\ndef load(device):\n    return beside.pool\n",
    }
    for name, body in bodies.items():
        with subtests.test(name=name):
            score = predict(f"{write(tmp_path, body)}:load")
            assert score.dtype == torch.float32
            torch.testing.assert_close(score, WAVES.mean(1)[:, None])


def test_names_say_file_and_function(tmp_path):
    path = write(tmp_path, "def load(d): return None\n")
    assert parse_model(path) == parse_model(f"{path}:load")
    assert (parse_model(path).name, parse_model(f"{path}:other").name) == ("mine", "mine-other")
    assert parse_model(path).compute_digest() != parse_model(f"{path}:other").compute_digest()
    before = parse_model(path).compute_digest()
    write(tmp_path, "def load(d): return print\n")
    assert parse_model(path).compute_digest() != before


def test_a_change_within_a_second_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for factor in (2, 3):
        path = write(tmp_path, f"def load(d):\n    return lambda w: {factor} * w.mean(1)\n")
        torch.testing.assert_close(predict(path), factor * WAVES.mean(1)[:, None])


def test_frames_are_scored_one_by_one(tmp_path):
    path = write(
        tmp_path, "def load(d):\n    return lambda w: w.reshape(len(w), -1, 320).mean(2)\n"
    )
    score = predict(path, 0.02)
    torch.testing.assert_close(score, WAVES.reshape(3, 2, 320).mean(2))
    with raises_code("foreign.output", path, "shape (3, 2)", "(3,)", "--resolution SECONDS"):
        predict(path)
    with raises_code("foreign.output", "shape (3, 2)", "(3, 4)", "frame of 0.01 s"):
        predict(path, 0.01)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_torchscript_scores_as_the_module(tmp_path):
    path = tmp_path / "mean.pt"
    torch.jit.script(Mean()).save(str(path))
    torch.testing.assert_close(predict(str(path)), WAVES.mean(1)[:, None])
    torch.save({"weight": torch.zeros(1)}, path)
    with raises_code("foreign.file", str(path), "not TorchScript", "Python file"):
        predict(str(path))


ONNX = "".join(
    (
        "CAg6XgowCgF3EgFzIgpSZWR1Y2VNZWFuKgsKBGF4ZXNAAaABByoPCghrZWVwZGltcxgAoAECEgFnWhUK",
        "AXcSEAoOCAESCgoDEgFiCgMSAW5iEAoBcxILCgkIARIFCgMSAWJCBAoAEA0=",
    )
)
"""ReduceMean over axis 1 of a float matrix, written by the package onnx."""


def test_onnx_scores_as_the_module(tmp_path):
    pytest.importorskip("onnxruntime", reason=NEITHER_ONNX)
    path = tmp_path / "mean.onnx"
    path.write_bytes(base64.b64decode(ONNX))
    torch.testing.assert_close(predict(str(path)), WAVES.mean(1)[:, None])
    path.write_bytes(b"no model")
    with raises_code("foreign.file", str(path), "not an ONNX model"):
        predict(str(path))


def test_onnx_asks_for_the_extra_that_brings_its_package(tmp_path, monkeypatch):
    path = tmp_path / "mean.onnx"
    path.touch()
    monkeypatch.setattr(foreign_models, "is_installed", lambda name: name != "onnxruntime")
    install = "pip install 'speech-deepfake-bench[onnx]'"
    with raises_code("package.missing", str(path), "an extra brings", install) as caught:
        predict(str(path))
    assert isinstance(caught.value, packages.NotInstalled)
    assert "gpu" not in str(caught.value)
    with raises_code("package.missing", install, "onnxruntime-gpu"):
        load_foreign(parse_model(str(path)), torch.device("cuda"))


def test_errors_of_foreign_code_have_file_and_line(tmp_path, subtests):
    cases = {
        "on import": ("x = 1\nimport no_such_thing\n", ":2", "ModuleNotFoundError"),
        "syntax": ("x = 1\n\ndef load(:\n", ":3", "SyntaxError"),
        "in load": ("def load(d):\n    return 1 / 0\n", ":2", "ZeroDivisionError"),
        "missing file": ("def load(d):\n    open('/no')\n", ":2", "FileNotFoundError"),
        "in the call": (
            "def load(d):\n    return lambda w: (\n        w.reshape(7, -1))\n",
            ":3",
            "RuntimeError",
        ),
    }
    for name, (body, line, error) in cases.items():
        path = write(tmp_path, body)
        with subtests.test(name=name), raises_code("foreign.code", f"mine.py{line}: {error}"):
            predict(path)


def test_answers_that_are_no_scores_are_refused(tmp_path, subtests):
    for answer, given in (
        ("(w, w)", "tuple"),
        ("w.mean()", "shape ()"),
        ("w.mean(1)[:, None]", "shape (3, 1)"),
        ("w.mean(1)[:2]", "shape (2,)"),
        ("w.mean(1) > 0", "torch.bool"),
        ("w.mean(1).tolist()", "list"),
    ):
        path = write(tmp_path, f"def load(d):\n    return lambda w: {answer}\n")
        with subtests.test(name=answer), raises_code("foreign.output", path, given, "(3,)"):
            predict(path)


def test_what_is_no_model_is_refused(tmp_path, subtests):
    python = write(tmp_path, "def laod(device): return print\n")
    other = write(tmp_path, "", "weights.bin")
    for text, code, parts in (
        (str(tmp_path / "no.pt"), "foreign.file", ["no such file"]),
        (f"{tmp_path}/no.py:load", "foreign.file", ["no.py", "no such file"]),
        (other, "foreign.file", ["mine.py:load", ".onnx"]),
        (python, "foreign.function", ["no function 'load'", "'laod'"]),
        (write(tmp_path, "def load(d): return 3\n", "b.py"), "foreign.function", ["returns int"]),
    ):
        with subtests.test(name=text), raises_code(code, *parts):
            predict(text)
