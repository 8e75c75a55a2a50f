"""Normalise names, so that those that look the same are the same."""

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    # Within a word a joiner is part of it, in Persian or in an emoji; at its edge it is a remnant.
    rf"|(?<!\S)[{_JOINERS}]+|[{_JOINERS}]+(?!\S)"
)


def canonical_name(name: str) -> str:
    r"""Return the canonical form of a name, which is stored and looked up.

    Unicode has two forms of an accented letter, which look the same, and spaces around a name are
    not seen: whoever is enrolled in one form must be found, and forgotten, in the other.

    >>> canonical_name(" Jose\u0301") == "Jos\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def strip_invisible(text: str) -> str:
    r"""Remove invisible characters: byte order marks, directional marks, joiners and the like.

    >>> strip_invisible("\u200e1\ufeff")
    '1'
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)


def normalise_name(name: str) -> str:
    r"""Normalise a name in a list: `canonical_name` without invisible characters, single spaces.

    Lists come out of spreadsheets and web pages, so invisible characters are removed here. A
    gallery refuses them instead, since there people type the name of a person.

    >>> normalise_name("Zoe\u0308 \u200b Lang") == normalise_name("Zo\u00eb Lang")
    True
    """
    plain = strip_invisible(name)
    if not plain.isascii():
        plain = "".join(sign for sign in plain if sign not in _JOINERS)
    return canonical_name(" ".join(plain.split()))
