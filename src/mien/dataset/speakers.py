"""The utterances of each speaker, for references and for babble noise."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from mien.utterance import Utterance


class SpeakerRows:
    """The rows of each speaker among some rows of a data set, in an order that is fixed.

    The order is that of a hash of the ids, so it does not depend on the order of the data.

    Parameters
    ----------
    utterances : sequence of Utterance
        All utterances of the data.
    rows : iterable of int
        The rows that may be chosen from.
    """

    def __init__(self, utterances: Sequence[Utterance], rows: Iterable[int]) -> None:
        self._utterances, self._rows = utterances, list(rows)

    @cached_property
    def _by_speaker(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for row in sorted(self._rows, key=lambda row: _hash(self._utterances[row].id)):
            if (speaker := self._utterances[row].person) is not None:
                found[speaker].append(row)
        return dict(found)

    def others(self, row: int, emotion: str | None = None) -> list[int]:
        """Return the other rows of a row's speaker, none if the speaker is not known.

        Parameters
        ----------
        row : int
            The row, which is left out.
        emotion : str, optional
            Only rows that are labelled with this emotion alone.
        """
        speaker = self._utterances[row].person
        rows = [other for other in self._by_speaker.get(speaker or "", []) if other != row]
        if emotion is None:
            return rows
        return [other for other in rows if self._utterances[other].emotions == (emotion,)]


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
