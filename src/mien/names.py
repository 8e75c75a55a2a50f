"""One spelling of a name: whoever looks the same in two lists is the same."""

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    # Within a word a joiner is spelling, of Persian or of an emoji; at its edge it is a remnant.
    rf"|(?<!\S)[{_JOINERS}]+|[{_JOINERS}]+(?!\S)"
)


def canonical_name(name: str) -> str:
    r"""Give the one spelling of a name that is stored and looked for.

    Unicode has two for an accented letter, which look the same, and spaces around a name are not
    seen: whoever is enrolled in one spelling must be found, and forgotten, in the other.

    >>> canonical_name(" Jose\u0301") == "Jos\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def visible(text: str) -> str:
    r"""Leave out the marks that nobody sees: byte order marks, directions, words joined or split.

    >>> visible("\u200e1\ufeff")
    '1'
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)


def normalise_name(name: str) -> str:
    r"""Give the one spelling of a name in a list: `canonical_name`, `visible`, with single spaces.

    Lists come out of spreadsheets and web pages, so what cannot be seen is left out here. A gallery
    refuses it instead, since there a person is asked for by name.

    >>> normalise_name("Zoe\u0308 \u200b Lang") == normalise_name("Zo\u00eb Lang")
    True
    """
    shown = visible(name)
    if not shown.isascii():
        shown = "".join(sign for sign in shown if sign not in _JOINERS)
    return canonical_name(" ".join(shown.split()))
