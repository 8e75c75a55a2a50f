"""Text on one line without control characters, which XML and most tables can't hold."""

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


def plain_text(text: str) -> str:
    r"""Replace control characters by spaces, and runs of spaces by one.

    Examples
    --------
    >>> plain_text(" so\x00 it\n goes ")
    'so it goes'
    """
    return " ".join(_CONTROL.sub(" ", text).split())
