# pyarrow ships no types: whatever it gives is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
