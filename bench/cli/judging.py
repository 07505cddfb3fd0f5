"""What `bench score` and `bench compare` share: the options that say how scores are judged, and the
keys they are judged by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cards import corpus_cards
from bench.cli import completion, json_output, options
from bench.config import Config
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas and pyarrow take a second: only where scores are judged
    from bench.evaluation.judge import Judge


_OPTIONS = (
    click.option(
        "--corpus",
        shell_complete=completion.corpus_names,
        help="Key or short name: asvspoof2019la, PS. Without it, `score` goes by the ids, and "
        "`compare` takes every evaluation that two rows share.",
    ),
    click.option("--split", help="Split of the corpus (default: its evaluation split)."),
    click.option(
        "--keys",
        type=click.Path(path_type=Path, exists=True),
        help="Folder that holds the corpus's protocol and key files, or the protocol; "
        "default: the corpus's folder in bench.toml, or the folder of the scores.",
    ),
    click.option(
        "--by",
        multiple=True,
        metavar="FIELD,...",
        help="Break down, e.g. attack,codec for the grid of both; may be repeated.",
    ),
    click.option(
        "--figures",
        metavar="NAME,...",
        help="Metrics of a breakdown, e.g. eer,eer_official,auc (eer_official: as ASVspoof's "
        "packages count ties; default: those of the organisers' tables).",
    ),
    click.option(
        "--allow-missing",
        is_flag=True,
        help="Evaluate although trials are missing (their number is reported).",
    ),
    click.option(
        "--negate", "--higher-is-spoof", "negate", is_flag=True, help="Higher scores mean spoof."
    ),
    click.option(
        "--as-is", is_flag=True, help="Evaluate scores as given, even if they look inverted."
    ),
    click.option(
        "--column",
        help="The score's name or number; A-B for a difference, A@B for the confidence A of the "
        "class predicted in B.",
    ),
    click.option("--id-column", help="The id's name or number."),
    click.option("--label-column", help="The name or number of the file's own labels."),
    click.option(
        "--no-labels",
        "labels",
        is_flag=True,
        flag_value=False,
        default=True,
        help="The file has no labels, even if a column looks like labels.",
    ),
    click.option(
        "--order",
        type=click.Choice(["ids", "protocol"]),
        default="ids",
        show_default=True,
        help="protocol: scores have no ids and are in the order of the keys.",
    ),
    click.option(
        "--resolution",
        "resolution_s",
        type=float,
        help="Frame duration in seconds, if the file does not state it.",
    ),
    click.option(
        "--label-rule",
        "rule",
        type=click.Choice(["any-spoof", "floor"]),
        default="any-spoof",
        show_default=True,
        help="How labels in seconds become labels of frames.",
    ),
    click.option(
        "--last-frame",
        "last",
        type=click.Choice(["keep", "drop", "round"]),
        default="keep",
        show_default=True,
        help="Whether an utterance's last frame counts where the utterance ends within it; round: "
        "if it fills half of the frame.",
    ),
    click.option(
        "--threshold",
        type=float,
        default=0.0,
        show_default=True,
        help="Frames with a higher score are classified as bona fide.",
    ),
    click.option(
        "--resample",
        type=click.Choice(["auto", "utterance", "speaker", "attack", "speaker+attack"]),
        default="auto",
        show_default=True,
        help="Bootstrap unit: what is resampled as a whole; auto: speakers and attacks where the "
        "corpus names them.",
    ),
    click.option("--replicates", type=click.IntRange(min=1), default=1000, show_default=True),
    click.option("--seed", default=0, show_default=True),
    click.option("--no-intervals", is_flag=True, help="No confidence intervals: faster."),
)


def judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say by what scores are judged."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return options.smoke(json_output.json_flag(command))


def read_keys(
    card: CorpusCard, here: Config, smoke: bool, scores: Path, asked: dict[str, Any]
) -> Judge:
    """Read the keys by which `scores` are to be judged; takes what it needs out of `asked`."""
    from bench.data.places import beside
    from bench.data.problems import keys_source
    from bench.evaluation.judge import Judge, Request
    from bench.evaluation.reading import Reading
    from bench.metrics.grid import FrameRules

    split = asked.pop("split") or card.evaluation_split
    corpus_cards.check_split(card, split)
    keys = asked.pop("keys")
    if keys is None and not smoke and card.key not in here.corpora:
        keys = beside(card, split, scores)
    if keys is None:
        try:
            keys = here.corpus_root(card.key, options.form(smoke))
        except BenchError as error:
            way_out = "or say where its protocol and keys are: --keys FOLDER, or --keys FILE"
            source = "" if smoke else f"\n- {keys_source(card)}"
            raise BenchError(f"{error}; {way_out}{source}") from error
    # `attack,codec` is one breakdown by both.
    by = tuple(tuple(part.strip() for part in fields.split(",")) for fields in asked.pop("by"))
    figures = tuple(name.strip() for name in (asked.pop("figures") or "").split(",") if name)
    del asked["corpus"]
    if asked.pop("no_intervals"):
        asked["replicates"] = 0
    rules = FrameRules(asked.pop("rule"), asked.pop("last"))
    reading = Reading(**{of.name: asked.pop(of.name) for of in fields(Reading) if of.name in asked})
    form = options.form(smoke)
    return Judge(
        Request(card, split, keys, by, figures, form=form, reading=reading, rules=rules, **asked)
    )
