"""`bench compare`: two score files, or two rows, on the same trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cards import corpus_cards
from bench.cli import completion, configuration, json_output, options
from bench.cli.evaluation_options import EvaluationOptions, evaluation_options
from bench.cli.named_row import NamedRow, SystemParam, find_row_scores
from bench.cli.result_files import comparison_folder, write_comparison
from bench.cli.score_file_argument import FILE_OPTIONS_HINT, ScoreFileArgument
from bench.config import Config
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.matched_scores import MatchedScores


def _check_row_seed(_: click.Context, __: click.Parameter, value: str) -> str:
    if value in ("", "all") or value.isdigit():
        return value
    raise click.BadParameter(f"{value!r}: should be a seed, as 666, or all")


@click.command("compare")
@click.argument("a", type=SystemParam(), shell_complete=completion.system_names)
@click.argument("b", type=SystemParam(), shell_complete=completion.system_names)
@click.option(
    "--row-seed",
    default="",
    callback=_check_row_seed,
    metavar="N|all",
    help="Seed of the rows' runs that are compared, or all (default: each row's first).",
)
@evaluation_options
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help="Output folder for comparison.md and comparison.json (default: "
    "<work>/scored/<A>-against-<B>).",
)
def compare_command(
    a: ScoreFileArgument | NamedRow,
    b: ScoreFileArgument | NamedRow,
    row_seed: str,
    evaluation: EvaluationOptions,
    as_json: bool,
    output_dir: Path | None,
) -> None:
    """Compare two systems on the same trials: difference, interval, p-value.

    A and B are score files, or rows by name: table4:S5, table4:S7@released, or table4:MyDet for a
    system that was added with `bench score --track`. Of two rows the suite compares every
    evaluation that both have, or only those on --corpus; it needs no keys for that.

    Options apply to both files. Options of one file follow its name: A.txt,column=3 or
    B.txt,higher-is-spoof,name=AASIST (column, id-column, label-column, no-labels, resolution,
    higher-is-spoof, order, name).
    """
    config = configuration.to_write(*filter(None, (output_dir,)))
    if isinstance(a, NamedRow) and isinstance(b, NamedRow):
        text, content, notes = _compare_rows(a, b, row_seed, evaluation, config)
    else:
        text, content, notes = _compare_files(a, b, row_seed, evaluation, config)
    folder = output_dir or comparison_folder(config.work / "scored", content)
    files = write_comparison(folder, text, content)
    if as_json:
        json_output.print_json("compare", {**content, "files": files})
    else:
        click.echo(text)
        click.echo(f"written: {folder}: {', '.join(path.name for path in files)}")
    if not content["compared"]:
        options.end_without_figures(notes)


def _compare_rows(
    a: NamedRow, b: NamedRow, row_seed: str, evaluation: EvaluationOptions, config: Config
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Compare two rows; return the text, the content for JSON, and the notes."""
    from bench.reports import row_pair
    from bench.reports.stored_results import StoredResults
    from bench.tracking import open_store

    form, store = evaluation.form, open_store.open_to_read(config)
    corpus = corpus_cards.read_corpus_card(evaluation.corpus).key if evaluation.corpus else ""
    one, other = (row_pair.find_row(row.text, form, store, row_seed) for row in (a, b))
    artifacts = StoredResults(store, config.work)
    comparison = row_pair.compare_rows(one, other, form, artifacts, corpus, evaluation.split or "")
    notes = (f"no metric: {note}" for note in comparison.notes)
    content = {
        **row_pair.row_pair_as_dict(comparison),
        "rows": {"a": one.as_dict(), "b": other.as_dict()},
    }
    return row_pair.render_row_pair(comparison), content, tuple(notes)


def _compare_files(
    a: ScoreFileArgument | NamedRow,
    b: ScoreFileArgument | NamedRow,
    row_seed: str,
    evaluation: EvaluationOptions,
    config: Config,
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Compare two files, or a file and a row, by the keys; return as `_compare_rows` does."""
    from bench.evaluation import comparison, render
    from bench.evaluation.file_names import distinct_names

    if not evaluation.corpus:
        raise BenchError("option.missing", "files are compared on one corpus: add --corpus NAME")
    if row_seed and not any(isinstance(side, NamedRow) for side in (a, b)):
        raise BenchError("option.conflict", "--row-seed is an option of rows, and these are files")
    card, split = evaluation.find_card()
    first_file = next(side for side in (a, b) if isinstance(side, ScoreFileArgument))
    judge = evaluation.read_keys(config, first_file.shown)
    (one, row), (other, other_row) = (
        find_row_scores(side, card.key, split, row_seed, evaluation.form, config)
        if isinstance(side, NamedRow)
        else (side, None)
        for side in (a, b)
    )
    names = [
        given.name or name
        for given, name in zip((one, other), distinct_names([one.shown, other.shown]), strict=True)
    ]
    result = comparison.compare_score_files(
        judge, _read_scores(judge, one), _read_scores(judge, other), (names[0], names[1])
    )
    result = replace(result, a=one.shown, b=other.shown)
    content = {**render.comparison_as_dict(result), "rows": {"a": row, "b": other_row}}
    return render.render_comparison(result), content, result.notes


def _read_scores(judge: Evaluator, given: ScoreFileArgument) -> MatchedScores:
    try:
        return given.read_scores(judge)
    except BenchError as error:
        raise BenchError(error.code, f"{error}\n({FILE_OPTIONS_HINT})") from error
