"""Faults that are made on purpose, and what is left afterwards.

`make faults` makes them all and writes the table of docs/reliability.md; the tests make a few.
"""
