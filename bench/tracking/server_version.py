"""Which version of MLflow a tracking server runs."""

from __future__ import annotations

from importlib.metadata import version

from bench.tracking.address import Address

_ANSWER_S = 5.0


def describe_server(at: Address) -> str:
    """Return the MLflow versions of a server and of this machine, in a line."""
    import requests

    here = f"MLflow {version('mlflow')} is installed here"
    try:
        answer = requests.get(f"{at.uri}/version", auth=at.login, timeout=_ANSWER_S)
        answer.raise_for_status()
    except requests.RequestException:
        return f"the server does not say its version; {here}"
    return f"the server is MLflow {answer.text.strip()[:20]}; {here}"
