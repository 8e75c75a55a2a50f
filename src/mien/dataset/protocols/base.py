"""Protocols: their declaration, the table of them all, and helpers for their rules."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from mien.dataset.sentence import sentence
from mien.errors import MienError
from mien.registry import Registry
from mien.utterance import Utterance

Rule = Callable[[Sequence[Utterance], int, int | None], list[str | None]]
"""``rule(utterances, seed, fold)`` gives "train", "valid", "test" or None for each utterance.

It depends on the facts of each utterance and on the seed alone, never on the order of utterances.
"""

FreeRule = Callable[[Sequence[Utterance], int, int | None, int | None], list[str | None]]
"""The same where the user chooses the number of folds: that number, or None, comes last."""

FoldCount = Callable[[Sequence[Utterance], int | None], int]
"""``fold_count(utterances, chosen)`` gives the number of folds that the data have."""

Fact = Literal["split", "person", "session", "dialogue", "sentence", "scenario", "style"]
"""What may be known of an utterance, and a protocol may need."""

TaskKind = Literal["persons", "others"]
"""The kind of task: to name the persons of training, or any other."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A rule that assigns utterances to train, valid and test.

    Parameters
    ----------
    about : str
        What it keeps apart, in one line for the user.
    rule : Rule or FreeRule
        The function that assigns the splits.
    needs : tuple of Fact
        Facts that the rule needs; data in which no utterance has one of them are refused.
    folds : bool
        Whether its rule uses ``fold``, the number of a cross-validation fold from 1.
    fold_count : FoldCount or None
        How many folds there are. None: only the user knows.
    free : bool
        Whether the user chooses how many; then the rule is a `FreeRule`.
    unseen_speakers : bool
        Whether no person of test is in training, and every person of validation is. A person task
        is then evaluated by verification, since no test speaker has a label.
    suggested_for : tuple of TaskKind
        For which tasks it may be chosen where the user names none. Empty: by its name alone.
    rank : int
        Of the protocols that may be chosen, the lowest rank that the data allow is.
    """

    about: str
    rule: Rule | FreeRule
    needs: tuple[Fact, ...] = ()
    folds: bool = False
    fold_count: FoldCount | None = None
    free: bool = False
    unseen_speakers: bool = False
    suggested_for: tuple[TaskKind, ...] = ()
    rank: int = 100

    def assign(
        self, utterances: Sequence[Utterance], seed: int, fold: int | None, num_folds: int | None
    ) -> list[str | None]:
        """Give the split of each utterance, None for those that it leaves out."""
        if self.free:
            return cast(FreeRule, self.rule)(utterances, seed, fold, num_folds)
        return cast(Rule, self.rule)(utterances, seed, fold)

    def missing(self, utterances: Sequence[Utterance]) -> list[Fact]:
        """List the facts that it needs and no utterance has."""
        return [fact for fact in self.needs if not any(fact_of(u, fact) for u in utterances)]


PROTOCOLS: Registry[Protocol] = Registry("protocol")
"""Every protocol by its name."""


def register_protocol(name: str, about: str, rule: Rule | FreeRule, **further: Any) -> None:
    """Register a rule by which data may be split.

    Parameters
    ----------
    name : str
        Name of the protocol.
    about, rule, **further
        The fields of `Protocol`.

    Raises
    ------
    MienError
        Another protocol has the name, or it needs or is suggested for something unknown.

    Examples
    --------
    >>> def first(utterances, seed, fold):
    ...     return ["test" if u.session == "S1" else "train" for u in utterances]
    >>> register_protocol("S1", "the first session tests", first, needs=("session",))
    >>> PROTOCOLS.pop("S1").needs
    ('session',)
    """
    protocol = Protocol(about=about, rule=rule, **further)
    for given, kind in ((protocol.needs, Fact), (protocol.suggested_for, TaskKind)):
        if unknown := set(given) - set(get_args(kind)):
            raise MienError(
                f"the protocol {name!r} names {', '.join(sorted(unknown))}: choose from"
                f" {', '.join(get_args(kind))}"
            )
    PROTOCOLS.register(name, protocol)


def fact_of(utterance: Utterance, fact: Fact) -> str | None:
    """Return a fact of an utterance, or None."""
    if fact == "sentence":
        return sentence(utterance)
    if fact in ("scenario", "style"):
        return str(utterance.attributes.get(fact) or "") or None
    return getattr(utterance, fact) or None


def seeded_order(groups: Sequence[str], seed: int) -> list[str]:
    """Put groups in an order that depends on their names and the seed alone."""
    return sorted(groups, key=lambda name: (zlib.crc32(f"{seed}:{name}".encode()), name))


def assign_groups(groups: Sequence[str], what: str) -> dict[str | None, str]:
    """Assign the last sixth of the groups to test, the twelfth before it to valid.

    Raises
    ------
    MienError
        There are fewer than three.
    """
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
