"""The tensors of a published system: a front-end's model and the parts behind it, by our names."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bench.models.frontends.layouts import translate_upstream
from bench.models.official_names import Rules, rename_tensors


def name_tensors(
    tensors: Mapping[str, Tensor], upstreams: tuple[str, ...], rules: Rules
) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by our names, in its own order of classes.

    `upstreams`: where the front-end's model may lie, fairseq's or s3prl's. `rules` name the rest.
    """
    encoder: dict[str, Tensor] = {}
    behind: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        prefix = next(filter(name.startswith, upstreams), None)
        if prefix is None:
            behind[name] = tensor
        else:
            encoder[name.removeprefix(prefix)] = tensor
    frontend = {f"frontend.{name}": part for name, part in translate_upstream(encoder).items()}
    return {**frontend, **rename_tensors(behind, rules)}
