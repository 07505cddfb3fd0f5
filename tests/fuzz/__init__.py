"""Files that are changed at random: each reader reads them or refuses them in a line.

`make fuzz` does it for minutes or hours. What a reader once failed on is kept in `found` and read
again by every run of the tests.
"""
