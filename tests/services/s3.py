"""A server of a test that speaks S3 (moto), with a bucket."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from tests.tracking.serving import free_port

BUCKET = "runs"
LOGIN = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3:
    """A server that keeps objects in memory."""

    def __init__(self) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.environment = {**LOGIN, "MLFLOW_S3_ENDPOINT_URL": self.uri}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        out = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=out, stderr=out)
        for _ in range(720):
            try:
                urllib.request.urlopen(self.uri).close()
            except urllib.error.URLError:
                time.sleep(0.25)
            else:
                self.client().create_bucket(Bucket=BUCKET)
                return
        raise AssertionError("the server did not answer within three minutes")

    def client(self):
        """Return boto3's client of it."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.uri,
            aws_access_key_id=LOGIN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOGIN["AWS_SECRET_ACCESS_KEY"],
            region_name=LOGIN["AWS_DEFAULT_REGION"],
        )

    def list_keys(self) -> list[str]:
        """Return the names of all objects of the bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return sorted(each["Key"] for page in pages for each in page.get("Contents", ()))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def run_s3() -> Generator[S3]:
    """Give a running server; the test is skipped where it is not installed."""
    missing = [name for name in ("moto", "boto3") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: `uv sync` brings the group dev")
    server = S3()
    server.start()
    try:
        yield server
    finally:
        server.kill()
