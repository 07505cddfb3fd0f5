"""A command that srun or torchrun started in several processes: the first one carries it out."""

from __future__ import annotations

import click

from bench._io import launchers, packages
from bench.cli import configuration, json_output


def leads_command(context: click.Context) -> bool:
    """Return whether this process carries the command out.

    It does where it was started alone, and as the first of several. Another one takes part in what
    the first one trains and scores, and the answer comes when that is over.
    """
    here = configuration.to_write()
    if here.device_count == 1 and launchers.read_launcher() is None:
        return True
    packages.require_packages("torch", "lightning_fabric")
    from bench.runner.process_team import join_team  # imports torch

    if context.with_resource(join_team(here)):
        return True
    json_output.leave_to_another()
    return False
