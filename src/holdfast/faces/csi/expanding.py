"""A volume as large as asked for: in its pool, its device here, and the file system in it, by one operation."""

from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.errors import OutOfRange
from holdfast.faces.csi.finding import the_volume
from holdfast.faces.csi.using import TURNS
from holdfast.model.errors import Again, NotFound
from holdfast.model.sizes import LARGEST, SECTOR
from holdfast.operations.volume.resize import VolumeResize
from holdfast.records import claims


def expanded(daemon: Daemon, uid: str, room: Any, ensuring: Ensuring) -> int:
    """Its size now, which is at least as asked. Raises OutOfRange, NotFound, and what `Ensuring.asked` does."""
    least, most = room.required_bytes, room.limit_bytes
    if least < 0 or most < 0 or (most and most < least) or max(least, most) > LARGEST:
        raise OutOfRange(f"No volume has between {least} and {most} bytes.")
    for _ in range(TURNS):
        ensuring.joined(claims.on_uid(uid), "volume.resize")
        pool, volume = daemon.records.read(lambda tx: the_volume(tx, uid))
        size = -(-least // SECTOR) * SECTOR
        if volume.spec.size >= size and volume.status.size_before is None:
            if most and volume.spec.size > most:
                raise OutOfRange(f"The volume has {volume.spec.size} bytes already, and volumes do not shrink.")
            return volume.spec.size
        if most and size > most:
            raise OutOfRange(f"A volume's size is a multiple of {SECTOR} bytes; {most} are allowed.")
        try:
            ensuring.asked(VolumeResize(pool=pool.name, name=volume.name, size=max(size, volume.spec.size)))
        except NotFound:  # it was renamed, or is gone by now
            continue
    raise Again("The volume's size is changed again and again.")
