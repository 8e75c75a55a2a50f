"""Trials: which clips enrol a person, and which others are compared with whom."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.dataset.sentence import normalise_sentence
from mien.errors import MienError
from mien.utterance import Utterance

MOST = 8
"""Clips that enrol a person, at most."""


@dataclass(frozen=True)
class Trials:
    """A list of trials over the rows of a data set.

    Parameters
    ----------
    enrolments : list of list of int
        The rows that enrol each person, `MOST` at most.
    probes : list of int
        The rows that are compared with the enrolments.
    compared : array (M, P) bool
        Which enrolments and probes are trials.
    left_out : int
        Persons without a clip on both sides.
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
    """What enrolment and probe may not share, and whom they compare.

    Parameters
    ----------
    about : str
        In words.
    unit : callable
        What of an utterance is either enrolled or tested, for everybody; None: not known.
    noun, column : str
        What the unit is called, in words and in a list of clips.
    one_session : bool
        Compare persons of one session only.
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
"""Ways of making trials, by name."""


def trials(utterances: Sequence[Utterance], rows: Sequence[int], pairing: str) -> Trials:
    """Make trials of some rows of a data set.

    The units of a pairing (clips, sentences, dialogues) are divided in two in an order that depends
    on their names alone: one half enrols, the other is tested, for all persons alike. So no trial
    compares two clips of one dialogue, whoever is in them.

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
    >>> trials(clips, range(4), "clips").compared.shape
    (2, 2)
    """
    rule = PAIRINGS[pairing]
    known = {row: unit for row in rows if (unit := rule.unit(utterances[row]))}
    known = {row: unit for row, unit in known.items() if utterances[row].person}
    _check(utterances, rows, known, pairing)
    enrolling = _half({row: (unit, str(utterances[row].person)) for row, unit in known.items()})
    enrolled: dict[str, list[int]] = defaultdict(list)
    tested: dict[str, list[int]] = defaultdict(list)
    for row in sorted(known, key=lambda row: _mixed(utterances[row].id)):
        side = enrolled if known[row] in enrolling else tested
        side[str(utterances[row].person)].append(row)
    persons = sorted(enrolled.keys() & tested.keys())
    enrolments = [enrolled[person][:MOST] for person in persons]
    probes = sorted(row for person in persons for row in tested[person])
    compared = np.ones((len(persons), len(probes)), bool)
    if rule.one_session:
        sessions = np.array([utterances[e[0]].session or "" for e in enrolments])
        compared = sessions[:, None] == np.array([utterances[row].session for row in probes])
    if len(persons) < 2 or (rule.one_session and (compared.sum(axis=0) < 2).all()):
        raise MienError("fewer than two persons have clips to enrol and others to test")
    return Trials(enrolments, probes, compared, len({*enrolled, *tested}) - len(persons))


def _check(
    utterances: Sequence[Utterance], rows: Sequence[int], known: dict[int, str], pairing: str
) -> None:
    """Refuse a pairing for which a column is missing, or that would say what another one does."""
    rule = PAIRINGS[pairing]
    if not known:
        column = rule.column if any(utterances[row].person for row in rows) else "person"
        raise MienError(
            f"no clip has both a known person and a known {rule.noun}: the column {column} is"
            " missing or empty"
        )
    if rule.one_session and not any(utterances[row].session for row in known):
        raise MienError("no clip has a known session: the column session is missing or empty")
    if pairing == "sentences":
        times = Counter(known.values())
        if sum(times[unit] > 1 for unit in known.values()) < len(known) / 2:
            raise MienError("most sentences occur once: the same as other clips")


def _half(units: dict[int, tuple[str, str]]) -> set[str]:
    """Choose the units that enrol: half of those of the same persons, the more where it is odd."""
    persons: dict[str, set[str]] = defaultdict(set)
    for unit, person in units.values():
        persons[unit].add(person)
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for unit in sorted(persons, key=_mixed):
        groups[frozenset(persons[unit])].append(unit)
    return {unit for group in groups.values() for unit in group[: (len(group) + 1) // 2]}


def _mixed(name: str) -> tuple[int, str]:
    """Order names by something that has nothing to do with them, the same everywhere."""
    return zlib.crc32(name.encode()), name
