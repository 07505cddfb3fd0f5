"""Which rows of which tables something concerns, told by the values of their settings."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

from pydantic import Field, model_validator

from bench._io.trees import as_tree
from bench.specs.base import Spec

_WAYS = ("is", "not", "least", "most")


class Condition(Spec):
    """What the value of one setting must be.

    In a card a plain value means `{ is = [value] }`, a list `{ is = [...] }`.
    """

    is_: tuple[Any, ...] | None = Field(default=None, alias="is", strict=False)
    """One of these."""
    not_: tuple[Any, ...] = Field(default=(), alias="not", strict=False)
    """None of these."""
    least: float | None = Field(default=None, strict=False)
    most: float | None = Field(default=None, strict=False)

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: Any) -> Any:
        stated = as_tree(value)
        if stated is None:
            return {"is": _is_several(value)}
        if not stated:
            raise ValueError(f"should say one of {', '.join(_WAYS)}")
        return {
            key: _is_several(limit) if key in ("is", "not") else limit
            for key, limit in stated.items()
        }

    def is_met(self, value: Any) -> bool:
        """Return whether a setting's value meets the condition.

        What is no number has no least or most.
        """
        if (self.is_ is not None and value not in self.is_) or value in self.not_:
            return False
        if self.least is None and self.most is None:
            return True
        if not isinstance(value, int | float):
            return False
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


def _is_several(value: Any) -> Any:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


class Scope(Spec):
    """The rows that something concerns: those of `tables` whose settings meet all conditions."""

    tables: tuple[str, ...] = Field(default=(), strict=False)
    """Names of the paper's tables, e.g. `table2`; all of them where empty."""
    applies: dict[str, Condition] = Field(default_factory=dict[str, Condition])
    """By dotted key of a row's settings, in which `*` stands for anything (`evaluate.*.corpus`).
    A row without such a setting is not concerned."""

    def concerns_row(self, table: str, settings: Mapping[str, Any]) -> bool:
        """Return whether it concerns a row of `table` (`sal/table4`) with these settings.

        `settings` are by dotted key, as `Run.flat_settings` has them.
        """
        if self.tables and table.rpartition("/")[2] not in self.tables:
            return False
        return all(
            any(condition.is_met(settings[own]) for own in settings if fnmatchcase(own, key))
            for key, condition in self.applies.items()
        )
