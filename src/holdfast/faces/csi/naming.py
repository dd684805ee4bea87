"""What CSI's names and ids are here: an id is a uid, and a name that may name a volume is its name."""

import hashlib

from holdfast.model.errors import Invalid
from holdfast.model.names import check_name

PLUGIN = "csi.holdfast.net"
# The key of a topology: which member a volume is on.
MEMBER = f"{PLUGIN}/member"
# Bytes of a name and of an id that a plugin must take: spec.md, Size Limits.
LONGEST = 128


def name_of(what: str, asked: str) -> str:
    """The name in the records: as asked, if it may be one; else one made of it, the same each time."""
    if len(asked.encode()) > LONGEST:
        raise Invalid(f"The {what} name has more than {LONGEST} bytes.")
    try:
        return check_name(what, asked)
    except Invalid:
        return f"csi-{hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()}"
