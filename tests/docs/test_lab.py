"""The files of a lab's services: versions are pinned, options exist, releases have a note."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
import warnings

import pytest
import yaml
from click.testing import CliRunner

from bench import __version__
from bench.cli.configuration import load_configuration
from bench.config import locations

from .pages import DOCS, ROOT, read_blocks

COMPOSE = DOCS / "lab" / "compose.yaml"
UNIT = DOCS / "lab" / "mlflow.service"
PINNED = re.compile(r"(mlflow|psycopg|boto3)(?:\[\w+\])?==([\d.]+)")


def server_options() -> tuple[set[str], set[str]]:
    """Return the options of `mlflow server`, and the variables that say them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.cli import server
    options = {name for each in server.params for name in each.opts}
    return options, {str(each.envvar) for each in server.params if getattr(each, "envvar", None)}


def check_server_command(words: list[str]) -> None:
    assert words[0].rpartition("/")[2] == "mlflow"
    assert words[1] == "server"
    assert {word for word in words if word.startswith("--")} <= server_options()[0]


def test_images_and_packages_are_pinned_as_locked() -> None:
    services = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    for service in services.values():
        assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", service["image"]), service["image"]
    base = re.search(r"FROM (\S+)", services["mlflow"]["build"]["dockerfile_inline"])
    assert base is not None
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim", base[1])
    packages = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    locked = {package["name"]: package.get("version") for package in packages}
    for path in (COMPOSE, DOCS / "lab.md"):
        pinned = dict(PINNED.findall(path.read_text("utf-8")))
        assert pinned == {name: locked[name] for name in ("mlflow", "psycopg", "boto3")}, path
    assert services["mlflow"]["image"].endswith(f":{locked['mlflow']}")


def test_what_depends_on_something_names_a_service_that_is_there() -> None:
    content = yaml.safe_load(COMPOSE.read_text("utf-8"))
    services = content["services"]
    conditions = {"service_healthy", "service_completed_successfully"}
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] in conditions
            assert how["condition"] != "service_healthy" or "healthcheck" in services[name]
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in content["volumes"]
        for port in service.get("ports", ()):  # nothing is open to a network unless asked for
            assert port.startswith("${LAB_ADDRESS:-127.0.0.1}:")


@pytest.mark.rows
def test_options_and_variables_of_the_server_exist() -> None:
    service = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["mlflow"]
    check_server_command(service["command"])
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(UNIT.read_text("utf-8"))
    check_server_command(shlex.split(unit["Service"]["ExecStart"]))
    page = (DOCS / "lab.md").read_text("utf-8")
    clients = {"MLFLOW_S3_ENDPOINT_URL", "MLFLOW_DISABLE_TELEMETRY"}
    used = {*service["environment"], *re.findall(r"\bMLFLOW_\w+", page)}
    assert {name for name in used if name.startswith("MLFLOW_")} <= server_options()[1] | clients


def test_the_configuration_of_a_machine_is_read(tmp_path, monkeypatch) -> None:
    """The block of /etc/speech-deepfake-bench/bench.toml."""
    (block,) = (block for block in read_blocks(DOCS / "lab.md") if block.language == "toml")
    machine = tmp_path / "etc" / "bench.toml"
    machine.parent.mkdir()
    machine.write_text(block.text)
    monkeypatch.setattr(locations, "machine_file", lambda environment: machine)
    monkeypatch.chdir(machine.parent.parent)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    here = load_configuration()
    assert here.tracking_uri == "http://mlflow.lab.example:5000"
    assert {*here.corpora} == {"partialspoof", "llamapartialspoof"}
    assert {*here.weights} == {"xlsr2_300m", "wavlm_large"}


def test_each_release_has_a_migration_note() -> None:
    notes = re.findall(r"^### (\S+)$", (DOCS / "migration.md").read_text("utf-8"), re.MULTILINE)
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    releases = re.findall(r"^## v?(\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert {*releases, __version__} <= {*notes}


@pytest.mark.parametrize("command", [["db", "upgrade"]])
def test_commands_of_mlflow_exist(command) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.cli import cli
    assert CliRunner().invoke(cli, [*command, "--help"]).exit_code == 0
