"""A table's report with all that it was made from, as one folder or zip to attach to a paper."""
