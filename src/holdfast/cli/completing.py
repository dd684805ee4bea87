"""Names for the shell's completion, asked of the daemon; whoever asks swallows errors, so none is caught here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

    from holdfast.client import Client

# Seconds that a daemon may take; then there is nothing to offer.
_PATIENCE = 2.0
_MOST = 500


def _client(context: "CompletionContext") -> "Client":
    from holdfast.client import Client

    given = context.get("--address")
    return Client((given.raw or "") if given is not None else "", timeout=_PATIENCE)


def pools(context: "CompletionContext") -> list[str]:
    """Names of pools."""
    with _client(context) as client:
        return [pool.name for pool in client.pools()]


def volumes(context: "CompletionContext") -> list[str]:
    """POOL/VOLUME: of the pool that is typed already, or of all."""
    from itertools import islice

    typed, slash, _ = context.incomplete.partition("/")
    with _client(context) as client:
        names = [typed] if slash else [pool.name for pool in client.pools()]
        return [f"{name}/{volume.name}" for name in names for volume in islice(client.volumes(name), _MOST)]


def new_snapshots(context: "CompletionContext") -> list[str]:
    """POOL/VOLUME@, for a snapshot that is yet to be named."""
    return [f"{name}@" for name in volumes(context)]


def snapshots(context: "CompletionContext") -> list[str]:
    """POOL/VOLUME@SNAPSHOT of the volume that is typed already; else volumes."""
    from itertools import islice

    typed, at, _ = context.incomplete.partition("@")
    pool, slash, volume = typed.partition("/")
    if not at or not slash:
        return new_snapshots(context)
    with _client(context) as client:
        return [f"{typed}@{snapshot.name}" for snapshot in islice(client.snapshots(pool, volume), _MOST)]


def operations(context: "CompletionContext") -> Iterator[tuple[str, str]]:
    """Ids of the operations that are not over, with what they are."""
    with _client(context) as client:
        for view in client.operations():
            if not view.ended:
                yield view.id, f"{view.kind} {view.resource.path}: {view.state}"


def mounts(context: "CompletionContext") -> list[str]:
    """Paths where volumes are mounted."""
    with _client(context) as client:
        return [mount.path for mount in client.mounts()]


def tokens(context: "CompletionContext") -> list[str]:
    """Names of tokens."""
    with _client(context) as client:
        return [token.name for token in client.tokens()]


def new_volumes(context: "CompletionContext") -> list[str]:
    """POOL/, for a volume that is yet to be named."""
    return [f"{name}/" for name in pools(context)]
