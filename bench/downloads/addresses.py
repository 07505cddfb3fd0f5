"""Sessions and addresses of servers that files are fetched from."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from bench._io import packages
from bench._version import __version__
from bench.errors import BenchError

TIMEOUT_S = (10, 30)
"""To connect, and between two pieces of an answer."""
BACKOFF_S = 0.5
"""The first pause before a server is asked again; each further one is twice as long."""
_RETRIES = 4
_LONGEST_PAUSE_S = 60
_BUSY = (429, 500, 502, 503, 504)
_HUB = re.compile(
    r"hf://(?P<datasets>datasets/)?(?P<repository>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?/(?P<file>.+)"
)


class FileAddress(NamedTuple):
    """Where a file is asked for, and with which headers."""

    url: str
    headers: Mapping[str, str]


def resolve_address(url: str) -> FileAddress:
    """Return the address of a file; `hf://` becomes that of the Hugging Face hub.

    There the user's own token is sent, if there is one. Raise BenchError where the package
    huggingface_hub is missing, or the text is no such address.
    """
    if not url.startswith("hf://"):
        return FileAddress(url, {})
    match = _HUB.fullmatch(url)
    if match is None:
        raise BenchError(
            "download.bad-address",
            f"{url}: should be hf://OWNER/NAME[@REVISION]/FILE, or hf://datasets/OWNER/NAME...",
        )
    packages.require_packages("huggingface_hub")
    from huggingface_hub import get_token, hf_hub_url

    address = hf_hub_url(
        match["repository"],
        match["file"],
        repo_type="dataset" if match["datasets"] else None,
        revision=match["revision"],
    )
    token = get_token()
    return FileAddress(address, {"Authorization": f"Bearer {token}"} if token else {})


@contextmanager
def open_session() -> Generator[requests.Session]:
    """Yield a session that asks a busy or failing server again, with growing pauses."""
    retry = Retry(
        total=_RETRIES,
        backoff_factor=BACKOFF_S,
        status_forcelist=_BUSY,
        raise_on_status=False,
        retry_after_max=_LONGEST_PAUSE_S,
    )
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        # Without compression on the way, so that bytes count as they lie in the file.
        session.headers.update(
            {
                "User-Agent": f"speech-deepfake-bench/{__version__}",
                "Accept-Encoding": "identity",
            }
        )
        yield session


def check_status(response: requests.Response, url: str) -> None:
    """Raise BenchError where a server gives no file, with what can be done about it."""
    status = response.status_code
    if status in (200, 206):
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise BenchError(
                "download.not-a-file",
                f"{url}: the server answers with a page, not with the file: open it in a browser; "
                "the file may have moved, or a network may ask for a login first",
            )
        return
    if status in (401, 403):
        raise BenchError(
            "download.refused",
            f"{url}: the server refuses (HTTP {status}): the file may need consent to its terms or "
            "a login; for Hugging Face accept them on the page, then `hf auth login`",
        )
    if status in (404, 410):
        raise BenchError(
            "download.not-found", f"{url}: there is no such file any more (HTTP {status})"
        )
    raise BenchError(
        "download.failed", f"{url}: the server answers HTTP {status} {response.reason}"
    )


def ask_size(url: str) -> int | None:
    """Return how many bytes a server says a file has; None where it does not say."""
    try:
        address = resolve_address(url)
        with open_session() as session:
            response = session.head(
                address.url, headers=address.headers, timeout=TIMEOUT_S, allow_redirects=True
            )
    except (requests.RequestException, BenchError):
        return None
    length = response.headers.get("Content-Length", "")
    return int(length) if response.status_code == 200 and length.isdecimal() else None
