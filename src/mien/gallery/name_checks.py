"""Checks of names: no invisible characters, and which names look alike."""

import unicodedata

from mien.errors import MienError
from mien.gallery.types import UNKNOWN

_REFUSED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of control, formatting (zero-width, bidirectional), surrogate, private, unassigned."""

_BLANK = (
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Characters of other categories that show nothing: fillers, joiners, variation selectors."""


def check_name(name: str) -> None:
    r"""Refuse a name with characters that can't be seen.

    Two names that look the same would be two persons, and one could pass for the other.

    Raises
    ------
    MienError
        The name is empty or "unknown", or holds a character that is invisible or turns the
        direction of writing.

    Examples
    --------
    >>> check_name("Zo\u00eb")
    >>> check_name("Ad\u200ba")
    Traceback (most recent call last):
    mien.errors.MienError: 'Ad\u200ba' can't be the name of a person: leave out ZERO WIDTH SPACE
    """
    seen = name.strip()
    odd = next((character for character in seen if _is_odd(character)), None)
    if odd is not None:
        called = unicodedata.name(odd, f"the character U+{ord(odd):04X}")
        raise MienError(f"{name!a} can't be the name of a person: leave out {called}")
    if not seen or unicodedata.normalize("NFKC", seen).casefold() == UNKNOWN:
        raise MienError(f"{name!r} can't be the name of a person")


def _is_odd(character: str) -> bool:
    if ord(character) in _BLANK:
        return True
    category = unicodedata.category(character)
    return category in _REFUSED or (category == "Zs" and character != " ")


def lookalike_key(name: str) -> str:
    """Give a key that names have in common which differ in case, spaces or punctuation alone.

    >>> lookalike_key("Ada Lovelace") == lookalike_key("ada-lovelace")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum()) or folded
