"""The interface of a front-end: waveforms in, a tuple of hidden states out."""

from __future__ import annotations

from torch import Tensor, nn

from bench.errors import BenchError
from bench.units import RECEPTIVE_FIELD_SAMPLES


class FrontEnd(nn.Module):
    """Waveforms to hidden states; one state each 20 ms (hop 320 samples, receptive field 400).

    `forward(waves)` takes float waveforms "batch samples" at 16 kHz and returns a tuple of
    `n_states` tensors "batch hops dim". With n blocks there are n + 1 states: state i is the input
    of block i + 1, so state 0 is the projected convolutional features plus their positional
    convolution (and, while training with dropout, that dropout), and the last state is the
    encoder's output. This is the order of s3prl and of transformers 4; others count differently
    (n is 24 in XLS-R 300M and WavLM-Large):

    | source                          | states | the first is          | final LayerNorm on last |
    |---------------------------------|--------|-----------------------|-------------------------|
    | fairseq `layer_results`         | 24     | the output of block 1 | no                      |
    | torchaudio `extract_features`   | 24     | the output of block 1 | no                      |
    | s3prl `hidden_states`           | 25     | the input of block 1  | yes                     |
    | transformers 4 `hidden_states`  | 25     | the input of block 1  | yes                     |
    | transformers 5 `hidden_states`  | 25     | the input of block 1  | no                      |
    | here, `last_state="normalised"` | 25     | the input of block 1  | yes                     |
    | here, `last_state="raw"`        | 25     | the input of block 1  | no                      |

    All but the last state are residual streams of a pre-LayerNorm encoder, not normalised, and grow
    with depth. Waveforms of one batch have one length: there is no padding mask, and padded samples
    are seen as silence.
    """

    dim: int
    """Width of every hidden state."""
    n_states: int
    """How many hidden states `forward` returns."""


def check_waves(waves: Tensor) -> None:
    """Raise `BenchError` unless `waves` is a floating "batch samples" of 400 samples or more."""
    if waves.ndim != 2 or not waves.is_floating_point():
        raise BenchError(
            "model.input",
            f"a front-end takes floating-point waveforms of shape (batch, samples), not "
            f"{waves.dtype} of shape {tuple(waves.shape)}",
        )
    if waves.shape[1] < RECEPTIVE_FIELD_SAMPLES:
        raise BenchError(
            "model.input",
            f"waveforms of {waves.shape[1]} samples are too short: one hidden state sees "
            f"{RECEPTIVE_FIELD_SAMPLES} samples (25 ms)",
        )
