"""The address of a tracking store: a file of this machine, a server or a database.

It can be shown without its password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from bench.config import PLAIN_SQLITE, Config
from bench.errors import BenchError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SECRET = "(?:password|passwd|pwd|token|secret)[^=&]*"
"""Names of what only its owner may know, in a URI's query."""
_DATABASES = ("postgresql", "mysql", "mssql")
_SHOULD_BE = (
    "should be sqlite:////folder/mlflow.db, the address of an MLflow server (https://...) or of a "
    "database (postgresql://...)"
)


@dataclass(frozen=True)
class Address:
    """Of a tracking store."""

    uri: str = field(repr=False)
    """As MLflow takes it."""
    shown: str
    """As it is printed: without what only its owner may know."""
    file: Path | None = None
    """The file of a local SQLite store."""
    endpoint: tuple[str, int] | None = None
    """Host and port that take connections, where they are known."""
    is_database: bool = False
    """Whether it is a database on a server, which MLflow works on from here."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """User and password for an HTTP server."""
    _secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_new(self) -> bool:
        """Whether it is a local store that is not there yet; opening it would make it."""
        return self.file is not None and not self.file.is_file()

    def hide_secrets(self, text: str) -> str:
        """Return what a library says, without passwords."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def local_folder(uri: str | None) -> Path | None:
    """Return the folder that a URI of artifacts names, None where it is none of this machine."""
    parts = urlsplit(uri or "")
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(uri) if uri and uri.startswith("/") else None


def configured_address(config: Config) -> Address:
    """Return the address of the store that the configuration names; see `parse_address`."""
    return parse_address(config.tracking_uri)


def parse_address(uri: str) -> Address:
    """Return the address that a URI names; BenchError where it names no kind of store."""
    scheme = re.match(r"([A-Za-z][\w.-]*)(?:\+\w+)?:", uri)
    kind = scheme.group(1).lower() if scheme else ""
    if kind == "sqlite":
        return _sqlite_address(uri)
    if kind in ("http", "https"):
        return _server_address(uri, kind)
    if kind in _DATABASES:
        return _database_address(uri, kind)
    if uri == "databricks" or (len(kind) > 1 and kind != "file"):
        return Address(
            uri, mask_secrets(uri), _secrets=_find_secrets(uri)
        )  # MLflow or a plug-in knows it
    raise BenchError(
        "tracking.bad-address",
        f"the tracking store {mask_secrets(uri)!r} is none that is known: {_SHOULD_BE}",
    )


def file_address(path: Path) -> Address:
    """Return the address of the SQLite store in a file."""
    path = path.absolute()
    if PLAIN_SQLITE.fullmatch(f"sqlite:///{path}"):
        return Address(f"sqlite+pysqlite:///{path}", f"sqlite:///{path}", file=path)

    from sqlalchemy.engine import URL

    # With its driver named, MLflow takes the URI as it is: without it, it makes a folder that is
    # called as the quoted path is.
    made = URL.create("sqlite+pysqlite", database=str(path))
    shown = made.set(drivername="sqlite").render_as_string()
    return Address(made.render_as_string(hide_password=False), shown, file=path)


def _sqlite_address(uri: str) -> Address:
    if plain := PLAIN_SQLITE.fullmatch(uri):
        return file_address(Path(plain[1]))
    database = _parse_url(uri).database
    if not database or database == ":memory:" or database.startswith("file:"):
        raise BenchError(
            "tracking.bad-address",
            f"the tracking store {uri!r} names no file: should be sqlite:////folder/mlflow.db, "
            "with four slashes before an absolute path; one in memory would be lost with the "
            "command",
        )
    return file_address(Path(database))


def _server_address(uri: str, kind: str) -> Address:
    try:
        parts = urlsplit(uri)
        port = parts.port or _PORTS[kind]
    except ValueError as error:
        # The error's own text may hold a part of the password.
        raise BenchError(
            "tracking.bad-address", f"the tracking server {mask_secrets(uri)}: not an address"
        ) from error
    if not parts.hostname:
        raise BenchError(
            "tracking.bad-address",
            f"the tracking server {mask_secrets(uri)} has no host: {_SHOULD_BE}",
        )
    # Requests of MLflow are then without user and password, and so is all that it says of them.
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Address(
        plain,
        plain,
        endpoint=(parts.hostname, port),
        login=login if parts.username else None,
        _secrets=_find_secrets(uri),
    )


def _database_address(uri: str, kind: str) -> Address:
    parts = _parse_url(uri)
    host = parts.host
    if "@" in (parts.database or ""):  # a password's own @ was taken for the one before the host
        raise _unreadable_error(uri)
    # A user's name tells whose the database is; it is no password, as it may be at a server.
    user = f"{quote(parts.username)}:***@" if parts.username else ""
    return Address(
        uri,
        mask_secrets(uri).replace("***@", user, 1),
        endpoint=(host, parts.port or _PORTS[kind]) if host else None,
        is_database=True,
        _secrets=_find_secrets(uri, str(parts.password or "")),
    )


def _parse_url(uri: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(uri)
    except (ArgumentError, ValueError) as error:
        raise _unreadable_error(uri) from error


def _unreadable_error(uri: str) -> BenchError:
    return BenchError(
        "tracking.bad-address",
        f"the tracking store {mask_secrets(uri)}: not a database's address; signs such as @ : / % "
        "in a password are written %40 %3A %2F %25",
    )


def mask_secrets(uri: str) -> str:
    """Return a URI without what stands before its host, and without passwords in its query.

    >>> mask_secrets("postgresql://bob:a@b@db.example/x?sslpassword=c&y=1")
    'postgresql://***@db.example/x?sslpassword=***&y=1'
    """
    head, _, query = uri.partition("?")
    head = re.sub(r"(?<=://).*@", "***@", head)
    query = re.sub(rf"({_SECRET}=)[^&]*", r"\1***", query)
    return f"{head}?{query}" if query else head


def _find_secrets(uri: str, *more: str) -> tuple[str, ...]:
    """Return the texts that stand for passwords in a URI, as they are and as they are quoted."""
    head, _, query = uri.partition("?")
    secrets = [match[1] for match in re.finditer(r"://[^:/@]*:(.*)@", head)]
    secrets += re.findall(rf"{_SECRET}=([^&]*)", query)
    variants = {
        text
        for secret in filter(None, (*secrets, *more))
        for text in (secret, unquote(secret), quote(secret, safe=""))
    }
    return tuple(sorted(variants, key=len, reverse=True))
