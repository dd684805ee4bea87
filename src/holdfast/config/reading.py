"""Reads the configuration file, and lets the command line override it."""

import os
import tomllib
from typing import Any

import msgspec

from holdfast.config.options import mistakes
from holdfast.model.config import Config
from holdfast.model.errors import Invalid

DEFAULT_PATH = "/etc/holdfast/holdfast.toml"
# Many times what all options and comments need.
_LARGEST = 1 << 18
_HINT = "Correct it, and check it with `holdfast serve --check`; docs/configuration.md has every option."


def load(path: str | None = None) -> Config:
    """What the file at `path` says; without one, the default file's if there is one, else the defaults.

    Raises Invalid with all mistakes that the file alone shows; `holdfast.config.problems` finds the others.
    """
    if path is None and not os.path.lexists(DEFAULT_PATH):
        return Config()
    path = DEFAULT_PATH if path is None else path
    data = _parse(path)
    found = mistakes(data)
    if found:
        raise Invalid(f"{path}: {' '.join(found.values())}", _HINT)
    return msgspec.convert(data, Config, strict=True)


def _parse(path: str) -> dict[str, Any]:
    """The file's tables; Invalid if it cannot be read or is no TOML."""
    try:
        with open(path, "rb") as file:
            raw = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        why = error.strerror if isinstance(error, OSError) else error
        raise Invalid(f"The configuration {path} cannot be read: {why}.", "Give another with --config.") from error
    if len(raw) > _LARGEST:
        raise Invalid(f"The configuration {path} has more than {_LARGEST} bytes.", "Give another with --config.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{path}: line {line} is not UTF-8.", _HINT) from error
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what int() says about thousands of digits
        raise Invalid(f"{path} is not TOML: {error}.", _HINT) from error
    except RecursionError as error:
        raise Invalid(f"{path} is not TOML for us: its arrays are nested too deeply.", _HINT) from error


def override(
    config: Config, state: str | None = None, run: str | None = None, listen: str | None = None, csi: str | None = None
) -> Config:
    """`config` with what the command line says instead; a path is relative to the working directory.

    Raises Invalid if `listen` is not unix:PATH, or `csi` not unix:///PATH.
    """
    daemon, listening = config.daemon, config.listen
    if state is not None:
        daemon = msgspec.structs.replace(daemon, state=_absolute(state))
    if run is not None:
        daemon = msgspec.structs.replace(daemon, run=_absolute(run))
    if listen is not None:
        scheme, colon, path = listen.partition(":")
        if (scheme, colon) != ("unix", ":") or not path:
            raise Invalid(f"--listen is {ascii(listen)}, but must be unix:PATH.", "TCP is listen.tcp in the file.")
        listening = msgspec.structs.replace(listening, socket=_absolute(path))
    if csi is not None:
        if not csi.startswith("unix:///"):
            raise Invalid(f"--csi is {ascii(csi)}, but must be unix:///PATH.")
        listening = msgspec.structs.replace(listening, csi=csi.removeprefix("unix://"))
    return msgspec.structs.replace(config, daemon=daemon, listen=listening)


def _absolute(path: str) -> str:
    return os.path.abspath(path) if path else path  # an empty one must not become the working directory
