"""What our objects are called on an array: `hf-INSTALLATION-UID`, in base 32, within 63 characters, pod included.

    POD::hf-<8>-<26>        a volume: 40 characters and the pod's
    POD::hfp-<8>-<26>-<n>   a pool's mark, whose counter is the last part, in base 36
    hf-<8>-<26>             a host: the member's uid

The first part is the end of the owner's uid. A name alone proves nothing but whose an unmarked object may be: see tags.
"""

import base64
import re

import msgspec

# So that a snapshot's suffix of eight characters and its mark have room beside a volume's name.
LONGEST_POD = 13
_VOLUME = re.compile(r"hf-([a-z2-7]{8})-([a-z2-7]{26})")
_MARK = re.compile(r"hfp-([a-z2-7]{8})-([a-z2-7]{26})-([0-9a-z]{1,8})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Named(msgspec.Struct, frozen=True):
    """What a name says: the installation, the uid, and a mark's counter."""

    installation: str
    uid: str
    counter: int = 0


def base32(uid: str) -> str:
    """26 characters of 32 hex digits."""
    return base64.b32encode(bytes.fromhex(uid)).decode().rstrip("=").lower()


def _uid(text: str) -> str:
    return base64.b32decode(text.upper() + "======").hex()


def installation(owner: str) -> str:
    """Eight characters of the owner's uid."""
    return base32(owner)[-8:]


def volume(pod: str, owner: str, uid: str) -> str:
    """A volume's whole name."""
    return f"{pod}::hf-{installation(owner)}-{base32(uid)}"


def host(owner: str, member: str) -> str:
    """A host entry's name."""
    return f"hf-{installation(owner)}-{base32(member)}"


def mark(pod: str, owner: str, pool: str, counter: int) -> str:
    """A pool mark's whole name."""
    digits = ""
    while counter or not digits:
        counter, digit = divmod(counter, 36)
        digits = _DIGITS[digit] + digits
    return f"{pod}::hfp-{installation(owner)}-{base32(pool)}-{digits}"


def parse(name: str) -> Named | None:
    """A volume's or host's name, with or without its pod; None for one that is not like ours."""
    found = _VOLUME.fullmatch(name.rpartition("::")[2])
    return Named(found[1], _uid(found[2])) if found else None


def parse_mark(name: str) -> Named | None:
    """A mark's name."""
    found = _MARK.fullmatch(name.rpartition("::")[2])
    return Named(found[1], _uid(found[2]), int(found[3], 36)) if found else None
