"""Faults of files: recordings, weights and checkpoints that change or are damaged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import soundfile
import torch

from tests.faults import kills
from tests.faults.lab import RUN, RUN_AND_REPORT, RUN_WEIGHTED, WEIGHTED, Lab
from tests.faults.world import WEIGHTS, require_plain, wait_for, write_weights


def change_audio(lab: Lab) -> None:
    """A recording is replaced while a row is trained: the row does not count as finished."""
    world = lab.make_world()
    command = world.start(*RUN)
    wait_for(world.has_checkpoint, command)
    path = min((world.work / "mini" / "partialspoof" / "train" / "con_wav").iterdir())
    content = path.read_bytes()
    path.write_bytes(content[:2000] + content[2000:][::-1])
    command.wait()
    if not command.code or path.stem not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    world.finish(RUN)
    world.remove_set_aside()
    lab.finish(world, RUN_AND_REPORT)


def change_weights(lab: Lab) -> None:
    """A file of weights is replaced while a row is trained: the row does not count as finished."""
    world = lab.make_world()
    command = world.start(*RUN_WEIGHTED)
    wait_for(world.has_checkpoint, command)
    path = world.folder / WEIGHTS
    content = path.read_bytes()
    write_weights(path, seed=1)
    command.wait()
    if not command.code or "weights own" not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    world.finish(RUN_WEIGHTED)
    world.remove_set_aside()
    lab.finish(world, WEIGHTED)


def _damage_checkpoint(lab: Lab, damage: Callable[[Path], None]) -> None:
    """A killed row's checkpoint is damaged before the row goes on."""
    world = lab.make_world()
    world.run(*RUN, before=lambda: kills.kill_at(kills.Moment("training", 2, 0)))
    (path,) = world.work.rglob("last.pt")
    damage(path)
    world.finish(*RUN_AND_REPORT.commands)
    world.remove_set_aside()
    lab.finish(world, RUN_AND_REPORT)


def truncate_checkpoint(lab: Lab) -> None:
    """It is cut in the middle."""
    _damage_checkpoint(lab, lambda path: os.truncate(path, path.stat().st_size // 2))


def empty_checkpoint(lab: Lab) -> None:
    """It is empty, as after a power cut."""
    _damage_checkpoint(lab, lambda path: os.truncate(path, 0))


def swap_checkpoint(lab: Lab) -> None:
    """It is another row's."""

    def put_other(path: Path) -> None:
        state = torch.load(path)
        state["system"] = {f"other.{name}": value for name, value in state["system"].items()}
        torch.save(state, path)

    _damage_checkpoint(lab, put_other)


def age_checkpoint(lab: Lab) -> None:
    """It is of a version that kept less."""

    def put_older(path: Path) -> None:
        state = torch.load(path)
        del state["schedule"]
        torch.save(state, path)

    _damage_checkpoint(lab, put_older)


def meet_newer_checkpoint(lab: Lab) -> None:
    """It is of a later version: the row fails and leaves it alone; that version can go on."""
    world = lab.make_world()
    world.run(*RUN, before=lambda: kills.kill_at(kills.Moment("training", 2, 0)))
    (path,) = world.work.rglob("last.pt")
    content = path.read_bytes()
    torch.save({**torch.load(path), "version": 99}, path)
    newer = path.read_bytes()
    command = world.run(*RUN)
    require_plain(command)
    if not command.code or "is a checkpoint of version 99" not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    if path.read_bytes() != newer:
        raise AssertionError("the checkpoint was changed")
    path.write_bytes(content)
    lab.finish(world, RUN_AND_REPORT)


def spoil_audio(lab: Lab, value: float) -> None:
    """A recording holds numbers that are none: the row fails with its name, and no other does."""
    world = lab.make_world()
    path = min((world.work / "mini" / "partialspoof" / "train" / "con_wav").iterdir())
    content = path.read_bytes()
    samples, rate = soundfile.read(path, dtype="float32")
    samples[len(samples) // 2] = value
    soundfile.write(path, samples, rate, subtype="FLOAT")
    command = world.run(*RUN)
    if not command.code or path.name not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    lab.finish(world, RUN_AND_REPORT, failed_runs=1)


# --- helpers ---
