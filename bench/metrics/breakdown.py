"""The trials that a metric of one attack, one codec or both is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError, near_name
from bench.metrics.tally import Bools, Integers

Role = Literal["spoof", "channel"]
"""`spoof` (attack, vocoder): a level restricts the spoof trials, bona fide ones stay all. `channel`
(codec, source): both classes."""

POOLED = "Pooled"
"""The level that stands for all levels of a field, as in the official tables."""


class BreakdownCell(NamedTuple):
    """The trials of one cell of a breakdown, as row numbers, ascending."""

    levels: dict[str, str]
    """The level of each field broken down by; `POOLED` in the margins."""
    bonafide: Integers
    spoof: Integers

    @property
    def defined(self) -> bool:
        """Whether there are trials of both classes, as every metric needs."""
        return bool(len(self.bonafide) and len(self.spoof))

    def find_levels(self, *fields: str) -> tuple[str, ...] | None:
        """Return the levels of `fields`; None where the cell is restricted by other fields, too.

        A field that the breakdown does not have is `POOLED`. A table of t-DCF coefficients is
        looked up by these levels.

        >>> empty = np.zeros(0, dtype=np.int64)
        >>> BreakdownCell({"codec": "alaw"}, empty, empty).find_levels("attack", "codec")
        ('Pooled', 'alaw')
        >>> speaker = BreakdownCell({"speaker": "LA_0001"}, empty, empty)
        >>> speaker.find_levels("attack", "codec") is None
        True
        """
        if any(f not in fields and level != POOLED for f, level in self.levels.items()):
            return None
        return tuple(self.levels.get(field, POOLED) for field in fields)


def split_breakdown(
    is_spoof: ArrayLike,
    fields: Mapping[str, ArrayLike],
    roles: Mapping[str, Role],
    by: Sequence[str],
) -> Iterator[BreakdownCell]:
    """Yield the cells of the breakdown of trials by the fields `by`, with all pooled margins.

    Two fields of m and n levels give (m + 1) (n + 1) cells, in the order of a table: the last field
    changes fastest, levels are sorted, and `POOLED` is last. Without fields there is one cell, of
    all trials. A field of role `spoof` restricts spoof trials only, a field of role `channel` both
    classes, as in the official tables (ASVspoof 2021's package). Levels of a `spoof` field are
    those of spoof trials. A cell that lacks a class is yielded, but not `defined`.

    `is_spoof` and each of `fields` have one item for each trial; `roles` has the role of each field
    that a breakdown may have. A BenchError is raised for a field without a role or that is named
    twice, for columns of different lengths, and for a level called `POOLED`.

    >>> table = {"attack": ["", "A07", "A08"], "codec": ["alaw", "alaw", "none"]}
    >>> roles = {"attack": "spoof", "codec": "channel"}
    >>> for cell in split_breakdown([False, True, True], table, roles, ["attack", "codec"]):
    ...     print(*cell.levels.values(), cell.bonafide, cell.spoof, cell.defined)
    A07 alaw [0] [1] True
    A07 none [] [] False
    A07 Pooled [0] [1] True
    A08 alaw [0] [] False
    A08 none [] [2] False
    A08 Pooled [0] [2] True
    Pooled alaw [0] [1] True
    Pooled none [] [2] False
    Pooled Pooled [0] [1 2] True
    """
    truth = np.asarray(is_spoof, dtype=np.bool_)
    rows = {"bonafide": np.flatnonzero(~truth), "spoof": np.flatnonzero(truth)}
    _check_names(fields, roles, by)
    axes = [_make_axis(field, fields[field], roles[field], truth) for field in by]
    groups: dict[tuple[str, tuple[int, ...]], _Groups] = {}

    def choose_rows(label: str, at: tuple[int, ...]) -> Integers:
        restricting = tuple(
            i
            for i, axis in enumerate(axes)
            if at[i] < len(axis.levels) and (label == "spoof" or axis.role == "channel")
        )
        if (label, restricting) not in groups:
            groups[label, restricting] = _group_rows(rows[label], [axes[i] for i in restricting])
        return groups[label, restricting].find_rows([at[i] for i in restricting])

    for at in product(*(range(len(axis.levels) + 1) for axis in axes)):
        levels = {
            field: (*axis.levels, POOLED)[i] for field, axis, i in zip(by, axes, at, strict=True)
        }
        yield BreakdownCell(levels, choose_rows("bonafide", at), choose_rows("spoof", at))


class _Axis(NamedTuple):
    role: Role
    levels: list[str]
    codes: Integers
    """Index into `levels` of every trial; -1 for a bona fide one where the role is `spoof`."""


class _Groups(NamedTuple):
    """Rows sorted by the levels of some axes together."""

    rows: Integers
    edges: Integers
    shape: list[int]

    def find_rows(self, levels: Sequence[int]) -> Integers:
        group = 0
        for level, size in zip(levels, self.shape, strict=True):
            group = group * size + level
        return self.rows[self.edges[group] : self.edges[group + 1]]


def _group_rows(rows: Integers, axes: Sequence[_Axis]) -> _Groups:
    shape = [len(axis.levels) for axis in axes]
    group = np.zeros(len(rows), dtype=np.int64)
    for axis, size in zip(axes, shape, strict=True):
        group = group * size + axis.codes[rows]
    n_groups = math.prod(shape)
    if n_groups < 1 << 16:
        group = group.astype(np.uint16)  # sorted in linear time
    order = np.argsort(group, kind="stable")
    return _Groups(rows[order], np.searchsorted(group[order], np.arange(n_groups + 1)), shape)


def _make_axis(field: str, values: ArrayLike, role: Role, is_spoof: Bools) -> _Axis:
    names = list(map(str, np.asarray(values, dtype=object).tolist()))
    if len(names) != len(is_spoof):
        raise BenchError(
            "metric.lengths-differ",
            f"field {field!r} has {len(names)} values for {len(is_spoof)} trials",
        )
    levels = sorted(set(compress(names, is_spoof.tolist()) if role == "spoof" else names))
    if POOLED in levels:
        raise BenchError(
            "metric.pooled-level",
            f"field {field!r} has a level {POOLED!r}, the word for all levels together",
        )
    code = dict.fromkeys(names, -1) | {level: i for i, level in enumerate(levels)}
    return _Axis(role, levels, np.fromiter(map(code.__getitem__, names), np.int64, len(names)))


def _check_names(
    fields: Mapping[str, ArrayLike], roles: Mapping[str, Role], by: Sequence[str]
) -> None:
    for field in by:
        if field not in roles:
            raise BenchError(
                "metric.breakdown-field",
                f"no metric can be broken down by {field!r}{near_name(field, roles)}",
            )
        if field not in fields:
            raise BenchError(
                "metric.breakdown-field",
                f"the trials have no field {field!r}{near_name(field, fields)}",
            )
    twice = [field for i, field in enumerate(by) if field in by[:i]]
    if twice:
        raise BenchError("metric.breakdown-field", f"a breakdown names {twice[0]!r} twice")
