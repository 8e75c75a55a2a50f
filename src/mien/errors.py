"""The one error that is meant for a user to read."""

from collections.abc import Iterable
from difflib import get_close_matches


class MienError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do.

    The command line prints it in one line and ends with status 1; nothing else is caught there.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word for a misspelt one, as the end of a message; or nothing.

    Examples
    --------
    >>> did_you_mean("widht", ["width", "model"])
    ' (did you mean width?)'
    """
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
