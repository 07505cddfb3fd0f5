"""What tests show, whatever was run: the first part of the page over all tables."""

from __future__ import annotations

from bench._io.markdown import format_code
from bench.config import Form
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix

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


def list_verified_claims(form: Form) -> str:
    """Return what tests show, each with the test."""
    lines = [[claim, format_code(f"tests/{module}.py")] for claim, module in SHOWN]
    table = format_report_table(["What", "Test"], lines, form)
    return f"## {smoke_prefix(form)}Verified by tests\n\n{table}"
