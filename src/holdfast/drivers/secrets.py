"""Where a pool's configuration says that a secret is, and the secret itself at the moment of use."""

import os

import msgspec

from holdfast.model.errors import Again, Invalid
from holdfast.model.secrets import Secret, SecretRef

_LONGEST = 1 << 16


def reference(option: str, text: str) -> SecretRef:
    """`file:PATH`, `environment:NAME` or `credential:NAME`; raise Invalid, and never repeat what was given."""
    source, colon, name = text.partition(":")
    if not colon or source not in {"file", "environment", "credential"} or not name.strip():
        raise Invalid(
            f"The option {option} must say where the secret is, not what it is.",
            f"As in {option}=file:/etc/holdfast/array-token; the file is read by root alone.",
        )
    if source == "file" and not name.startswith("/"):
        raise Invalid(f"The path of the option {option} is not absolute.", f"As in {option}=file:/etc/holdfast/token")
    return msgspec.convert({"source": source, "name": name}, SecretRef)


def reveal(ref: SecretRef) -> Secret:
    """Read it; raise Again, naming the place, if it is not there."""
    if ref.source == "environment":
        value = os.environ.get(ref.name, "")
    else:
        path = ref.name
        if ref.source == "credential":  # systemd.exec(5): LoadCredential=
            path = os.path.join(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"), ref.name)
        try:
            with open(path, encoding="utf-8") as file:
                value = file.read(_LONGEST)
        except (OSError, UnicodeDecodeError) as error:
            raise Again(f"The secret {ref.source}:{ref.name} cannot be read: {error}") from error
    if not value.strip():
        raise Again(f"The secret {ref.source}:{ref.name} is empty.")
    return Secret(value.strip())
