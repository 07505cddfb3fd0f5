"""Where a tracking store is, and that nobody reads its password."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.tracking.address import file_address, parse_address
from tests.errors import raises_code

SECRET = "s3cr3t@/:"
QUOTED = "s3cr3t%40%2F%3A"


def test_a_file_of_any_name_is_found_again_by_its_uri(tmp_path, subtests):
    cases = [
        "plain",
        "a b",
        "q?x",
        "100%20",
        "a#b",
        "it's",
        'say "x"',
        "a&b;c",
        "Größe",
        "a+b",
        "a%b",
        "a:b@c",
    ]
    for name in cases:
        with subtests.test(name=name):
            file = tmp_path / name / "mlflow.db"
            made = file_address(file)
            assert parse_address(made.shown).file == file
            assert parse_address(made.uri).file == file


@pytest.mark.parametrize("uri", ["sqlite:///x.db", "sqlite+pysqlite:///x.db"])
def test_a_relative_file_is_one_of_the_working_folder(uri):
    assert parse_address(uri).file == Path("x.db").absolute()


def test_what_is_shown_has_no_password(subtests):
    cases = [
        ("http://h:5000/x/", "http://h:5000/x", ("h", 5000)),
        ("https://h", "https://h", ("h", 443)),
        (f"https://bob:{QUOTED}@h", "https://h", ("h", 443)),
        (f"https://{QUOTED}@h", "https://h", ("h", 443)),
        ("postgresql://h/d", "postgresql://h/d", ("h", 5432)),
        ("postgresql+psycopg://bob@h/d", "postgresql+psycopg://bob:***@h/d", ("h", 5432)),
        (f"postgresql://bob:{QUOTED}@h:1/d", "postgresql://bob:***@h:1/d", ("h", 1)),
        (
            f"mysql://h/d?user=bob&password={QUOTED}",
            "mysql://h/d?user=bob&password=***",
            ("h", 3306),
        ),
        ("postgresql:///d", "postgresql:///d", None),
        ("databricks", "databricks", None),
        ("databricks://profile", "databricks://profile", None),
        (f"azureml://k:{QUOTED}@h/x", "azureml://***@h/x", None),
    ]
    for uri, shown, endpoint in cases:
        with subtests.test(uri=uri):
            found = parse_address(uri)
            assert (found.shown, found.endpoint, found.file) == (shown, endpoint, None)
            assert "s3cr3t" not in repr(found)
            for said in (uri, QUOTED, SECRET):
                if QUOTED in uri and "bob" in uri:
                    assert "s3cr3t" not in found.hide_secrets(f"cannot open {said}: no")


def test_a_servers_login_is_no_part_of_its_address():
    found = parse_address(f"https://bob:{QUOTED}@h/x")
    assert found.login == ("bob", SECRET)
    assert found.uri == "https://h/x"
    assert parse_address("https://h/x").login is None


def test_what_is_no_address_is_refused_without_its_password(subtests):
    cases = [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?uri=true",
        "./mlruns",
        "file:///data/mlruns",
        "C:\\mlruns",
        "https://",
        "https://bob:s3cr3t/x@h",
        "https://bob:s3cr3t@h:port",
        "postgresql://bob:s3cr3t@x/y@h/d",
        "postgresql://bob:s3cr3t@h:port/d",
    ]
    for uri in cases:
        with subtests.test(uri=uri):
            with raises_code("tracking.bad-address") as raised:
                parse_address(uri)
            assert "s3cr3t" not in str(raised.value)
