"""Rows and sweeps shared out: among processes of this machine, and among jobs of Slurm."""
