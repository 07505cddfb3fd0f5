"""What `[speed]` of bench.toml asks of a system."""

from __future__ import annotations

import copy
import logging
import warnings

import torch
from lightning_fabric import Fabric
from torch import nn

from bench.config.speed_settings import SpeedSettings
from bench.models.frontends.encoder import Encoder, uses_channels_last
from bench.models.systems.base import System
from bench.specs.run import Run

BACKEND = "inductor"
"""torch's own compiler."""
TRIAL_HOPS = 50
REASON = 200
"""Characters of a compiler's message that are shown."""
_LOG = logging.getLogger(__name__)


def apply_speed(fabric: Fabric, system: System, speed: SpeedSettings) -> None:
    """Set up a system, which is on its device, as `speed` says; only an encoder has such parts."""
    encoder = system.frontend
    if not isinstance(encoder, Encoder):
        return
    encoder.channels_last = speed.channels_last
    encoder.checkpoints_gradients = speed.gradient_checkpointing
    if speed.compile != "none":
        _compile_blocks(fabric, encoder, graphs=speed.compile == "cuda-graphs")


def uses_fused_adam(run: Run, speed: SpeedSettings, device: str) -> bool:
    """Return whether the optimiser of a run is fused on a device.

    It never is where a clipped gradient has to be unscaled before the step, which then does so.
    """
    if run.training.precision == "fp16-mixed" and run.training.gradient_clip:
        return False
    return device in ("cpu", "cuda") if speed.fused_adam is None else speed.fused_adam


def describe_speed(run: Run, speed: SpeedSettings, fabric: Fabric) -> list[str]:
    """Return what is on that may change last digits."""
    parts = {
        "fused Adam": run.is_trained and uses_fused_adam(run, speed, fabric.device.type),
        "torch.compile": speed.compile != "none",
        "channels last": uses_channels_last(speed.channels_last, fabric.device.type),
    }
    return [f"{name} on" for name, is_on in parts.items() if is_on]


def _compile_blocks(fabric: Fabric, encoder: Encoder, *, graphs: bool) -> None:
    """Compile each block in place, or say in a line why not: a trial of one is made before."""
    blocks = [block for block in encoder.blocks if isinstance(block, nn.Module)]
    options = {"backend": BACKEND, "mode": "reduce-overhead"} if graphs else {"backend": BACKEND}
    bias = encoder.relative(TRIAL_HOPS).detach() if encoder.relative else None
    trial = copy.deepcopy(blocks[0])
    inputs = torch.zeros(1, TRIAL_HOPS, encoder.dim, device=fabric.device, requires_grad=True)
    # torch's compiler looks at the gradient of what it is given, and torch warns of that.
    warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf")
    try:
        trial.compile(**options)
        with torch.random.fork_rng(), torch.enable_grad():
            with fabric.autocast():
                outputs = trial(2 * inputs, bias)
            outputs.sum().backward()
    except Exception as error:  # of a compiler, or of what it calls: anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:REASON]
        if fabric.is_global_zero:
            _LOG.warning("torch.compile fails, the blocks run as they are: %s", reason)
        return
    # The blocks are compiled for the clips' length: after the trial's it would be for any length.
    torch.compiler.reset()
    for block in blocks:
        block.compile(**options)
