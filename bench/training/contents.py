"""What a run is made from beside its settings and its data, by content: weights, noise, detectors,
breaths that others found, and the code where it gives other results than before.

A name in the settings says where something lies, and not what lies there. Whoever replaces a file
of weights has another run, though no setting differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import versions
from bench._io.digests import file_digest, list_digest
from bench.config import Config
from bench.models import weights
from bench.models.breath import dsp
from bench.specs.breath import Breath, Dsp, Precomputed, Respiro
from bench.specs.frontends import S3prl, Wav2Vec2, WavLM
from bench.specs.run import Data, Run


def of_training(run: Run, config: Config) -> dict[str, str]:
    """Return digests of the front-end's weights and of recorded noise, by what each is, `weights
    xlsr2_300m`, `noise musan`, and raised versions of what trains: `system sal`.

    What is not there is a BenchError that says what to get.
    """
    found: dict[str, str] = {}
    if isinstance(run.frontend, Wav2Vec2 | WavLM | S3prl):
        found |= _weights(run.frontend.weights, config, weights.ANY_LAYOUT)
    if run.augment.kind == "noise":
        roots = {f"noise {key}": config.noise_root(key) for key in ("musan", "rirs")}
        found |= {name: list_digest(_below(root)) for name, root in roots.items()}
    return found | versions.raised(versions.of_training(run))


def of_data(data: Data, config: Config) -> dict[str, str]:
    """Return what `of_breaths` does of a split's breaths, and raised versions of what reads and
    labels it: `reader protocol`.
    """
    return of_breaths(data.breath, config) | versions.raised(versions.of_data(data))


def of_breaths(breath: Breath, config: Config) -> dict[str, str]:
    """Return digests and versions of what finds breaths, as `of_training` does: `detector dsp`,
    `breaths NAME`.
    """
    match breath:
        case Dsp():
            return {"detector dsp": f"version {dsp.RESULTS_VERSION}"}
        case Respiro(weights=key):
            from bench.models.breath import respiro  # it needs torch, and nobody else here does

            version = {"detector respiro": f"version {respiro.RESULTS_VERSION}"}
            return version | _weights(key, config, weights.ANY_COPY)
        case Precomputed(intervals=key):
            path = weights.locate(key, config, weights.INTERVALS)
            return {f"breaths {key}": file_digest(path)}
        case _:
            return {}


def _weights(key: str, config: Config, otherwise: str) -> dict[str, str]:
    return {f"weights {key}": weights.content_digest(weights.locate(key, config, otherwise))}


def _below(root: Path) -> Iterator[tuple[str, Path]]:
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return ((path.relative_to(root).as_posix(), path) for path in paths)
