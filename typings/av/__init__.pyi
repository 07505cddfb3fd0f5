# PyAV is an extra, so that it may not be there: whatever it gives is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
