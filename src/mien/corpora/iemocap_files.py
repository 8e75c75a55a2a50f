"""Parse IEMOCAP's text files: the evaluations of annotators, and the transcripts."""

import re
from dataclasses import dataclass, field

from mien.corpora.table import RowError, check_text, to_float
from mien.utterance import MAX_TIME

_RATING = 100
"""Largest rating that is read, though all are meant to be from 1 to 5."""

_NUMBER = r"(-?\d++(?:\.\d++)?)"
_TURN = re.compile(
    rf"\[\s*{_NUMBER}\s*-\s*{_NUMBER}\s*\]\s+(\S+)\s+(\S+)"
    rf"\s+\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\]\s*"
)
_VOTE = re.compile(r"C-E\d+:\s*([^\t(]*)")
_SPOKEN = re.compile(r"(Ses\d\d[FM]_\w+) \[[^]]*\]:(.*)")


@dataclass
class EvaluatedTurn:
    """A block of an evaluation file.

    Parameters
    ----------
    id : str
        Utterance id.
    start, end : float
        Seconds.
    code : str
        The emotion of the majority of annotators; ``xxx`` where there is none.
    valence, activation, dominance : float
        Means over annotators, meant to be 1 to 5 and not always so.
    votes : list of tuple of str
        The words that each external annotator chose, without self-ratings.
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
        """The number of external annotators who chose the agreed emotion, alone or among others."""
        # A code is the first three letters of the annotators' word: "fru", "Frustration".
        return sum(any(word[:3].lower() == self.code for word in words) for words in self.votes)


def parse_evaluation(text: str) -> tuple[list[EvaluatedTurn], list[int]]:
    """Read an ``EmoEvaluation`` file.

    Parameters
    ----------
    text : str
        The whole file, with or without its header.

    Returns
    -------
    turns : list of EvaluatedTurn
        In the order of the file.
    unreadable : list of int
        Numbers (from 1) of the lines of unknown kind.
    """
    turns: list[EvaluatedTurn] = []
    unreadable: list[int] = []
    votes: list[tuple[str, ...]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if (match := _TURN.fullmatch(line)) and (turn := _turn(match)):
            turns.append(turn)
            votes = turn.votes
        elif match := _VOTE.match(line):
            votes.append(tuple(word.strip() for word in match[1].split(";") if word.strip()))
        elif line.strip() and not line.startswith(("%", "C-", "A-")):
            unreadable.append(number)
            votes = []  # the votes that follow belong to the unreadable turn
    return turns, unreadable


def _turn(match: re.Match[str]) -> EvaluatedTurn | None:
    """Make a turn of its line; None where a number or a name is invalid."""
    start, end, name, code, *ratings = match.groups()
    try:
        check_text(name)
        begin, stop = (to_float(time, "time", -MAX_TIME) for time in (start, end))
        v, a, d = (to_float(mean, "rating", -_RATING, _RATING) for mean in ratings)
    except RowError:
        return None
    return EvaluatedTurn(name, begin, stop, code, v, a, d)


def parse_transcript(text: str) -> tuple[dict[str, str], list[int]]:
    """Read a ``transcriptions`` file.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    spoken : dict
        Text by utterance id.
    unnamed : list of int
        Numbers (from 1) of the lines without an utterance id, such as ``M: Yeah.``, or with zero
        bytes.
    """
    spoken: dict[str, str] = {}
    unnamed: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if "\0" not in line and (match := _SPOKEN.fullmatch(line.strip())):
            spoken[match[1]] = match[2].strip()
        elif line.strip():
            unnamed.append(number)
    return spoken, unnamed
