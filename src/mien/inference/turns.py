"""Turns: stretches of a recording in which one person speaks."""

from dataclasses import dataclass

from mien.inference.timeline import Mark


@dataclass(frozen=True)
class Turn:
    """A stretch of speech.

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
