"""In which numbers a run is computed: training, dev and scoring alike."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

PrecisionName = Literal["fp32", "tf32", "bf16-mixed", "fp16-mixed"]
PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)
EARLIER_NAMES: dict[str, PrecisionName] = {
    "32-true": "fp32",
    "32": "fp32",
    "16-mixed": "fp16-mixed",
}
"""Names that earlier versions took from Lightning."""
SIGNED_NAMES: dict[str, str] = {"fp32": "32-true", "fp16-mixed": "16-mixed"}
"""Names that stay in signatures, so that earlier runs keep theirs."""


def name_precision(text: str) -> str:
    """Return the precision as runs name it today, also of a run that an earlier version made.

    >>> name_precision("32-true"), name_precision("tf32")
    ('fp32', 'tf32')
    """
    return EARLIER_NAMES.get(text, text)


def _refuse_earlier_name(value: Any) -> Any:
    if isinstance(value, str) and value in EARLIER_NAMES:
        raise PydanticCustomError(
            "earlier_name", "is now called '{name}'", {"name": EARLIER_NAMES[value]}
        )
    return value


Precision = Annotated[PrecisionName, BeforeValidator(_refuse_earlier_name)]
