"""Which other clips of a speaker are given to the model as references."""

from dataclasses import dataclass

import numpy as np

from mien.dataset.speakers import SpeakerRows
from mien.errors import MienError
from mien.utterance import EMOTIONS

TRAINING_COUNTS = (0, 0, 1, 3, 10, 20)
"""Numbers of references from which training draws, so that one model works with any number.

A third of the utterances have none."""

MAX_REFERENCES = 100
"""Largest number of references of an utterance."""


@dataclass(frozen=True)
class ReferenceChoice:
    """How many other clips of the same speaker are references, and of which emotion.

    Parameters
    ----------
    count : int
        The number; fewer if the speaker has fewer.
    emotion : str or None
        Only clips labelled with this emotion; None: any clips, whose labels are not used.

    Examples
    --------
    >>> ReferenceChoice.parse("neutral:2")
    ReferenceChoice(count=2, emotion='neutral')
    >>> str(ReferenceChoice.parse("10"))
    '10'
    """

    count: int = 0
    emotion: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ReferenceChoice":
        """Read a choice such as "10" or "neutral:2". Raises `MienError` if it is neither."""
        emotion, _, count = text.rpartition(":")
        if not count.isascii() or not count.isdigit() or int(count) > MAX_REFERENCES:
            raise MienError(
                f"{text[:40]!r} is no number of references: give 0 to {MAX_REFERENCES}, or an"
                " emotion with a number such as neutral:2",
                parameter="references",
            )
        if emotion and emotion not in EMOTIONS:
            raise MienError(
                f"{emotion[:40]!r} is no emotion: choose from {', '.join(EMOTIONS)}",
                parameter="references",
            )
        return cls(int(count), emotion or None)

    def __str__(self) -> str:
        return f"{self.emotion}:{self.count}" if self.emotion else str(self.count)

    def rows(self, row: int, speakers: SpeakerRows) -> list[int]:
        """Choose the references of a row, always the same."""
        return speakers.others(row, self.emotion)[: self.count] if self.count else []


NO_REFERENCES = ReferenceChoice()


def draw_references(row: int, speakers: SpeakerRows, random: np.random.Generator) -> list[int]:
    """Draw the references of a training row at random; often none."""
    others = speakers.others(row)
    count = min(int(random.choice(TRAINING_COUNTS)), len(others))
    return [others[i] for i in random.choice(len(others), count, replace=False)] if count else []
