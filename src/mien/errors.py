"""The one error that is meant for a user to read."""

from collections.abc import Iterable
from difflib import get_close_matches


class MienError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do.

    The command line prints it in one line and ends with status 1; nothing else is caught there.

    Parameters
    ----------
    message : str
        What is wrong, with which file, and what to do.
    parameter : str, optional
        The parameter whose value is to be changed, by its name in Python. `str` of the error
        begins with it; the command line shows the flag of that name in its place.

    Examples
    --------
    >>> str(MienError("9 is not one of the sessions 1 to 5", parameter="fold"))
    'fold: 9 is not one of the sessions 1 to 5'
    """

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter

    def __str__(self) -> str:
        return self.message if self.parameter is None else f"{self.parameter}: {self.message}"


def brief(error: Exception) -> str:
    r"""Put a library's message on one line that can be read.

    Examples
    --------
    >>> brief(ValueError("line 3:\n  no number"))
    'line 3: no number'
    """
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 300 else f"{line[:300]} …"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word for a misspelt one, as the end of a message; or nothing.

    Examples
    --------
    >>> did_you_mean("widht", ["width", "model"])
    ' (did you mean width?)'
    """
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
