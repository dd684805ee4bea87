"""The command line is quick because the client is: it imports nothing that it does not need."""

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio", "rich", "h11", "cyclopts", "litestar", "uvicorn", "apsw", "grpc", "structlog", "tomllib",
    "concurrent.futures", "multiprocessing", "subprocess", "logging", "json", "yaml",
}  # fmt: skip


def imported(code: str) -> set[str]:
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_client_imports_neither_asyncio_nor_a_parser_of_http_nor_any_of_the_daemon() -> None:
    assert not (imported("import holdfast.client") - imported("pass")) & HEAVY


@pytest.mark.parametrize("module", ["holdfast.client", "holdfast.client.aio"])
def test_a_client_knows_the_model_and_http_and_nothing_else_of_holdfast(module: str) -> None:
    rooms = {".".join(name.split(".")[:2]) for name in imported(f"import {module}") if name.startswith("holdfast.")}
    assert rooms == {"holdfast.client", "holdfast.http1", "holdfast.model"}
