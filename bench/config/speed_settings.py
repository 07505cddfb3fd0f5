"""`[speed]` of bench.toml: how this machine computes, without a change of what is computed.

Results differ by rounding at most, as they do between machines; each run says which were on.
"""

from __future__ import annotations

from typing import Literal

from bench.specs.base import NotNegative, Positive, Spec


class SpeedSettings(Spec):
    """All of `[speed]`."""

    fused_adam: bool | None = None
    """Whether Adam updates all weights in one pass over memory. Where it is left out: on the CPU
    and on NVIDIA's GPUs, unless float16's loss scale and `training.gradient_clip` meet."""
    compile: Literal["none", "blocks", "cuda-graphs"] = "none"
    """`blocks`: torch.compile makes one kernel of several in the encoder's blocks. `cuda-graphs`
    also replays them without the host, for small batches of one length. Where the compiler fails,
    a line says so, and they run as they are."""
    channels_last: bool | None = None
    """Whether the encoder's convolutions keep the channels of a sample side by side, so that
    nothing is transposed. Where it is left out: on the CPU."""
    gradient_checkpointing: bool = False
    """Whether training computes each block of the encoder once more instead of keeping what is
    within it: less memory, a third more time, the same results."""
    score_batch_s: Positive | None = None
    """Seconds of audio in a batch that is scored. Where it is left out: 40 on the CPU; on a GPU as
    many as its free memory holds."""
    kept_features_gb: NotNegative = 0.0
    """Memory, in GB of 10^9 bytes, for what frozen convolutions make of the dev set, which then is
    computed in the first epoch alone."""
