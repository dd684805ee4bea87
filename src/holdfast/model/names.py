"""Names that people give: ASCII, 1 to 63 characters, safe in a path, a URL and an array's namespace."""

import re
from collections.abc import Mapping

from holdfast.model.errors import Invalid

# 63 is the shortest limit among the back ends (a FlashArray volume's name, a DNS label).
LONGEST = 63
MOST_LABELS = 64
LONGEST_VALUE = 255
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)


def check_name(what: str, name: str) -> str:
    """Return `name` if it may name a `what`; raise Invalid that says why not."""
    if not name:
        raise Invalid(f"The {what} name is empty.", "Give it a name of 1 to 63 letters, digits, '.', '_' or '-'.")
    if len(name) > LONGEST:
        raise Invalid(f"The {what} name has {len(name)} characters; at most {LONGEST} are allowed.")
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"The {what} name {ascii(name)} is not allowed.",
            "Use ASCII letters, digits, '.', '_' and '-', and begin and end with a letter or digit.",
        )
    return name


def check_labels(labels: Mapping[str, str | None]) -> None:
    """Raise Invalid unless all are labels: names as of resources, with '/' too; values of 0 to 255 printable signs."""
    if len(labels) > MOST_LABELS:
        raise Invalid(f"{len(labels)} labels were given; a resource has {MOST_LABELS} at most.")
    for name, value in labels.items():
        for part in name.split("/"):
            check_name("label's", part)
        if len(name) > LONGEST_VALUE:
            raise Invalid(f"The label's name has {len(name)} characters; at most {LONGEST_VALUE} are allowed.")
        if value is not None and (len(value) > LONGEST_VALUE or not value.isprintable()):
            raise Invalid(f"The value of the label {name} is longer than {LONGEST_VALUE} signs, or not printable.")


def split_snapshot(name: str) -> tuple[str, str, str]:
    """Split `POOL/VOLUME@SNAPSHOT`; raise Invalid unless all parts are names."""
    volume, at, snapshot = name.partition("@")
    if not at:
        raise Invalid(f"{ascii(name)} is not POOL/VOLUME@SNAPSHOT.", "Write the volume, an @, and the snapshot.")
    return *split_volume(volume), check_name("snapshot", snapshot)


def split_volume(name: str) -> tuple[str, str]:
    """Split `POOL/VOLUME`; raise Invalid unless both parts are names."""
    pool, slash, volume = name.partition("/")
    if not slash:
        raise Invalid(f"{ascii(name)} is not POOL/VOLUME.", "Write the pool, a slash, and the volume.")
    return check_name("pool", pool), check_name("volume", volume)
