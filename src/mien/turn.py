"""Turns: stretches of a recording in which one person speaks."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["overlap", "short"]
"""Why a turn is not answered: two persons speak at once, or it is too short."""

SHORT = 0.5
"""Seconds of speech below which a turn is short.

It is what audio must have unless an abstention says otherwise (`Abstention.min_speech`)."""


@dataclass(frozen=True)
class Turn:
    """A stretch of speech.

    Where two persons speak at once there is a turn for each of them, with the mark "overlap".

    Parameters
    ----------
    start, end : float
        Seconds from the beginning of the recording.
    speaker : str or None
        Who speaks, as far as is known: a name, or a label within the recording.
    text : str or None
        What is said, if a transcript tells.
    mark : {"overlap", "short", None}
        Why the turn is not answered: two persons speak at once, or it is too short.
    """

    start: float
    end: float
    speaker: str | None = None
    text: str | None = None
    mark: Mark | None = None
