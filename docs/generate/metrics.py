"""A page of the metrics, from their registry."""

from __future__ import annotations

from bench.catalogue import METRICS

_HEAD = """# Metrics

Every result comes from a stored score file. Rates are shown in per cent. A table's column names a
metric as `<evaluation>.<metric>`, for example `partialspoof.eer`; a name can end in a resolution:
`eer_160ms`.
"""


def make_pages() -> dict[str, str]:
    """Return the page."""
    units = {"rate": "per cent", "cost": "cost (1: no better than a fixed answer)", "bits": "bits"}
    lines = [_HEAD]
    for name, metric in METRICS.items():
        lines += [
            f"\n## {metric.label}\n",
            f"{metric.says[0].upper()}{metric.says[1:]}.\n",
            f"- **Name:** `{name}`",
            f"- **Unit:** {units[metric.unit]}",
            f"- **Better:** {metric.better}",
        ]
    return {"metrics.md": "\n".join([*lines, ""])}
