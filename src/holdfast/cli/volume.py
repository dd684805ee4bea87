"""`holdfast volume`."""

import os
from typing import Annotated, Literal

from cyclopts import App, Parameter

from holdfast.cli import output
from holdfast.cli.common import Form, Wait, Yes, client, confirm, finish, seconds
from holdfast.model.errors import NotFound
from holdfast.model.names import split_volume
from holdfast.model.sizes import format_size

app = App(name="volume", help="Volumes: directories, file systems and block devices.")


@app.command
def create(
    name: str,
    *,
    size: str,
    content: Literal["directory", "filesystem", "block"] = "directory",
    fs: Literal["ext4", "xfs", "btrfs"] | None = None,
    wait: Wait = True,
    form: Form = "table",
) -> None:
    """Make a volume.

    Example: holdfast volume create fast/db --size 10GiB --content filesystem --fs ext4

    Parameters
    ----------
    name
        POOL/VOLUME.
    size
        Its size, as in 1GiB or 500MB. For a directory it is advisory.
    content
        A directory, a file system on an image, or the raw image.
    fs
        The file system; ext4 if not given.
    """
    pool, volume = split_volume(name)
    finish(client().create_volume(pool, volume, size, content, fs, seconds(wait)), form)


@app.command(name="list")
def list_(pool: str | None = None, *, form: Form = "table") -> None:
    """Show the volumes of a pool, or of all.

    Parameters
    ----------
    pool
        The pool's name.
    """
    connection = client()
    pools = [pool] if pool else [each.name for each in connection.pools()]
    found = [volume for each in pools for volume in connection.volumes(each)]
    if form != "table":
        output.dump(found, form)
        return
    rows = []
    for volume in found:
        kind = f"{volume.content} {volume.fs}" if volume.fs else volume.content
        size = format_size(volume.size) + (" (advisory)" if volume.advisory else "")
        state = "ready" if volume.ready else "not ready"
        rows.append([f"{volume.pool}/{volume.name}", kind, size, state, ", ".join(volume.mounts)])
    output.table(
        ("NAME", "CONTENT", "SIZE", "STATE", "MOUNTED AT"), rows,
        "There is no volume yet. Make one: holdfast volume create POOL/VOLUME --size 1GiB",
    )  # fmt: skip


@app.command
def show(name: str, *, form: Form = "table") -> None:
    """Show one volume.

    Parameters
    ----------
    name
        POOL/VOLUME.
    """
    pool, volume = split_volume(name)
    output.dump(client().volume(pool, volume), "yaml" if form == "table" else form)


@app.command
def rename(name: str, new_name: str, *, wait: Wait = True, form: Form = "table") -> None:
    """Rename a volume within its pool; its data and mounts do not move.

    Parameters
    ----------
    name
        POOL/VOLUME.
    new_name
        The new name, without the pool.
    """
    pool, volume = split_volume(name)
    finish(client().rename_volume(pool, volume, new_name, seconds(wait)), form)


@app.command
def delete(name: str, *, yes: Yes = False, wait: Wait = True, form: Form = "table") -> None:
    """Delete a volume and all that is in it. Refused while it is mounted.

    Parameters
    ----------
    name
        POOL/VOLUME.
    """
    pool, volume = split_volume(name)
    connection = client()
    found = connection.volume(pool, volume)
    confirm(f"destroy the {found.content} volume {name} ({format_size(found.size)}) and all data in it", yes)
    finish(connection.delete_volume(pool, volume, seconds(wait)), form)


@app.command
def mount(
    name: str,
    path: str,
    *,
    read_only: Annotated[bool, Parameter(negative=())] = False,
    wait: Wait = True,
    form: Form = "table",
) -> None:
    """Mount a volume at a path; it comes back there after a reboot.

    Example: holdfast volume mount fast/db /mnt/db

    Parameters
    ----------
    name
        POOL/VOLUME.
    path
        An empty directory; for a block volume an empty file, which becomes the device.
    read_only
        Forbid writing through this mount.
    """
    pool, volume = split_volume(name)
    finish(client().mount(pool, volume, os.path.abspath(path), read_only=read_only, wait=seconds(wait)), form)


@app.command
def unmount(path: str, *, wait: Wait = True, form: Form = "table") -> None:
    """Unmount the volume at a path. Never lazily: a busy one is refused.

    Parameters
    ----------
    path
        Where it is mounted.
    """
    connection = client()
    real = os.path.realpath(path)
    found = connection.mounts(real)
    if not found:
        raise NotFound(f"No volume is mounted at {real}.", "`holdfast volume list` shows where volumes are.")
    finish(connection.unmount(found[0], seconds(wait)), form)
