"""Making types ready for threads.

msgspec builds what it knows of a type at its first use. Two threads that meet the same type first at the same
moment crash the process (seen with 0.22: a segmentation fault in a restart with much to resume). So whatever
threads decode is made ready while there is only one: a Decoder builds all, and msgspec keeps it with the type.
"""

from typing import Any

import msgspec


def ready(*kinds: Any) -> None:
    """Build what msgspec needs to decode each type."""
    for kind in kinds:
        msgspec.json.Decoder(kind)
