"""`make docs`: writes what is generated from the code. A test compares the files with the same function."""

from pathlib import Path
from typing import Any

from tests.daemon import real_daemon

from holdfast import config
from holdfast.cli.describe import describe
from holdfast.cli.main import app
from holdfast.client import Client
from holdfast.client.calls import Call
from lab.cli_reference import reference as cli
from lab.rest_reference import reference as rest

ROOT = Path(__file__).resolve().parents[1]


def described(address: str) -> dict[str, Any]:
    """The OpenAPI description that a daemon serves."""
    with Client(address) as client:
        return client.run(Call(kind=dict[str, Any], path="/openapi.json"))


def generated(openapi: dict[str, Any]) -> dict[str, str]:
    """Text by path."""
    return {
        "docs/configuration.md": config.reference(),
        "packaging/holdfast.toml": config.example(),
        "docs/rest.md": rest(openapi),
        "docs/cli.md": cli(describe(app)),
    }


def main() -> None:
    """Write them all."""
    with real_daemon() as daemon:
        found = generated(described(daemon.start().address))
    for path, text in found.items():
        (ROOT / path).write_text(text)
        print(path)


if __name__ == "__main__":
    main()
