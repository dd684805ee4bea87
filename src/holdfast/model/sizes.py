"""Sizes: integer bytes inside, units only at the edge. 1GB is 10^9 bytes, 1GiB is 2^30."""

import re

from holdfast.model.errors import Invalid

SECTOR = 512
# 2^60: the largest loop-backed file system that any of ext4, xfs and btrfs can hold, and well below 2^63.
LARGEST = 1 << 60
_UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGTPE", start=1):
    _UNITS[f"{_letter}B"] = 1000**_power
    _UNITS[f"{_letter}iB"] = 1024**_power
_SIZE = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,9}))? ?([A-Za-z]*)", re.ASCII)


def parse_size(text: str | int) -> int:
    """Bytes of `text` (an integer, or a number with a unit such as 1GiB or 1GB); raise Invalid."""
    if isinstance(text, bool):
        raise Invalid("A size is a number of bytes or a text such as '1GiB'.")
    if isinstance(text, int):
        return _checked(text, str(text))
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(match[3]) if match else None
    if match is None or unit is None:
        raise Invalid(f"{ascii(text)} is not a size.", "Write bytes, or a number with a unit: 500MB, 1GiB, 1.5TiB.")
    fraction = match[2] or ""
    scaled = int(match[1] + fraction) * unit
    whole, rest = divmod(scaled, 10 ** len(fraction))
    if rest:
        raise Invalid(f"{ascii(text)} is not a whole number of bytes.")
    return _checked(whole, text)


def _checked(size: int, text: str) -> int:
    if size <= 0:
        raise Invalid(f"The size {text} is not positive.")
    if size > LARGEST:
        raise Invalid(f"The size {text} is larger than 1 EiB.")
    return size


def format_size(size: int) -> str:
    """`size` bytes for people: exact where a binary unit divides it, else with one decimal."""
    for power in range(6, 0, -1):
        unit = 1024**power
        if size >= unit:
            name = "KMGTPE"[power - 1] + "iB"
            return f"{size // unit} {name}" if size % unit == 0 else f"{size / unit:.1f} {name}"
    return f"{size} B"
