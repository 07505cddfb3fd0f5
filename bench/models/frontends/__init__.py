"""Self-supervised front-ends of the wav2vec 2.0 family: waveforms in, hidden states out.

`bench.specs.frontends` says which there are. Importing this package imports torch and nothing
heavier.
"""

from __future__ import annotations

from bench.models.frontends.base import FrontEnd

__all__ = ["FrontEnd"]
