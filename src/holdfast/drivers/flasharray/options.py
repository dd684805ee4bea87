"""A pool's options, checked and in canonical form."""

import re

import msgspec

from holdfast.drivers import secrets
from holdfast.drivers.flasharray.names import LONGEST_POD
from holdfast.drivers.flasharray.wire import address
from holdfast.drivers.transports.contract import Transports
from holdfast.model.errors import Invalid, Refused

_POD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_DEFAULTS = {"transport": "iscsi", "eradicate": "never", "ca_file": "", "device_timeout": "30", "settle": "30"}
_REQUIRED = ("gateway", "pod", "token")


class Options(msgspec.Struct, frozen=True):
    """As the driver uses them. `eradicate` says what becomes of what is destroyed."""

    gateway: str
    pod: str
    token: str
    transport: str
    after_delete: bool
    ca_file: str
    device_timeout: float
    settle: float


def read(config: dict[str, str]) -> Options:
    """Of a canonical configuration."""
    return Options(
        config["gateway"], config["pod"], config["token"], config["transport"], config["eradicate"] == "after_delete",
        config["ca_file"], float(config["device_timeout"]), float(config["settle"]),
    )  # fmt: skip


def validate(config: dict[str, str], transports: Transports) -> dict[str, str]:
    """In canonical form; raise Invalid that says which option is wrong and why. Nobody is asked."""
    found = {**_DEFAULTS, **config}
    missing = [name for name in _REQUIRED if not found.get(name)]
    if missing:
        raise Invalid(
            f"The flasharray driver needs `{missing[0]}`.",
            "As in --set gateway=array.example.net --set pod=holdfast --set token=file:/etc/holdfast/array-token",
        )
    transport = transports.named(found["transport"])
    unknown = sorted(set(found) - set(_DEFAULTS) - set(_REQUIRED) - transport.options)
    if unknown:
        known = ", ".join(sorted({*_DEFAULTS, *_REQUIRED, *transport.options}))
        raise Invalid(f"The flasharray driver does not know {ascii(unknown[0])}.", f"Its options: {known}.")
    _check(found)
    return transport.validate(found)


def _check(found: dict[str, str]) -> None:
    try:
        address(found["gateway"])
    except Refused as error:
        raise Invalid(f"gateway: {error.detail}", error.hint) from error
    if not _POD.fullmatch(found["pod"]) or len(found["pod"]) > LONGEST_POD:
        raise Invalid(
            f"{ascii(found['pod'])} is no name for a pod of ours.",
            f"Letters, digits, '-' and '_', {LONGEST_POD} at most: the array counts them into each volume's name.",
        )
    secrets.reference("token", found["token"])
    if found["eradicate"] not in {"never", "after_delete"}:
        raise Invalid("eradicate is `never` or `after_delete`.", "never leaves it to the array's own timer.")
    if found["ca_file"] and not found["ca_file"].startswith("/"):
        raise Invalid("The path of ca_file is not absolute.")
    for name, least, most in (("device_timeout", 0.1, 3600.0), ("settle", 0.0, 3600.0)):
        found[name] = _seconds(name, found[name], least, most)


def _seconds(name: str, text: str, least: float, most: float) -> str:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise Invalid(f"{name} is {ascii(text)}, and must be between {least:g} and {most:g} seconds.")
    return f"{value:g}"
