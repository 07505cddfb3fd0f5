"""One page over all tables: what is reproduced, how far off, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench._io.markdown import fill_template, format_code, format_link, format_prose
from bench.config import Form
from bench.reports import paper_differences
from bench.reports.completeness import count_results
from bench.reports.document import Report
from bench.reports.reading_notes import describe_farthest
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_option, smoke_prefix, smoke_warning
from bench.specs.checked import Checked

NAME = "README.md"
SHOWN = (
    (
        ("The EER equals slow reference implementations, and the official code if no scores tie"),
        "metrics/test_det",
    ),
    (
        ("Every other definition of the EER gives the same as the library that it comes from"),
        "metrics/test_eer_variants",
    ),
    (
        "The t-DCF follows the equations of the evaluation plans and gives official digits",
        "metrics/test_tdcf",
    ),
    ("Detection costs equal a search over all thresholds", "metrics/test_dcf"),
    ("Cllr and its calibration equal simple reference implementations", "metrics/test_cllr"),
    (
        (
            "SAL's back-end has as many weights as the released one; its loss follows the "
            "paper's equation"
        ),
        "models/systems/test_sal",
    ),
    (
        (
            "TCA's back-end has as many weights as the released one; its outputs follow the "
            "paper's equations"
        ),
        "models/systems/test_tca",
    ),
    (
        ("BreathNet's stages have the shapes of Table I; its outputs follow the paper's equations"),
        "models/systems/test_breathnet",
    ),
    (
        "RawBoost equals a slow implementation that follows its description",
        "models/augment/test_rawboost",
    ),
    ("Every table's card is complete and agrees with its paper", "conformance/test_tables"),
    (
        "Every row can be trained, evaluated and reported on miniature corpora",
        "conformance/test_rows",
    ),
)
"""What is shown, and the module below `tests` that shows it."""
_WORDS = """\
Complete: the row has every result of every seed. Incomplete: some results are missing. Not run: the
row has no result. (Published rows of other systems cannot be run and are not counted.) Inside: the
paper's result lies where a further seed of ours is expected. Outside: it does not. No verdict:
fewer than three seeds, or too few errors. Largest deviation: relative to the paper's result."""
_PAPERS = """\
`bench report papers` writes what the papers print, and where they differ from their released code
and from this suite, to `reports/papers`."""
_AWAITED = """\
A table gets a report as soon as one of its rows was run or a score file was evaluated for it."""
_HEADINGS = (
    *("Table", "Complete", "Incomplete", "Not run"),
    *("Inside", "Outside", "No verdict", "Largest deviation"),
)


def render_overview(
    reports: Sequence[Report], form: Form, untrained: Sequence[Checked] = ()
) -> str:
    """Return the page in Markdown.

    It links the reports of tables of which anything was run or scored and those of the `untrained`
    ones, and lists what is not run yet.
    """
    lines = [_format_line(made) for made in reports if made.says_something]
    smoke = smoke_option(form)
    parts = [
        f"# {smoke_prefix(form)}State of reproduction",
        smoke_warning(form),
        f"Written by `bench report all{smoke}` from the tracking store; not edited by hand.",
        _PAPERS,
        _list_verified_claims(form),
        f"## {smoke_prefix(form)}What was run",
        fill_template("**In short.** {}", _in_short(reports)),
        *([format_report_table(_HEADINGS, lines, form), _WORDS] if lines else []),
        _looked_up(untrained, form),
        _list_awaited([made for made in reports if not made.says_something], form),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _list_verified_claims(form: Form) -> str:
    """Return what tests show, each with the test."""
    lines = [[claim, format_code(f"tests/{module}.py")] for claim, module in SHOWN]
    table = format_report_table(["What", "Test"], lines, form)
    return f"## {smoke_prefix(form)}Verified by tests\n\n{table}"


def _format_line(made: Report) -> list[str]:
    counts = count_results(made.table, made.cells)
    undecided = counts.few_seeds + counts.few_errors
    numbers = (*counts.states.values(), counts.inside, counts.outside, undecided)
    deviation = describe_farthest(made.table, counts) or "–"
    return [format_link(made.table.title, f"{made.stem}.md"), *map(str, numbers), deviation]


def _in_short(reports: Sequence[Report]) -> str:
    counts = [count_results(made.table, made.cells) for made in reports]
    complete, incomplete, not_run = (
        sum(count.states[state] for count in counts)
        for state in ("complete", "incomplete", "not run")
    )
    total = complete + incomplete + not_run
    text = f"{complete} of {total} rows are complete, {incomplete} incomplete, {not_run} not run."
    inside = sum(count.inside for count in counts)
    compared = inside + sum(count.outside for count in counts)
    if compared:
        text += f" Of {compared} results that can be compared, {inside} agree with the paper's."
    return text


def _looked_up(untrained: Sequence[Checked], form: Form) -> str:
    """List the tables that nothing is trained for, with links to their reports."""
    if not untrained:
        return ""
    lines = [
        [format_link(card.title, f"{card.key.replace('/', '-')}.md"), format_prose(card.caption)]
        for card in untrained
    ]
    heading = f"## {smoke_prefix(form)}Tables without training"
    return f"{heading}\n\n{format_report_table(['Table', 'Content'], lines, form)}"


def _list_awaited(reports: Sequence[Report], form: Form) -> str:
    """Say of which tables nothing was run yet, and how to run them."""
    if not reports:
        return ""
    lines = [
        [
            made.table.title,
            format_prose(made.table.caption),
            format_code(f"bench run {made.table.key}{smoke_option(form)}"),
        ]
        for made in reports
    ]
    heading = f"## {smoke_prefix(form)}Tables not run yet"
    table = format_report_table(["Table", "Content", "Run it"], lines, form)
    return "\n\n".join([heading, _AWAITED, table])


def find_left_over_files(reports: Sequence[Report], folder: Path) -> list[Path]:
    """Return the files in `folder` of earlier reports whose tables have nothing to report now."""
    silent = [made for made in reports if not made.says_something]
    papers = {made.paper.key for made in reports if made.says_something}
    paths = [path for made in silent for path in made.find_files(folder)]
    paths += [
        folder / paper_differences.name_differences_page(made.paper)
        for made in silent
        if made.paper.key not in papers
    ]
    return sorted({path for path in paths if path.is_file()})
