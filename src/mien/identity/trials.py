"""Verification trials: which clips enrol a speaker, and which others are compared with them."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.dataset.sentence import normalise_sentence
from mien.errors import MienError
from mien.utterance import Utterance

MAX_ENROLLED = 8
"""Clips that enrol a speaker, at most."""


@dataclass(frozen=True)
class Trials:
    """A list of trials over the rows of a data set.

    Parameters
    ----------
    enrolments : list of list of int
        The rows that enrol each speaker, `MAX_ENROLLED` at most.
    probes : list of int
        The rows that are compared with the enrolments.
    compared : array (M, P) bool
        Which enrolments and probes are trials.
    left_out : int
        Speakers without a clip on both sides.
    """

    enrolments: list[list[int]]
    probes: list[int]
    compared: np.ndarray
    left_out: int


def _clip(utterance: Utterance) -> str | None:
    return utterance.id


def _sentence(utterance: Utterance) -> str | None:
    return normalise_sentence(utterance.text)


def _dialogue(utterance: Utterance) -> str | None:
    return utterance.dialogue and f"{utterance.session}/{utterance.dialogue}"


@dataclass(frozen=True)
class Pairing:
    """What enrolment and probe must not share, and which speakers are compared.

    Parameters
    ----------
    about : str
        In words.
    unit : callable
        Gives the unit that an utterance belongs to, which is either enrolled or tested, the same
        for all speakers; None: not known.
    noun, column : str
        What the unit is called, in words and in a list of clips.
    one_session : bool
        Compare speakers of one session only.
    """

    about: str
    unit: Callable[[Utterance], str | None]
    noun: str
    column: str
    one_session: bool = False


PAIRINGS = {
    "clips": Pairing("other clips", _clip, "clip", "person"),
    "sentences": Pairing("other sentences", _sentence, "sentence", "text"),
    "dialogues": Pairing("other dialogues", _dialogue, "dialogue", "dialogue"),
    "sessions": Pairing(
        "other dialogues, same session", _dialogue, "dialogue", "dialogue", one_session=True
    ),
}
"""Kinds of trials, by name."""


def make_trials(utterances: Sequence[Utterance], rows: Sequence[int], pairing: str) -> Trials:
    """Make trials of some rows of a data set.

    The units of a pairing (clips, sentences, dialogues) are split into two halves in an order that
    depends on their names alone: one half enrols, the other is tested, the same for all speakers.
    So no trial compares two clips of one dialogue, whoever is in them.

    Parameters
    ----------
    utterances : sequence of Utterance
        All of a data set.
    rows : sequence of int
        Those to be used.
    pairing : str
        A name from `PAIRINGS`.

    Raises
    ------
    MienError
        The data do not allow it; the message is a reason without the name of the pairing.

    Examples
    --------
    >>> names = ("a1", "a2", "b1", "b2")
    >>> clips = [Utterance(id=name, corpus="own", person=name[0]) for name in names]
    >>> make_trials(clips, range(4), "clips").compared.shape
    (2, 2)
    """
    rule = PAIRINGS[pairing]
    known = {row: unit for row in rows if (unit := rule.unit(utterances[row]))}
    known = {row: unit for row, unit in known.items() if utterances[row].person}
    _check(utterances, rows, known, pairing)
    speakers = {row: str(utterances[row].person) for row in known}
    enrolling = _half({(known[row], speaker) for row, speaker in speakers.items()})
    enrolled: dict[str, list[int]] = defaultdict(list)
    tested: dict[str, list[int]] = defaultdict(list)
    for row in sorted(known, key=lambda row: _mixed(utterances[row].id)):
        side = enrolled if known[row] in enrolling else tested
        side[speakers[row]].append(row)
    both = sorted(enrolled.keys() & tested.keys())
    enrolments = [enrolled[speaker][:MAX_ENROLLED] for speaker in both]
    probes = sorted(row for speaker in both for row in tested[speaker])
    compared = np.ones((len(both), len(probes)), bool)
    if rule.one_session:
        sessions = np.array([utterances[e[0]].session or "" for e in enrolments])
        compared = sessions[:, None] == np.array([utterances[row].session for row in probes])
    if len(both) < 2 or (rule.one_session and (compared.sum(axis=0) < 2).all()):
        raise MienError("fewer than two speakers have clips to enrol and others to test")
    return Trials(enrolments, probes, compared, len({*enrolled, *tested}) - len(both))


def _check(
    utterances: Sequence[Utterance], rows: Sequence[int], known: dict[int, str], pairing: str
) -> None:
    """Refuse a pairing for which a column is missing, or that would be the same as another."""
    rule = PAIRINGS[pairing]
    if not known:
        column = rule.column if any(utterances[row].person for row in rows) else "person"
        raise MienError(
            f"no clip has both a known speaker and a known {rule.noun}: the column {column} is"
            " missing or empty"
        )
    if rule.one_session and not any(utterances[row].session for row in known):
        raise MienError("no clip has a known session: the column session is missing or empty")
    if pairing == "sentences":
        times = Counter(known.values())
        if sum(times[unit] > 1 for unit in known.values()) < len(known) / 2:
            raise MienError("most sentences occur once: the trials would be those of other clips")


def _half(units: set[tuple[str, str]]) -> set[str]:
    """Choose the units that enrol: the larger half of those with the same speakers."""
    speakers: dict[str, set[str]] = defaultdict(set)
    for unit, speaker in units:
        speakers[unit].add(speaker)
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for unit in sorted(speakers, key=_mixed):
        groups[frozenset(speakers[unit])].append(unit)
    return {unit for group in groups.values() for unit in group[: (len(group) + 1) // 2]}


def _mixed(name: str) -> tuple[int, str]:
    """Give a sort key that has nothing to do with the meaning of a name, the same everywhere."""
    return zlib.crc32(name.encode()), name
