"""`python -m tests.versions [PART...]` writes golden outputs anew; all by default."""

from __future__ import annotations

import sys

from tests.versions import golden
from tests.versions.parts import all_parts

known = all_parts()
for name in sys.argv[1:] or known:
    if name not in known:
        sys.exit(f"no part {name!r}: {', '.join(known)}")
    print(golden.write(name, known[name]()))
