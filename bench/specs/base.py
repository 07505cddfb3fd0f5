"""What every specification shares: frozen, strict, no unknown keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Spec(BaseModel):
    """A frozen model that refuses unknown keys and wrong types (a string is no number, 1 is no
    bool).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Absent(Spec):
    """`{ kind = "none" }`: the part is not there."""

    kind: Literal["none"]


Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
