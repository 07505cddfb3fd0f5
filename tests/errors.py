"""What tests ask of errors: their stable code, not their wording."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from bench.errors import BenchError


@contextmanager
def raises_code(code: str, *parts: str) -> Generator[pytest.ExceptionInfo[BenchError]]:
    """Demand that the block raises a BenchError with this code, whose message has all `parts`;
    yield what pytest knows of it.

    An error that holds issues (`BrokenCorpus`) may have one of this code instead.
    """
    with pytest.raises(BenchError) as caught:
        yield caught
    error = caught.value
    codes = {error.code, *(issue.code for issue in getattr(error, "issues", ()))}
    assert code in codes, f"{codes}: {error}"
    assert [part for part in parts if part not in str(error)] == [], f"{error}"
