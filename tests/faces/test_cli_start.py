"""A command starts fast because it imports little: what, is asserted; how long it takes, is nobody's promise."""

import os
import subprocess
import sys

import pytest

from tests.daemon import RealDaemon

# Slow to import, and of no use to a command that asks the daemon one question.
HEAVY = {
    "rich", "litestar", "uvicorn", "uvloop", "apsw", "asyncio", "structlog", "prometheus_client", "concurrent",
    "docstring_parser", "pygments", "yaml", "subprocess", "tempfile", "difflib", "urllib.request", "pydantic",
    "holdfast.engine", "holdfast.records", "holdfast.service", "holdfast.client.aio", "holdfast.cli.describe",
}  # fmt: skip
TELL = "import atexit, sys; sys.argv[0] = 'holdfast'; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "


def imported(daemon: RealDaemon, *args: str) -> set[str]:
    """The modules that were imported when the command ended."""
    code = f"{TELL} from holdfast.cli.main import main; main()"
    env = {**os.environ, "HOLDFAST_ADDRESS": daemon.address}
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=30, env=env)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("args", ["pool list -o json", "status", "volume show p/v", "op list", "volume list -o yaml"])
def test_a_command_that_asks_one_question_imports_nothing_heavy(daemon: RealDaemon, args: str) -> None:
    daemon.with_pool().create_volume("p", "v", "1MiB")
    assert not HEAVY & imported(daemon, *args.split())


def test_a_change_that_is_quick_imports_nothing_heavy(daemon: RealDaemon) -> None:
    daemon.with_pool()
    assert not HEAVY & imported(daemon, "volume", "create", "p/v", "--size", "1MiB")


def test_the_daemon_imports_no_command_but_its_own(daemon: RealDaemon) -> None:
    found = imported(daemon, "serve", "--check", "--state", str(daemon.state), "--run", str(daemon.run))
    ours = {"holdfast.cli", "holdfast.cli.main", "holdfast.cli.local", "holdfast.cli.local.serve"}
    assert {name for name in found if name.startswith(("holdfast.cli", "holdfast.client"))} == ours
