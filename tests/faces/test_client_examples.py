"""The examples of the client's own documentation run as they stand, but for their paths."""

import re
import subprocess
import sys
from pathlib import Path

import holdfast.client
from tests.daemon import RealDaemon

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = SHOWN.findall(holdfast.client.__doc__ or "")


def _run(daemon: RealDaemon, example: str) -> str:
    for shown, ours in (("/srv/fast", daemon.pool), ("/mnt/site", daemon.mnt)):
        example = example.replace(shown, str(ours))
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, timeout=60,
        env={"HOLDFAST_ADDRESS": daemon.address, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_examples_of_the_client_run_as_they_stand(daemon: RealDaemon) -> None:
    first, second = EXAMPLES
    client = daemon.start().client()
    found, missing = _run(daemon, first).splitlines()
    assert found == f"site {10 << 30} {daemon.mnt}"
    assert "nowhere" in missing
    assert "holdfast volume list" in missing
    assert _run(daemon, second) == "volume.delete done\n"
    assert sorted(volume.name for volume in client.volumes("fast")) == ["db1", "db2", "site"]
    # A program that crashed and asks again under its own keys makes nothing twice, and nothing anew.
    again = [client.create_volume("fast", f"db{number}", "1GiB", key=f"order-4711-{number}") for number in range(3)]
    assert {operation.state for operation in again} == {"done"}
    assert sorted(volume.name for volume in client.volumes("fast")) == ["db1", "db2", "site"]


def test_a_document_that_shows_the_client_shows_these_examples() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    assert documents
    for document in documents:
        for example in SHOWN.findall(document.read_text()):
            assert "holdfast.client" not in example or example in EXAMPLES, document.name
