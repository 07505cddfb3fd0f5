"""What every card and every part must keep: the suite's own, and those of extensions.

`bench check` runs these checks over an extension, and the suite's tests over the suite. Each check
yields an issue for each fault.
"""
