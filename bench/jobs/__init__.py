"""Processes, cluster jobs and leases: who works on something, and whether they still do."""
