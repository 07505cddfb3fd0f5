"""Trained systems as MLflow models: written, registered by table and row, loaded again.

A model is the whole `torch.nn.Module` of a row's kept weights, of MLflow's pytorch flavour, in the
run's artifacts (`model/`). So `mlflow.pytorch.load_model` rebuilds it wherever this suite is
installed, without the pretrained weights that its front-end began from. Its file is the row's
checkpoint itself (`bench.tracking.model_pickle`), which a local store keeps as one more name of the
same file. Unpickling runs code: load models of stores that you trust only.

A row of SAL's Table 4 is registered as `sal-table4-S5`, with a version for each run and the alias
`seed-666` for the latest of each seed. A smoke run's is `sal-table4-S5-smoke`, and one with
overridden settings bears its signature as well: neither can be taken for the paper's row.
"""

from __future__ import annotations

import importlib
import logging
import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.version import Version

from bench import provenance
from bench._io import packages
from bench.errors import BenchError
from bench.smoke import smoke_note
from bench.tracking.address import local_folder
from bench.tracking.run_files import link_file

if TYPE_CHECKING:
    from torch import nn

FOLDER = "model"
"""Folder of a run's artifacts."""
FILE = "data/model.pth"
"""Of a model, where MLflow has the weights; below its folder."""
_VERSIONED = ("table", "row", "seed", "form", "signature", "overrides")
"""Tags of a run that its registered model bears, too."""


def model_name(tags: Mapping[str, str]) -> str:
    """Return what the model of a run with these tags is registered as.

    >>> model_name({"table": "sal/table4", "row": "S5", "form": "smoke"})
    'sal-table4-S5-smoke'
    """
    signature = tags["signature"] if "overrides" in tags else ""
    form = "" if tags["form"] == "paper" else tags["form"]
    parts = filter(None, (tags["table"], tags["row"], form, signature))
    return re.sub(r"[/:]", "-", "-".join(parts))


def write_model(checkpoint: Path, folder: Path) -> None:
    """Write an MLflow model into `folder`, which is made; its file is the checkpoint, linked.

    The checkpoint holds its module (`bench.tracking.model_pickle`). On another drive it is copied.
    """
    from torch import nn

    from bench.tracking import model_pickle

    _import_flavour().save_model(
        nn.Identity(),  # in place of which comes the checkpoint
        str(folder),
        serialization_format="pickle",
        pickle_module=model_pickle,
        pip_requirements=pip_requirements(),
        metadata={"commit": provenance.read_commit()},
    )
    file = folder / FILE
    if not link_file(checkpoint, file):
        shutil.copyfile(checkpoint, file)


def pip_requirements() -> list[str]:
    """Return the requirements with which pip makes an environment that loads a model as here.

    They are this suite, from its commit where it was installed from a repository, and what it
    requires, in the versions of this environment.
    """
    suite = [name for name in (packages.WHOLE, packages.CORE) if packages.installed_version(name)]
    required = [Requirement(text) for name in suite for text in requires(name) or ()]
    wanted = [
        requirement.name
        for requirement in required
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    others = sorted({*wanted, "torch"} - {*suite})
    pinned = [
        f"{name}=={Version(requirement).public}"
        for name in others
        if (requirement := packages.installed_version(name))
    ]
    return [*map(_suite_requirement, suite), *pinned]


def _suite_requirement(name: str) -> str:
    origin = provenance.read_origin(name)
    if "vcs_info" not in origin:
        return f"{name}=={version(name)}"
    source = origin["vcs_info"]
    folder = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
    return f"{name} @ {source['vcs']}+{origin['url']}@{source['commit_id']}{folder}"


def _import_flavour() -> Any:
    """Return MLflow's module of PyTorch models, imported quietly."""
    with warnings.catch_warnings():
        # On import: that type hints of MLflow's own examples are taken for any type.
        warnings.filterwarnings("ignore", message="(?s).*Any type hint is inferred")
        importlib.import_module("mlflow.pyfunc")
        pytorch = importlib.import_module("mlflow.pytorch")
    # Its warning that pickles run code is for readers; it is said above.
    logging.getLogger("mlflow.pytorch").setLevel(logging.ERROR)
    return pytorch


def register_model(client: Any, run_id: str) -> None:
    """Register the model of a run, once, and give its seed's alias to it."""
    from mlflow.exceptions import MlflowException

    run = client.get_run(run_id)
    tags = run.data.tags
    registered = model_name(tags)
    if any(client.search_model_versions(f"run_id = '{run_id}'")):
        return
    try:
        client.create_registered_model(registered, {"form": tags["form"]}, _describe_model(tags))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        registered,
        f"{run.info.artifact_uri}/{FOLDER}",
        run_id,
        tags={key: tags[key] for key in _VERSIONED if key in tags},
        description=_describe_model(tags),
    )
    client.set_registered_model_alias(registered, f"seed-{tags['seed']}", made.version)


def load_registered_model(client: Any, run_id: str) -> nn.Module:
    """Return a run's model, on the CPU and in evaluation mode.

    BenchError where it has none, or where the code that its pickle names is not here.
    """
    if not any(file.path == FOLDER for file in client.list_artifacts(run_id)):
        uri = client.get_run(run_id).info.artifact_uri
        looked = local_folder(uri) or uri
        raise BenchError(
            "tracking.artifact-missing",
            f"run {run_id} has no model among its artifacts: no {looked}/{FOLDER}",
        )
    flavour = _import_flavour()
    with tempfile.TemporaryDirectory() as temporary:
        path = client.download_artifacts(run_id, FOLDER, temporary)
        try:
            return flavour.load_model(path, map_location="cpu")
        except (ImportError, AttributeError) as error:
            commit = client.get_run(run_id).data.tags.get("commit", "")
            raise BenchError(
                "tracking.model-unreadable",
                f"the model of run {run_id} names code that is not here ({error}): it was written "
                f"{f'at commit {commit}' if commit else 'by another version of this suite'}, and "
                "modules were renamed or removed since",
            ) from error


def _describe_model(tags: Mapping[str, str]) -> str:
    smoke = smoke_note(tags["form"])
    return f"{smoke}{tags['table']}, row {tags['row']}: kept weights, one version a run."
