"""Protocols: which utterances train, which choose (validation), which are reported (test)."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mien.errors import MienError
from mien.utterance import Utterance

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, and how many utterances no part could take."""

    train: list[int]
    valid: list[int]
    test: list[int]
    left_out: int = 0

    def part(self, name: str) -> list[int]:
        """Give the rows of "train", "valid" or "test"."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[name]


def words(text: str | None) -> str | None:
    """Reduce a text to its words, so that case and spacing make no new sentence of it."""
    return " ".join((text or "").lower().split()) or None


def sentence(utterance: Utterance) -> str | None:
    """Name the sentence that is said: as the data call it, or else by its words.

    Clips of acted speech repeat a few sentences, which a list may name without giving their words.
    """
    return words(str(utterance.attributes.get("sentence") or "")) or words(utterance.text)


def _order(groups: Sequence[str], seed: int) -> list[str]:
    """Put groups in an order that depends on their names and the seed alone."""
    return sorted(groups, key=lambda name: (zlib.crc32(f"{seed}:{name}".encode()), name))


def _shares(groups: Sequence[str], what: str) -> dict[str | None, str]:
    """Give the last sixth of the groups to test, the twelfth before it to validation."""
    if len(groups) < 3:
        raise MienError(
            f"a split by {what} needs at least three of them, the data have {len(groups)}:"
            " choose another (`mien inspect DATA` shows what fits)",
            parameter="protocol",
        )
    test = max(1, round(len(groups) / 6))
    valid = max(1, round(len(groups) / 12))
    train = len(groups) - test - valid
    names = ["train"] * train + ["valid"] * valid + ["test"] * test
    return dict(zip(groups, names, strict=True))


Rule = Callable[[Sequence[Utterance], int, int | None], list[str | None]]


def _given(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    return [u.split for u in utterances]


def _persons(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = _shares(sorted({u.person for u in utterances if u.person}), "persons")
    return [parts.get(u.person) for u in utterances]


def _sessions(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    sessions = sorted({u.session for u in utterances if u.session})
    parts = dict.fromkeys(_shares(sessions, "sessions"), "train")
    fold = len(sessions) if fold is None else fold
    if not 1 <= fold <= len(sessions):
        raise MienError(f"{fold} is not one of the sessions 1 to {len(sessions)}", parameter="fold")
    parts |= {sessions[fold - 1]: "test", sessions[fold - 2]: "valid"}
    return [parts.get(u.session) for u in utterances]


def _dialogues(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    by_session: dict[str, set[str]] = {}
    for u in utterances:
        if u.dialogue:
            by_session.setdefault(u.session or "", set()).add(u.dialogue)
    parts: dict[str | None, str] = {}
    for session, dialogues in sorted(by_session.items() or {"": set()}.items()):
        where = f"dialogues of session {session}" if session else "dialogues"
        parts |= _shares(_order(sorted(dialogues), seed), where)
    return [parts.get(u.dialogue) for u in utterances]


def _sentences(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    said = {u.id: sentence(u) for u in utterances}
    texts = _order(sorted({text for text in said.values() if text}), seed)
    if len(texts) != 2:
        parts = _shares(texts, "sentences")
        return [parts.get(said[u.id]) for u in utterances]
    # of two sentences one is kept for the test, so validation shares the other with training
    known = [u for u in utterances if said[u.id] == texts[0]]
    held = {u.id: part for u, part in zip(known, _random(known, seed, fold), strict=True)}
    held = {name: "valid" if part == "valid" else "train" for name, part in held.items()}
    return [held.get(u.id, "test") if said[u.id] else None for u in utterances]


def _random(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = _shares(_order([u.id for u in utterances], seed), "utterances")
    return [parts[u.id] for u in utterances]


def _strangers(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = _shares(sorted({u.person for u in utterances if u.person}), "persons")
    # who is to be learnt must be known in validation too, so it takes other utterances of theirs
    known = [u for u in utterances if parts.get(u.person, "test") != "test"]
    held = {u.id: part for u, part in zip(known, _random(known, seed, fold), strict=True)}
    held = {name: "valid" if part == "valid" else "train" for name, part in held.items()}
    return [held.get(u.id, "test") if u.person else None for u in utterances]


PROTOCOLS: dict[str, tuple[str, Rule]] = {
    "given": ("the parts that the corpus assigns", _given),
    "persons": ("no person in two parts", _persons),
    "sessions": ("no session in two parts; the fold K tests session K", _sessions),
    "dialogues": ("known persons in dialogues that no other part has", _dialogues),
    "sentences": ("known persons saying sentences that training never had", _sentences),
    "strangers": ("known persons in training and validation, others in the test", _strangers),
    "random": ("utterances at random: persons, dialogues and sentences leak", _random),
}
"""Name of each protocol, what it keeps apart, and its rule."""


def split(
    utterances: Sequence[Utterance], protocol: str, *, fold: int | None = None, seed: int = 0
) -> Split:
    """Divide utterances by a protocol; the same names and seed give the same parts anywhere.

    Parameters
    ----------
    utterances : sequence of Utterance
        All of a data set, in row order.
    protocol : str
        A name from `PROTOCOLS`.
    fold : int, optional
        For "sessions": which session, from 1, is tested (default: the last).
    seed : int
        Orders dialogues, sentences and utterances where those are divided.

    Raises
    ------
    MienError
        The protocol is unknown, the data have too few groups for it, or a part stays empty.
    """
    if protocol not in PROTOCOLS:
        raise MienError(
            f"no protocol {protocol!r}: choose from {', '.join(PROTOCOLS)}", parameter="protocol"
        )
    names = PROTOCOLS[protocol][1](utterances, seed, fold)
    rows = {part: [i for i, name in enumerate(names) if name == part] for part in PARTS}
    for part, members in rows.items():
        if not members:
            raise MienError(
                f"the protocol {protocol!r} leaves the {part} part empty: choose another"
                " (`mien inspect DATA` shows what fits)",
                parameter="protocol",
            )
    taken = sum(len(members) for members in rows.values())
    return Split(**rows, left_out=len(names) - taken)


def suggest(utterances: Sequence[Utterance], task: str) -> str:
    """Choose the strictest protocol that the data allow for a task.

    For emotion and sentiment that is unseen persons, or where these are not known unseen
    dialogues; for persons it is their unseen dialogues or sentences.

    Raises
    ------
    MienError
        The data are too few for any.
    """
    of_persons = task in ("person", "both")
    unseen = ["dialogues", "sentences"] if of_persons else ["persons", "dialogues"]
    for name in ["given", *unseen, "random"]:
        try:
            split(utterances, name)
        except MienError:
            continue
        return name
    raise MienError(f"{len(utterances)} utterances are too few to divide into three parts")
