"""A page for each metric, from its declaration in `bench/metrics`."""

from __future__ import annotations

import ast
import inspect

from bench._io.markdown import format_prose
from bench.metrics.measure import Metric
from bench.metrics.registry import describe_metrics, find_metric_file

_HEAD = """# Metrics

Every result is computed from a stored score file. Rates are shown in per cent. A table's column
names a metric as `<evaluation>.<metric>`, for example `partialspoof.eer`. A metric of frames can
end in a resolution: `eer_160ms`. A metric that can also be computed from the bona fide logit alone
then ends in `_bonafide_logit`. A metric of regions can end in its setting: `ap_iou75`. Some
metrics are given on request only, as reports would grow long: their pages say of which trials.

| metric | name | better | given for |
| --- | --- | --- | --- |
"""
_SETTINGS = {
    "": "none",
    "iou": "the IoU in hundredths, `{name}_iou75`; {at} without it",
    "n": "how many regions, `{name}_n20`; {at} without it",
    "ms": "the tolerance in milliseconds, `{name}_40ms`; {at} without it",
}
_UNITS = {
    "rate": "per cent",
    "cost": "cost (1: no better than accepting all or rejecting all)",
    "bits": "bits for each trial",
}


def make_pages() -> dict[str, str]:
    """Return a page for each metric, and one that lists them."""
    metrics = describe_metrics()
    pages = {f"metrics/{name}.md": _describe_metric(metric) for name, metric in metrics.items()}
    lines = [
        f"| [{metric.label}]({name}.md) | `{name}` | {metric.better} "
        f"| {' and '.join(metric.trials)} |"
        for name, metric in metrics.items()
    ]
    names = "\n".join(metrics)
    text = "\n".join(lines)
    pages["metrics/index.md"] = f"{_HEAD}{text}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    return pages


def _describe_request(metric: Metric) -> str:
    """Return of which trials a metric is given only if it is asked for by name."""
    if not metric.on_request:
        return "no: every evaluation has it"
    return f"of {' and '.join(metric.on_request)}: `bench score --metrics {metric.name}`"


def _describe_metric(metric: Metric) -> str:
    path = find_metric_file(metric.name)
    facts = {
        "Name": f"`{metric.name}`",
        "Unit": _UNITS[metric.unit],
        "Better": metric.better,
        "Given for": " and ".join(metric.trials),
        "Computed from": metric.needs,
        "Source": format_prose(metric.source),
        "Corpora": "those whose card asks for it (`official`)" if metric.official else "all",
        "On request": _describe_request(metric),
        "Setting": _SETTINGS[metric.setting].format(name=metric.name, at=metric.at),
        "In breakdowns": "yes" if metric.broken_down else "with `--metrics`",
        "Code": f"`bench/metrics/{path.name}`",
    }
    lines = [f"# {metric.label}", "", f"{metric.definition[0].upper()}{metric.definition[1:]}.", ""]
    lines += [f"- **{name}:** {value}" for name, value in facts.items()]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = inspect.cleandoc(ast.get_docstring(tree) or "")
    lines += ["", "## About its code", ""]
    for part in doc.split("\n\n"):
        lines += [format_prose(" ".join(part.split())), ""]
    return "\n".join(lines)
