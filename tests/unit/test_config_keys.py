"""A certificate and its key are taken only if they fit, and if the key is nobody else's to read."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.config import problems
from holdfast.model.config import Config, ListenConfig
from tests.daemon import run
from tests.needs import need, need_root
from tests.unit.nobody import open_directory, unprivileged


class Pem:
    """A certificate, its key, and wrong ones, made by openssl."""

    def __init__(self, root: Path) -> None:
        openssl = need("openssl")
        self.cert, self.key, self.other, self.locked = (root / name for name in ("cert", "key", "other", "locked"))
        new = (openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=x")
        run(*new, "-noenc", "-keyout", self.key, "-out", self.cert)
        run(openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", self.other)
        run(openssl, "pkey", "-in", self.key, "-aes256", "-passout", "pass:x", "-out", self.locked)
        for key in (self.key, self.other, self.locked):
            key.chmod(0o600)

    def problems(self, **instead: Path | str) -> list[str]:
        options = {"tcp": "[::1]:8443", "cert": self.cert, "key": self.key, **instead}
        return problems(
            Config(listen=msgspec.convert({name: str(value) for name, value in options.items()}, ListenConfig))
        )


@pytest.fixture(scope="module")
def made() -> Iterator[Pem]:
    with open_directory() as root:
        yield Pem(root)


@pytest.fixture
def pem(made: Pem) -> Iterator[Pem]:
    yield made
    made.key.chmod(0o600)
    os.chown(made.key, os.geteuid(), -1)


def test_a_certificate_with_its_private_key_is_fine(pem: Pem) -> None:
    assert pem.problems() == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o601, 0o644, 0o700 | 0o010])
def test_a_key_that_others_have_access_to_is_refused(pem: Pem, mode: int) -> None:
    pem.key.chmod(mode)
    (found,) = pem.problems()
    assert (
        found
        == f"listen.key ({pem.key}) has mode {mode:04o}, but only its owner may have access: chmod 0600 {pem.key}."
    )


def test_a_link_to_a_key_that_others_can_read_is_refused(pem: Pem, tmp_path: Path) -> None:
    pem.key.chmod(0o644)
    (tmp_path / "link").symlink_to(pem.key)
    assert "has mode 0644" in pem.problems(key=tmp_path / "link")[0]


def test_a_key_of_somebody_else_is_refused(pem: Pem) -> None:
    need_root()
    os.chown(pem.key, 65534, -1)
    (found,) = pem.problems()
    assert "belongs to uid 65534" in found


def test_a_key_that_the_daemon_may_not_read_is_refused(pem: Pem) -> None:
    with unprivileged():
        (found,) = pem.problems()
    assert found == f"listen.key ({pem.key}) cannot be read: Permission denied."


@pytest.mark.parametrize("option", ["cert", "key"])
def test_a_file_that_is_not_there_is_refused(pem: Pem, option: str, tmp_path: Path) -> None:
    assert "No such file" in pem.problems(**{option: tmp_path / "gone"})[0]


@pytest.mark.parametrize("option", ["cert", "key"])
def test_a_directory_or_a_pipe_is_refused_and_waits_for_nobody(pem: Pem, option: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        assert "is not a file" in pem.problems(**{option: path})[0]


def test_a_key_of_another_certificate_is_refused(pem: Pem) -> None:
    (found,) = pem.problems(key=pem.other)
    assert "cannot be used together: KEY_VALUES_MISMATCH" in found


def test_a_key_with_a_passphrase_is_refused_without_a_question(pem: Pem) -> None:
    (found,) = pem.problems(key=pem.locked)
    assert "passphrase" in found


def test_what_is_no_certificate_is_refused(pem: Pem, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate\n")
    (found,) = pem.problems(cert=tmp_path / "text")
    assert "cannot be used together" in found


@pytest.mark.parametrize("missing", ["tcp", "cert", "key"])
def test_tcp_needs_certificate_and_key(pem: Pem, missing: str) -> None:
    found = pem.problems(**{missing: ""})
    assert len(found) == (missing != "tcp")  # a pair that waits for its use is fine
    assert all(f"listen.{missing} is empty" in problem for problem in found)
