"""The journal holds references to secrets, never secrets."""

import msgspec
import pytest

from holdfast.engine.codec import encode
from holdfast.model.secrets import Secret, SecretRef


class Plan(msgspec.Struct):
    """Something with a password in it."""

    password: object


def test_a_secret_is_refused_wherever_it_hides() -> None:
    for hidden in (Secret("hunter2"), [Secret("hunter2")], {"a": Secret("hunter2")}):
        with pytest.raises(TypeError, match="SecretRef"):
            encode(Plan(hidden))


def test_a_reference_is_allowed() -> None:
    assert encode(Plan(SecretRef("file", "/etc/key"))) == '{"password":{"source":"file","name":"/etc/key"}}'


def test_a_secret_has_no_readable_form() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        secret.__reduce__()


def test_what_is_not_plain_data_is_refused() -> None:
    with pytest.raises(TypeError, match="no place in the journal"):
        encode(Plan(object()))
