"""Whether what an array was sent obeyed it: asserted from the simulator's own log, which knows what was answered."""

from holdfast.testing.flasharray.model import Sent


class Disobeyed(AssertionError):
    """A request that must never be sent."""


def judge(log: list[Sent]) -> int:
    """How many volumes were destroyed or erased. Raise Disobeyed if one was not known to be free and ours.

    Known is what the last look that was answered said, behind the last change of the volume's connections; and that the
    volume bore the tags or, being half made, the name of whoever asks is what the driver's looks must have shown.
    """
    seen: dict[str, str] = {}
    names: dict[str, str] = {}
    judged = 0
    for sent in log:
        if sent.path == "volumes":
            names.update({item["id"]: item["name"] for item in sent.items})
        if sent.path == "connections":
            _note(sent, seen)
        elif sent.path == "volumes" and (sent.method == "DELETE" or "destroyed" in (sent.body or {})):
            name = names.get(sent.query.get("ids", ""), sent.query.get("names", ""))
            if "::hfp-" in name:  # a mark is connected to nobody
                continue
            judged += 1
            _must_be_free(sent, name, seen.get(name, "not looked at"))
    return judged


def _note(sent: Sent, seen: dict[str, str]) -> None:
    if sent.method in ("POST", "DELETE"):
        seen[sent.query["volume_names"]] = "changed since"
    elif sent.told and sent.query.get("volume_names"):
        seen[sent.query["volume_names"]] = "connected" if sent.items else "free"


def _must_be_free(sent: Sent, name: str, state: str) -> None:
    if state != "free":
        raise Disobeyed(f"{sent.method} of {name}, which was {state}")
    if sent.connected.get(name):
        raise Disobeyed(f"{sent.method} of {name} while it was connected to {sent.connected[name]}")
