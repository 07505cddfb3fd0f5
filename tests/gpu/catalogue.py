"""The parts of the script in their order: what the others need, then the most important first."""

from __future__ import annotations

from tests.gpu.parts import MACHINE, Part

_MADE, _TRAINING, _FILES = (
    f"tests.gpu.{name}" for name in ("made", "training_parts", "file_parts")
)
_AUDIO = ("pyworld", "soundfile")
PARTS = (
    Part(MACHINE, f"{_MADE}:measure_machine", 40, is_needed=True),
    Part("made weights", f"{_MADE}:make_weights", 40, is_needed=True),
    Part("made corpora", f"{_MADE}:make_corpora", 60, _AUDIO),
    Part("SAL S7", f"{_TRAINING}:measure_settings", 90),
    Part("encoders", f"{_TRAINING}:measure_others", 110, ("transformers",)),
    Part("SAL S7 from files", f"{_FILES}:measure_training", 80, _AUDIO),
    Part("batch 10", f"{_TRAINING}:measure_small_batches", 30),
    Part("loader", f"{_FILES}:measure_loaders", 30, _AUDIO),
    Part("RawBoost", f"{_FILES}:measure_rawboost", 15, _AUDIO),
    Part("checkpoints", f"{_FILES}:measure_checkpoints", 30),
    Part("short row", f"{_FILES}:measure_short_row", 80, _AUDIO),
    Part("compiled", f"{_TRAINING}:measure_compiled", 90),
    Part("batch 10, CUDA graphs", f"{_TRAINING}:measure_small_graphs", 90),
    Part("CUDA graphs", f"{_TRAINING}:measure_graphs", 90),
)


def choose_parts(only: str, is_trial: bool) -> list[Part]:
    """Return the parts whose names hold `only`, and what others need."""
    chosen = [part for part in PARTS if part.measure.startswith(_MADE) or only in part.name]
    # On the CPU of a machine that others use, no part is stopped for its time alone.
    return [part._replace(budget_s=20 * part.budget_s) if is_trial else part for part in chosen]
