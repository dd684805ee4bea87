"""What is deployed to Kubernetes: by its own schemas, and as our code and configuration have it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.config import reading
from holdfast.faces.csi.capabilities import PARAMETERS
from holdfast.faces.csi.naming import PLUGIN

DEPLOYED = Path(__file__).parents[2] / "deploy/kubernetes"
SCHEMAS = Path(sys.prefix) / "kubernetes"
# The first that has all that is deployed, and the newest that is known.
VERSIONS = ("1.31", "1.37")
# Prints the documents as JSON; fails if one is not as its schema says.
CHECK = """
import json, sys, yaml, kubernetes_validate
found = [each for name in sys.argv[2:] for each in yaml.safe_load_all(open(name))]
for each in found:
    if each["apiVersion"].split("/")[0] not in ("snapshot.storage.k8s.io", "kustomize.config.k8s.io"):
        kubernetes_validate.validate(each, sys.argv[1], strict=True)
print(json.dumps(found))
"""


def documents(version: str = VERSIONS[-1]) -> list[dict[str, Any]]:
    """All of them, checked."""
    if not SCHEMAS.exists():
        if os.environ.get("CI"):
            pytest.fail("the schemas of Kubernetes are not installed, and CI skips nothing")
        pytest.skip("needs the schemas of Kubernetes: make setup-lab")
    names = [str(path) for path in sorted(DEPLOYED.glob("*.yaml"))]
    env = {**os.environ, "PYTHONPATH": str(SCHEMAS)}
    done = subprocess.run([sys.executable, "-c", CHECK, version, *names], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def one(kind: str) -> dict[str, Any]:
    """The only document of a kind."""
    (found,) = (each for each in documents() if each["kind"] == kind)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_each_document_is_as_its_schema_says(version: str) -> None:
    kinds = {each["kind"] for each in documents(version)}
    assert {"DaemonSet", "CSIDriver", "StorageClass", "VolumeSnapshotClass", "ClusterRole"} <= kinds


def test_a_document_that_is_not_is_told(tmp_path: Path) -> None:
    """The negative control."""
    (tmp_path / "bad.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x, nmae: y}\n")
    env = {**os.environ, "PYTHONPATH": str(SCHEMAS)}
    documents()
    done = subprocess.run(
        [sys.executable, "-c", CHECK, VERSIONS[0], str(tmp_path / "bad.yaml")], env=env, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "nmae" in done.stderr


def test_kustomize_is_told_of_every_file() -> None:
    listed = set(one("Kustomization")["resources"])
    assert listed == {path.name for path in DEPLOYED.glob("*.yaml")} - {"kustomization.yaml"}
    (config,) = one("Kustomization")["configMapGenerator"]
    assert config["files"] == ["holdfast.toml"]


def test_the_names_are_those_of_the_code() -> None:
    assert one("CSIDriver")["metadata"]["name"] == PLUGIN
    assert one("VolumeSnapshotClass")["driver"] == PLUGIN
    for each in documents():
        if each["kind"] == "StorageClass":
            assert each["provisioner"] == PLUGIN
            assert set(each["parameters"]) <= PARAMETERS


def test_the_daemon_is_configured_as_its_container_is_mounted() -> None:
    config = reading.load(str(DEPLOYED / "holdfast.toml"))
    spec = one("DaemonSet")["spec"]["template"]["spec"]
    (daemon,) = (each for each in spec["containers"] if each["name"] == "holdfast")
    mounts = {each["mountPath"]: each for each in daemon["volumeMounts"]}
    assert {config.daemon.state, config.daemon.run, config.csi.kubelet} <= set(mounts)
    assert os.path.dirname(config.listen.csi) in mounts
    assert mounts[config.csi.kubelet]["mountPropagation"] == "Bidirectional"
    assert config.csi.expand == "node"
    named = {each["name"] for each in spec["volumes"]}
    for container in spec["containers"]:
        assert {each["name"] for each in container["volumeMounts"]} <= named
    (socket,) = (each["hostPath"]["path"] for each in spec["volumes"] if each["name"] == "socket")
    (registrar,) = (each for each in spec["containers"] if each["name"] == "registrar")
    assert f"--kubelet-registration-path={socket}/csi.sock" in registrar["args"]
    assert socket.endswith(PLUGIN)
