"""A detector of anyone's, as a model that scores waves: a Python function, TorchScript or ONNX.

What the code of others raises or returns is checked here, so that every error names the file and
the line, or the shape that is expected.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench._io import machine
from bench._io.digests import file_digest
from bench._io.packages import NotInstalled, is_installed, missing_message
from bench.errors import BenchError, near_name, plain_message
from bench.models.systems.base import Prediction
from bench.units import frame_samples

LOADER = "load"
"""The function of a Python file that is called where none is named."""


class ModelFile(NamedTuple):
    """A model as the command line names it: `mine.py:load`, `model.pt`, `model.onnx`."""

    path: Path
    loader: str
    """The function of a Python file; "" for other files."""

    @property
    def text(self) -> str:
        """The file as the command line names it."""
        return f"{self.path}:{self.loader}" if self.loader else str(self.path)

    @property
    def name(self) -> str:
        """What the system is called where nothing is said."""
        ending = "" if self.loader in ("", LOADER) else f"-{self.loader}"
        return f"{self.path.stem}{ending}"

    def compute_digest(self, work: Path | None = None) -> str:
        """Return hexadecimal digits of the file and the function that is called."""
        ending = f"-{self.loader}" if self.loader else ""
        return f"{file_digest(self.path, work)}{ending}"


def parse_model(text: str) -> ModelFile:
    """Return the file that `--model` names; BenchError where it is none."""
    path, loader = Path(text), ""
    if not path.exists():
        before, colon, after = text.rpartition(":")
        if colon and Path(before).suffix == ".py":
            path, loader = Path(before), after
    if not path.is_file():
        raise BenchError("foreign.file", f"--model {text}: {path}: there is no such file")
    if path.suffix == ".py":
        return ModelFile(path, loader or LOADER)
    if path.suffix not in _READERS:
        raise BenchError(
            "foreign.file",
            f"--model {text}: should be a Python file with its function (mine.py:{LOADER}), or a "
            f"file that ends in {' or '.join(_READERS)}",
        )
    return ModelFile(path, loader)


class ForeignModel(nn.Module):
    """A function of waves that gives scores, with its answers checked."""

    def __init__(self, file: ModelFile, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.file = file
        self.function = function
        self.eval()

    def predict(self, waves: Tensor, breath_mask: Tensor, resolution_s: float | None) -> Prediction:  # noqa: ARG002
        """Return scores "batch frames", float32, and no logits."""
        with _name_line(self.file.path):
            answer = self.function(waves)
        score = self._check_answer(answer, waves, resolution_s).float()
        score = score[:, None] if resolution_s is None else score
        return Prediction(score, score.new_empty((*score.shape, 0)))

    def _check_answer(self, answer: Any, waves: Tensor, resolution_s: float | None) -> Tensor:
        batch, samples = waves.shape
        frames = None if resolution_s is None else samples // frame_samples(resolution_s)
        expected = (batch,) if frames is None else (batch, frames)
        if not isinstance(answer, Tensor):
            given = type(answer).__name__
        elif answer.is_complex() or answer.dtype == torch.bool:
            given = f"{answer.dtype}"
        elif tuple(answer.shape) != expected:
            given = f"shape {tuple(answer.shape)}"
        else:
            return answer
        unit = "waveform" if frames is None else f"frame of {resolution_s:g} s"
        hint = "; scores of frames need --resolution SECONDS" if frames is None else ""
        raise BenchError(
            "foreign.output",
            f"{self.file.path}: returns {given} for waves of shape {(batch, samples)}: should be a "
            f"tensor of shape {expected}, one real number for each {unit}{hint}",
        )


def load_foreign(file: ModelFile, device: torch.device) -> ForeignModel:
    """Return the model on `device`, in evaluation mode; BenchError where it cannot be loaded."""
    read = _load_python if file.path.suffix == ".py" else _READERS[file.path.suffix]
    return ForeignModel(file, read(file, device))


def _load_python(file: ModelFile, device: torch.device) -> Callable[[Tensor], Any]:
    path = file.path.resolve()
    if str(path.parent) not in sys.path:  # as `python mine.py` has it: files beside are modules
        sys.path.insert(0, str(path.parent))
    name = f"bench_model_{path.stem}"
    source = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, source)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _name_line(file.path):
        # Not from the bytecode that is kept of it: a change of equal size within a second is none
        # to Python.
        exec(source.source_to_code(path.read_bytes(), path), vars(module))
    load = getattr(module, file.loader, None)
    if not callable(load):
        functions = [key for key, value in vars(module).items() if callable(value)]
        raise BenchError(
            "foreign.function",
            f"{file.path}: has no function {file.loader!r}{near_name(file.loader, functions)}: "
            f"should be `def {file.loader}(device)` that returns a function of waveforms",
        )
    with _name_line(file.path):
        function = load(device) if signature(load).parameters else load()
    if not callable(function):
        raise BenchError(
            "foreign.function",
            f"{file.path}: {file.loader} returns {type(function).__name__}: should be a function "
            'that takes waveforms "batch samples" and returns scores',
        )
    return function.to(device).eval() if isinstance(function, nn.Module) else function


def _load_torchscript(file: ModelFile, device: torch.device) -> Callable[[Tensor], Any]:
    try:
        with warnings.catch_warnings():
            # torch asks for `torch.export` instead, but files that there are still load.
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(str(file.path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        raise BenchError(
            "foreign.file",
            f"{file.path}: is not TorchScript (torch.jit.save): {_first_line(error)}; weights "
            f"alone (torch.save) need a Python file whose function `{LOADER}` builds the model",
        ) from error


def _load_onnx(file: ModelFile, device: torch.device) -> Callable[[Tensor], Any]:
    if not is_installed("onnxruntime"):
        message = missing_message(f"{file.path}: an ONNX model", "onnxruntime")
        on_gpu = "; for a GPU install onnxruntime-gpu instead" if device.type == "cuda" else ""
        raise NotInstalled("package.missing", message + on_gpu)
    runtime: Any = importlib.import_module("onnxruntime")
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    there = [name for name in wanted if name in runtime.get_available_providers()]
    try:
        session = runtime.InferenceSession(
            str(file.path), providers=[*there, "CPUExecutionProvider"]
        )
    except Exception as error:
        raise BenchError(
            "foreign.file", f"{file.path}: is not an ONNX model: {_first_line(error)}"
        ) from error
    inputs = [part.name for part in session.get_inputs()]
    if len(inputs) != 1:
        raise BenchError(
            "foreign.file", f"{file.path}: takes {', '.join(inputs)}: should take waveforms alone"
        )

    def score_waves(waves: Tensor) -> Tensor:
        answers = session.run(None, {inputs[0]: waves.cpu().numpy()})
        return torch.from_numpy(answers[0])

    return score_waves


_READERS: dict[str, Callable[[ModelFile, torch.device], Callable[[Tensor], Any]]] = {
    ".pt": _load_torchscript,
    ".onnx": _load_onnx,
}


@contextmanager
def _name_line(path: Path) -> Generator[None]:
    """Make every error of foreign code a BenchError with the line of its file.

    Errors of the suite, and a lack of memory, pass as they are.
    """
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        explained = machine.explain_error(error)
        if explained is not None and explained.code == "machine.no-memory":
            raise
        where = _find_line(error, path)
        raise BenchError(
            "foreign.code", f"{where}: {type(error).__name__}: {_first_line(error)}"
        ) from error


def _find_line(error: BaseException, path: Path) -> str:
    """Return the last line of the traceback that is in the folder of `path`, as `file:line`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    folder = path.resolve().parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(folder) and "site-packages" not in file.parts:
            return f"{path if file == path.resolve() else file}:{frame.lineno}"
    return str(path)


def _first_line(error: BaseException) -> str:
    """Return what an error says in one line; TorchScript's own is the last one."""
    lines = plain_message(error).strip().splitlines() or [""]
    return lines[-1] if "TorchScript" in lines[0] else lines[0]
