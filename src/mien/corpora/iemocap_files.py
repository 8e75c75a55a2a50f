"""IEMOCAP's text files: what annotators said of each turn, and what was spoken in it."""

import re
from dataclasses import dataclass, field

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_TURN = re.compile(
    rf"\[\s*{_NUMBER}\s*-\s*{_NUMBER}\s*\]\s+(\S+)\s+(\S+)"
    rf"\s+\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\]\s*"
)
_VOTE = re.compile(r"C-E\d+:\s*([^\t(]*)")
_SPOKEN = re.compile(r"(Ses\d\d[FM]_\w+) \[[^]]*\]:(.*)")


@dataclass
class Turn:
    """A block of an evaluation file, as it stands there.

    Parameters
    ----------
    id : str
        Utterance id.
    start, end : float
        Seconds.
    code : str
        What the annotators agreed on; ``xxx`` where no majority did.
    valence, activation, dominance : float
        Means over annotators, meant to be 1 to 5 and not always so.
    votes : list of tuple of str
        The words each outside annotator chose. Self-ratings are not among them.
    """

    id: str
    start: float
    end: float
    code: str
    valence: float
    activation: float
    dominance: float
    votes: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def agreeing(self) -> int:
        """How many outside annotators chose the agreed emotion, alone or among others."""
        # A code is the first three letters of the annotators' word: "fru", "Frustration".
        return sum(any(word[:3].lower() == self.code for word in words) for words in self.votes)


def parse_evaluation(text: str) -> tuple[list[Turn], list[int]]:
    """Read an ``EmoEvaluation`` file.

    Parameters
    ----------
    text : str
        The whole file, with or without its header.

    Returns
    -------
    turns : list of Turn
        In the order of the file.
    unreadable : list of int
        Numbers (from 1) of the lines that are none of the kinds known.
    """
    turns: list[Turn] = []
    unreadable: list[int] = []
    votes: list[tuple[str, ...]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TURN.fullmatch(line):
            start, end, name, code, valence, activation, dominance = match.groups()
            votes = []
            v, a, d = map(float, (valence, activation, dominance))
            turns.append(Turn(name, float(start), float(end), code, v, a, d, votes))
        elif match := _VOTE.match(line):
            votes.append(tuple(word.strip() for word in match[1].split(";") if word.strip()))
        elif line.strip() and not line.startswith(("%", "C-", "A-")):
            unreadable.append(number)
            votes = []  # votes that follow belong to the lost turn, not to the one before
    return turns, unreadable


def parse_transcript(text: str) -> tuple[dict[str, str], list[int]]:
    """Read a ``transcriptions`` file.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    spoken : dict
        Utterance id to words.
    unnamed : list of int
        Numbers (from 1) of the lines without an utterance id, such as ``M: Yeah.``.
    """
    spoken: dict[str, str] = {}
    unnamed: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _SPOKEN.fullmatch(line.strip()):
            spoken[match[1]] = match[2].strip()
        elif line.strip():
            unnamed.append(number)
    return spoken, unnamed
