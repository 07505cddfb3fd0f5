"""What tests ask of errors: their stable code, not their wording."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from bench.errors import BenchError


@contextmanager
def raises_code(code: str) -> Generator[pytest.ExceptionInfo[BenchError]]:
    """Demand that the block raises a BenchError with this code; yield what pytest knows of it."""
    with pytest.raises(BenchError) as caught:
        yield caught
    assert caught.value.code == code, f"{caught.value.code}: {caught.value}"
