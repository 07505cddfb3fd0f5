"""What `bench profile` prints: where the time goes, and what to change."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench._io import disk, markdown

if TYPE_CHECKING:  # torch takes seconds
    from bench.runner.step_profile import StepProfile


def describe_profile(measured: StepProfile) -> Iterator[str]:
    """Yield the paragraphs of a profile: what was measured, its tables, and what to change."""
    yield (
        f"{measured.device}, {measured.precision}: {measured.rate:,.1f} clips/s in batches of "
        f"{measured.batch}, audio loaded by {measured.workers or 'the training process'}"
        f"{' processes' if measured.workers else ''}"
    )
    whole = measured.step_s
    parts = {"wait for clips": measured.wait_s, **measured.parts}
    yield _format_table(
        ("part of a step", "ms", "share"),
        [
            *((part, f"{1000 * s:,.1f}", f"{s / whole:.0%}") for part, s in parts.items()),
            ("a step as it is trained", f"{1000 * whole:,.1f}", ""),
            ("its least time on this device", f"{1000 * measured.bound_s:,.1f}", ""),
        ],
    )
    epoch = measured.epoch_parts
    total = sum(epoch.values())
    yield _format_table(
        ("part of an epoch", "s", "share"),
        [(part, f"{s:,.1f}", f"{s / total:.0%}") for part, s in epoch.items()],
    )
    work, best = measured.work, measured.at_best
    lines = [
        ("operations of a step", f"{work.operations:,}"),
        ("matrix products of a step", f"{work.flops / 1e9:,.1f} GFLOP"),
        ("bytes of the other operations", disk.human_bytes(work.moved)),
        ("matrix products of this device", f"{best.flops / 1e12:,.2f} TFLOP/s"),
        ("copies in its memory", f"{disk.human_bytes(int(best.bandwidth))}/s"),
        ("clips of the loader alone", f"{measured.loader_rate:,.1f} a second"),
        ("a clip on one core", f"{1000 * measured.clip_s:,.2f} ms"),
        ("utterances of dev", f"{measured.dev_rate:,.1f} a second"),
        ("a checkpoint", disk.human_bytes(measured.checkpoint_bytes)),
    ]
    if measured.host_s is not None:
        lines.append(("a step is started in", f"{1000 * measured.host_s:,.1f} ms"))
    if measured.peak_bytes is not None:
        lines.append(("most memory", disk.human_bytes(measured.peak_bytes)))
    yield _format_table(("measured", ""), lines)
    yield "\n".join(f"- {advice}" for advice in advise_changes(measured))


def advise_changes(measured: StepProfile) -> list[str]:
    """Return what limits the speed and what to change; last how far the step is from its limit."""
    epoch = measured.epoch_parts
    total = sum(epoch.values())
    advice: list[str] = []
    if measured.host_s is not None and measured.precision == "fp32":
        advice.append("fp32 is the slowest precision of a GPU: see --precision")
    if measured.wait_s > 0.1 * measured.step_s:
        needed = math.ceil(measured.clip_s * measured.batch / (measured.step_s - measured.wait_s))
        advice.append(
            f"The wait for clips takes {measured.wait_s / measured.step_s:.0%} of a step: set "
            f"`workers` in bench.toml to {needed} or more (now {measured.workers}), if the machine "
            'has so many cores; `augment_on = "device"` takes RawBoost from them, and '
            "`bench data pack` helps on a network drive"
        )
    if measured.host_s is not None and measured.host_s > 0.8 * measured.step_s:
        advice.append(
            f"Starting the {measured.work.operations:,} operations of a step takes as long as the "
            'step itself: try `compile = "cuda-graphs"` under [speed]'
        )
    if epoch["checkpoint"] > 0.05 * total:
        share = f"{epoch['checkpoint'] / total:.0%}"
        advice.append(f"The checkpoint takes {share} of an epoch: set `checkpoint_minutes`")
    if epoch["dev"] > 0.3 * total:
        share = f"{epoch['dev'] / total:.0%}"
        advice.append(
            f"Scoring dev takes {share} of an epoch: see `kept_features_gb` under [speed]"
        )
    return [
        *(advice or ["Nothing beside the step itself limits the speed"]),
        (
            f"A step takes {measured.step_s / measured.bound_s:,.1f} times the least time that its "
            "products and bytes need here"
        ),
    ]


def profile_content(measured: StepProfile) -> dict[str, Any]:
    """Return a profile as its JSON object has it: seconds, bytes and rates."""
    names = [field.name for field in dataclasses.fields(measured)]
    content = {name: getattr(measured, name) for name in names}
    return content | {
        "work": measured.work._asdict(),
        "at_best": measured.at_best._asdict(),
        "clips_per_s": measured.rate,
        "bound_s": measured.bound_s,
        "epoch": measured.epoch_parts,
        "advice": advise_changes(measured),
    }


def _format_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(markdown.format_table(headings, rows))
