"""An option of the published command line, and how its values become settings of mien."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MODELS = ("mme2e", "mme2e_sparse", "lf_rnn", "lf_transformer")
"""Models of the published code, by their names there."""


@dataclass(frozen=True)
class Option:
    """An option of the published command line.

    Parameters
    ----------
    flags : tuple of str
        As published.
    kind : type
        Type of its value; bool: a switch.
    default : object
        As published; `...` for an option that is required.
    means : str
        Description, for the help and the manual.
    setting : str
        Section and name of the setting of mien that it sets, if any.
    value : callable
        Converts the published value to mien's.
    models : tuple of str
        The models that use it. For others it is accepted and a note says so.
    choices : tuple of str
        Its possible values; empty: any.
    note : callable
        Returns a note for a value that means something else than it says, "" for others.
    """

    flags: tuple[str, ...]
    kind: type
    default: Any
    means: str
    setting: str = ""
    value: Callable[[Any], Any] = lambda value: value
    models: tuple[str, ...] = MODELS
    choices: tuple[str, ...] = ()
    note: Callable[[Any], str] = lambda value: ""

    @property
    def name(self) -> str:
        """Its name in the result of the parser."""
        return self.flags[-1].lstrip("-").replace("-", "_")


def parse_letters(letters: str) -> str:
    """Return the letters t, a and v in that order; a value without any is returned as it is."""
    letters = letters.lower()
    return "".join(letter for letter in "tav" if letter in letters) or letters


def parse_sizes(words: Sequence[str | int]) -> list[int]:
    """Read the numbers in a list as published commands write it."""
    return [int(number) for number in re.findall(r"-?\d+", " ".join(map(str, words)))]


def one_of(names: Sequence[str], otherwise: str) -> Callable[[str], str]:
    """Accept a name in any case; another name has no effect and means `otherwise`."""
    return lambda name: name.lower() if name.lower() in names else otherwise
