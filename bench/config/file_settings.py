"""What bench.toml may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.config.slurm_settings import SlurmSettings
from bench.config.speed_settings import SpeedSettings
from bench.specs.base import Count, Spec
from bench.specs.precision import Precision

Place = Annotated[str, Field(min_length=1)]
"""A path; one that is not absolute is below the folder of `bench.toml`."""


class NoiseFolders(Spec):
    """Folders of recordings that training adds; each may be left out."""

    musan: Place | None = None
    """MUSAN: noise, speech and music."""
    rirs: Place | None = None
    """Impulse responses of rooms."""


class ConfigFile(Spec):
    """What `bench.toml` may say; all of it may be left out."""

    cards: Place | None = None
    """A folder that holds cards of corpora and nothing else, one `<key>.toml` each; `extend` does
    the same and more."""
    extend: tuple[Place, ...] = Field(default=(), strict=False)
    """Folders of your own cards, laid out as the suite is, e.g. `["lab"]`: lab/datasets/mine.toml,
    lab/experiments/mine/ablation.toml, lab/experiments/sweeps/mine.toml."""
    corpora: dict[str, Place] = Field(default_factory=dict[str, str])
    """Folder of each corpus, e.g. `partialspoof = "/data/PartialSpoof/database"`."""
    weights: dict[str, Place] = Field(default_factory=dict[str, str])
    """File or folder of each pretrained model, e.g. `xlsr2_300m = "/data/xlsr2_300m.pt"`; or of
    breaths that were found elsewhere, a CSV."""
    noise: NoiseFolders = NoiseFolders()
    work: Place = "work"
    """Folder for checkpoints, scores and the miniature corpora."""
    tracking: Place | None = None
    """MLflow tracking store, e.g. `"sqlite:////data/mlflow.db"` or a server's address."""
    stage: tuple[Place, ...] = Field(default=(), strict=False)
    """Corpora that are copied to this machine's own disk before rows run, e.g.
    `["partialspoof"]`: for machines of a cluster, whose corpora are on a network drive."""
    scratch: Place | None = None
    """Folder of this machine's own disk that `stage` copies to; where it is left out, $SLURM_TMPDIR
    or the folder of temporary files."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1
    """How many of them, on each node."""
    nodes: Count = 1
    """How many machines train one row together; srun or torchrun starts a process for each of
    their devices."""
    workers: Annotated[int, Field(ge=0)] | None = None
    """Processes that load audio on a node, shared out among its devices; as many as suit the
    device where it is left out."""
    precision: Precision | None = None
    """In which precision rows are computed, of those that they admit (`training.admits`):
    `fp32`, `tf32`, `bf16-mixed` or `fp16-mixed`. Where it is left out, `bf16-mixed` on a GPU that
    has bfloat16, else `fp32`. (A run's signature has the precision that was chosen.)"""
    augment_on: Literal["host", "device"] = "host"
    """Where noise is added to training clips (RawBoost, unless clips are spliced after it): in the
    processes that load audio, or on the device that trains, for machines whose cores cannot feed
    it. A clip gets the same noise, up to rounding."""
    deterministic: bool = False
    """Whether torch may use deterministic algorithms only: the same command on the same machine
    gives the same figures on a GPU too, more slowly. (On the CPU it does anyway, with the same
    number of threads.)"""
    checkpoint_minutes: Annotated[float, Field(ge=0)] = 0.0
    """Minutes between two saved states of a training, within a long epoch too; 0 saves each epoch's
    at its end. A training that is killed goes on from the last one, to equal figures."""
    evaluate: Literal["auto", "beside", "before"] = "auto"
    """When the figures of a row that is trained and scored are computed and drawn (intervals,
    breakdowns, pictures): `beside` the next row's training, in a process of their own that yields
    to it, or `before` that training begins. `auto` is `before` on a CPU of one core, which training
    needs itself, and else `beside`. The figures are the same."""
    speed: SpeedSettings = SpeedSettings()
    """How this machine computes, without a change of what is computed
    (`bench.config.speed_settings`)."""
    slurm: SlurmSettings = SlurmSettings()
    """What jobs of `--on slurm` ask for (`bench.config.slurm_settings`)."""
