"""`bench explain`: figures of why a trained row decides as it does, and of how systems compare."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench import cards, config, sweep_cards
from bench.cli import options
from bench.config import Config, Form
from bench.errors import BenchError
from bench.launchers.order import Order

if TYPE_CHECKING:  # these import torch and Matplotlib, which takes seconds: else only when called
    from bench.launchers.trained import TrainedRow
    from bench.reporting.style import Kind

_FOLDER = "figures/explained"
"""Where the figures stand among the artifacts of a tracked run."""
_FIGURE_4 = ("breathnet-lambda", "breathnet-alpha", "breathnet-beta")


@dataclass(frozen=True)
class Asked:
    """What every figure of a trained row is asked with."""

    table: str
    row: str
    seed: int | None
    overrides: tuple[str, ...]
    form: Form
    folder: Path | None
    track: bool
    here: Config

    def rows(self, *others: tuple[str | None, int | None]) -> list[TrainedRow]:
        """Return the trained row that was asked for, behind it those of `others` that are named;
        BenchError where one is not trained here.
        """
        from bench.launchers.trained import trained

        card = cards.table(self.table)
        wanted = [(self.row, self.seed), *((row, seed) for row, seed in others if row)]
        names = [name for row, _ in wanted for name in cards.select(card, row)]
        if len(names) != len(wanted):
            raise BenchError(f"{self.row}: one row is explained at a time")
        order = Order(card, names, None, self.form, self.overrides)
        return trained(order, [seed for _, seed in wanted], self.here)

    def write(
        self, name: str, draw: Callable[[Kind], bytes], of: TrainedRow | str | None = None
    ) -> None:
        """Write a figure as PNG and SVG, say where, and keep it with the tracked run that it is
        `of`: a row's, if there is one, or that of this id.
        """
        from bench.reporting import style

        smoke = ".smoke" if self.form == "smoke" else ""
        stem = re.sub(r"[^\w.-]+", "-", name) + smoke
        paths = style.write(self.folder or self.here.work / "explained", stem, draw)
        for path in paths:
            click.echo(f"written: {path}")
        if of is None or not self.track:
            return
        from bench.tracking import artifacts
        from bench.tracking.store import Store

        store = Store(self.here)
        run_id = of if isinstance(of, str) else artifacts.finished(store, of.entry)
        if run_id:
            artifacts.add(store, run_id, paths, _FOLDER)
            click.echo(f"kept: {_FOLDER} of run {run_id[:8]}")


Verb = Callable[..., None]


_FORM = [
    options.smoke,
    click.option("--folder", type=click.Path(path_type=Path), help="<work>/explained else."),
]
_TRACK = click.option(
    "--track/--no-track",
    default=True,
    show_default=True,
    help="Keep the figure with the tracked run that it is of, where there is one.",
)


def _asked(table: str, row: str, of: Literal["trained row", "table"] = "trained row"):
    """Return a decorator with the options that every figure of a row has, handed on as `Asked`;
    those that pick a trained row are left out where a figure is `of` a table's figures.
    """
    shared = [
        click.option("--table", default=table, show_default=True),
        click.option("--row", default=row, show_default=True),
        *_FORM,
    ]
    if of == "trained row":
        shared += [
            click.option("--seed", type=int, help="Which of the row's; its first by default."),
            click.option(
                "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As it was run with."
            ),
            _TRACK,
        ]
    return _gathered(shared)


def _gathered(shared: Sequence[Callable[[Verb], Verb]]) -> Callable[[Verb], Verb]:
    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def gathered(
            smoke: bool,
            folder: Path | None,
            table: str = "",
            row: str = "",
            seed: int | None = None,
            overrides: tuple[str, ...] = (),
            track: bool = False,
            **own: Any,
        ) -> None:
            form, here = options.form(smoke), config.load()
            verb(Asked(table, row, seed, overrides, form, folder, track, here), **own)

        return functools.reduce(lambda made, option: option(made), reversed(shared), gathered)

    return decorate


_utterance = click.option(
    "--utterance", required=True, help="Its id in one of the row's evaluations."
)
_against = click.option("--against", metavar="ROW", help="A second row of the table, beside it.")
_against_seed = click.option("--against-seed", type=int, help="Its seed; its first by default.")


@click.group()
def explain() -> None:
    """Draw why trained rows decide as they do, and how systems compare; PNG and SVG."""


@explain.command()
@_utterance
@_asked("tca/table2", "TCA")
def tca(asked: Asked, utterance: str) -> None:
    """Draw the temporal class activation over the waveform, coloured by class (TCA's Figure 2)."""
    from bench.launchers import explain as launched
    from bench.reporting import figures

    card = cards.table(asked.table)
    for name in cards.select(card, asked.row):
        run = cards.resolve(card, name, asked.form, asked.overrides)
        launched.require_tca(card.key, name, run.system.kind)
    (row,) = asked.rows()
    found = launched.tca(row, utterance, asked.here)
    title = (
        f"{row.smoke}Temporal class activation of {utterance} ({found.where}, {found.label}): "
        f"{row.name} of {row.table}"
    )
    seen = found.wave, found.activation, found.classes, title
    name = f"tca-{row.row}-{row.seed}-{utterance}"
    asked.write(name, lambda kind: figures.activation(*seen, kind), row)
    logits = zip(found.classes, found.logits, strict=True)
    click.echo("logits: " + ", ".join(f"{name} {value:.3f}" for name, value in logits))


@explain.command()
@_utterance
@_against
@_against_seed
@click.option("--layer", metavar="NAME", help="A module of the system, e.g. context.")
@click.option(
    "--target",
    type=click.Choice(["probability", "logit"]),
    default="probability",
    show_default=True,
    help="Of spoof, summed over the frames; SAL's released script takes the logits.",
)
@_asked("sal/table4", "S5")
def gradcam(
    asked: Asked,
    utterance: str,
    against: str | None,
    against_seed: int | None,
    layer: str | None,
    target: Literal["probability", "logit"],
) -> None:
    """Draw which 20 ms of an utterance speak for spoof, by Grad-CAM, with the prediction curve,
    true and predicted spans, of one row or of two, one above the other (SAL's Figure 1).
    """
    from bench.launchers.gradcam import explained
    from bench.reporting import figures

    # As in the paper the one that it is set against is the upper one.
    rows = asked.rows((_second(asked, against, against_seed), against_seed))[::-1]
    found = [explained(row, utterance, target, layer, asked.here) for row in rows]
    wanted = "probabilities" if target == "probability" else "logits"
    title = (
        f"{rows[0].smoke}Grad-CAM of {utterance} ({found[0].where}): "
        f"{' above '.join(row.name for row in rows)}, of {rows[0].table}; "
        f"target: sum of spoof {wanted}"
    )
    wave, checkpoints = found[0].wave, [one.checkpoint for one in found]
    name = f"gradcam-{_versus(rows[::-1])}-{utterance}"
    asked.write(name, lambda kind: figures.gradcam(wave, checkpoints, title, kind), rows[-1])


@explain.command()
@_against
@_against_seed
@click.option("--evaluation", help="Which of the row's; its first by default.")
@click.option(
    "--scores",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A score file of frames in place of the rows; a second one stands beside it.",
)
@_asked("sal/table4", "S7")
def positions(
    asked: Asked,
    against: str | None,
    against_seed: int | None,
    evaluation: str | None,
    scores: tuple[Path, ...],
) -> None:
    """Draw the shares of positions in segments, and the errors of one system or two at each
    (SAL's Figure 3).
    """
    from bench.launchers.places import by_position
    from bench.metrics.positions import POSITIONS
    from bench.reporting import figures

    row: TrainedRow | None = None
    if scores:
        if len(scores) > 2 or len({path.stem for path in scores}) < len(scores):
            raise BenchError("--scores: should be one file, or two with different names")
        paths = {path.stem: path for path in scores}
        of, where, name = "score files", "", "positions-" + "-against-".join(paths)
    else:
        rows = asked.rows((_second(asked, against, against_seed), against_seed))
        row = rows[0]
        chosen = evaluation or next(iter(row.data.evaluate))
        paths = {one.name: one.scores(chosen) for one in rows[::-1]}
        subset, resolution_s = row.subset(chosen), row.run.evaluate[chosen].resolution_s
        if resolution_s is None:
            raise BenchError(
                f"{row.table}, row {row.row}: {chosen} is scored by whole utterances: positions "
                "are of frames"
            )
        of = f"{row.table}"
        where = f", {subset.corpus} {subset.split}, frames of {1000 * resolution_s:g} ms"
        name = f"positions-{_versus(rows)}-{chosen}"
    found = by_position(paths)
    smoke = "SMOKE: " if asked.form == "smoke" else ""
    title = f"{smoke}Errors by position in the segment{where}: {' and '.join(paths)} ({of})"
    asked.write(name, lambda kind: figures.positions(found.shares, found.systems, title, kind), row)
    lines = [
        (place, f"{share:.2%}", *(f"{system.error[i]:.2%}" for system in found.systems))
        for i, (place, share) in enumerate(zip(POSITIONS, found.shares, strict=True))
    ]
    options.print_table(("position", "share", *(f"{name}: wrong" for name in paths)), lines)


@explain.command()
@click.option("--evaluation", "evaluations", multiple=True, help="Some only; all by default.")
@click.option("--most", type=click.IntRange(min=5), default=40_000, show_default=True)
@click.option("--layer", metavar="NAME", help="The module whose input is drawn.")
@_asked("breathnet/table7", "Default")
def features(asked: Asked, evaluations: tuple[str, ...], most: int, layer: str | None) -> None:
    """Draw the hidden features of each evaluation's utterances (or frames) by t-SNE
    (BreathNet's Figure 6).
    """
    from bench.launchers.hidden import embedded, hidden
    from bench.reporting import figures

    (row,) = asked.rows()
    panels: list[figures.Features] = []
    layers: dict[str, None] = {}
    for name in evaluations or row.data.evaluate:
        found = hidden(row, name, most, layer, asked.here)
        layers[found.layer] = None
        shown = f"{len(found.features):,}"
        shown += f" of {found.of:,}" if len(found.features) < found.of else ""
        panel = figures.Features(
            f"{name} ({shown})", embedded(found.features, row.seed), found.is_spoof
        )
        panels.append(panel)
    title = (
        f"{row.smoke}Hidden features of {row.name} of {row.table}, t-SNE of the input of "
        f"{', '.join(layers)}"
    )
    name = f"features-{row.row}-{row.seed}"
    asked.write(name, lambda kind: figures.features(panels, title, kind), row)


@explain.command()
@click.option(
    "--and-table",
    "more",
    multiple=True,
    default=["breathnet/table5"],
    show_default=True,
    help="Whose columns are ranked as well.",
)
@click.option(
    "--against",
    default="OCKD,LSR-LSA,XLSR-Mamba,Nes2Net-X",
    show_default=True,
    help="The rows it is ranked among.",
)
@_asked("breathnet/table4", "BreathNet", of="table")
def ranks(asked: Asked, more: tuple[str, ...], against: str) -> None:
    """Draw the ranks of systems on several tables as a radar, by published figures and by ours
    (BreathNet's Figure 3).
    """
    from bench.reporting import figures
    from bench.reporting.ranking import ranking
    from bench.tracking.store import Store

    tables = [cards.table(name) for name in (asked.table, *more)]
    systems = [*(name.strip() for name in against.split(",")), asked.row]
    found = ranking(tables, systems, asked.row, Store(asked.here).frame, asked.form)
    smoke = "SMOKE: " if asked.form == "smoke" else ""
    title = (
        f"{smoke}Ranks of {len(systems)} systems in {', '.join(table.key for table in tables)}: "
        f"{len(systems)} is best, 1 worst"
    )
    panels = found.panels
    asked.write(
        f"ranks-{asked.row}",
        lambda kind: figures.ranks(found.dimensions, panels, title, kind),
        None,
    )
    for what in found.lacking:
        click.echo(f"not run, or not with every seed: {what}")


@explain.command()
@click.argument("sweeps", nargs=-1)
@_gathered([*_FORM, _TRACK])
def curves(asked: Asked, sweeps: tuple[str, ...]) -> None:
    """Draw the EER of each test set over the values of a setting, from SWEEPS of one dimension that
    score them: BreathNet's Figure 4, or with breathnet-noise breathnet-delta its Figure 5.
    """
    from bench.reporting import figures
    from bench.tracking import studies
    from bench.tracking.store import Store

    chosen = sweeps or _FIGURE_4
    store, panels, runs = Store(asked.here), list[figures.Curve](), list[str]()
    for name in chosen:
        card = sweep_cards.sweep(name, asked.form)
        kept = studies.kept(store, card.key, card.form, sweep_cards.signature(card))
        if not kept:
            smoke = " --smoke" if asked.form == "smoke" else ""
            raise BenchError(
                f"sweep {card.key} is not run: `bench sweep {card.key}{smoke}` runs it"
            )
        panels.append(figures.swept(card, kept[0].trials, sweep_cards.base(card)))
        runs.append(kept[0].run_id)
    smoke = "SMOKE: " if asked.form == "smoke" else ""
    title = f"{smoke}EER over settings of {card.parent}: sweeps {', '.join(chosen)}"
    name = f"curves-{'-'.join(chosen)}"
    asked.write(name, lambda kind: figures.curves(panels, title, kind), runs[0])


def _second(asked: Asked, against: str | None, seed: int | None) -> str | None:
    """Return the second row: that of `--against`, or with a seed alone the first once more."""
    return asked.row if against is None and seed is not None else against


def _versus(rows: Sequence[TrainedRow]) -> str:
    return "-against-".join(f"{row.row}-{row.seed}" for row in rows)
