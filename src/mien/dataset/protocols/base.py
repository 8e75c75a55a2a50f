"""What a protocol says of itself, the table of all protocols, and what rules are made with."""

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

It goes by what the utterances say and by the seed alone, never by their order.
"""

FreeRule = Callable[[Sequence[Utterance], int, int | None, int | None], list[str | None]]
"""The same for folds of which the user chooses how many: that number, or None, comes last."""

FoldCount = Callable[[Sequence[Utterance], int | None], int]
"""``fold_count(utterances, chosen)`` gives how many folds the data have under a protocol."""

Fact = Literal["split", "person", "session", "dialogue", "sentence", "scenario", "style"]
"""What an utterance may say of itself, and a protocol may need."""

Aim = Literal["persons", "others"]
"""What a task learns: to name the persons of training, or anything else."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A rule by which utterances train, validate and test.

    Parameters
    ----------
    about : str
        What it keeps apart, in a line for the user.
    rule : Rule
        What divides.
    needs : tuple of Fact
        What utterances must say; it is refused for data in which none says that.
    folds : bool
        Whether its rule reads ``fold``: several divisions, numbered from 1, that take turns.
    fold_count : FoldCount or None
        How many these are. None: only the user knows.
    free : bool
        Whether the user chooses how many; then the rule is a `FreeRule`.
    strangers : bool
        Whether all persons of the test are unknown to training, and none of validation: who learns
        to name persons is then judged by verification, not by the names.
    suggested_for : tuple of Aim
        For which tasks it may be chosen where the user names none. Empty: by its name alone.
    rank : int
        Of those that are suggested the lowest that the data allow is chosen.
    """

    about: str
    rule: Rule | FreeRule
    needs: tuple[Fact, ...] = ()
    folds: bool = False
    fold_count: FoldCount | None = None
    free: bool = False
    strangers: bool = False
    suggested_for: tuple[Aim, ...] = ()
    rank: int = 100

    def assign(
        self, utterances: Sequence[Utterance], seed: int, fold: int | None, num_folds: int | None
    ) -> list[str | None]:
        """Give the split of each utterance, None for those that it leaves out."""
        if self.free:
            return cast(FreeRule, self.rule)(utterances, seed, fold, num_folds)
        return cast(Rule, self.rule)(utterances, seed, fold)

    def missing(self, utterances: Sequence[Utterance]) -> list[Fact]:
        """Name what it needs and no utterance says."""
        return [fact for fact in self.needs if not any(told(u, fact) for u in utterances)]


PROTOCOLS: Registry[Protocol] = Registry("protocol")
"""Every protocol by its name."""


def register_protocol(name: str, about: str, rule: Rule | FreeRule, **further: Any) -> None:
    """Let data be divided by a rule.

    Parameters
    ----------
    name : str
        What it is called by.
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
    for given, kind in ((protocol.needs, Fact), (protocol.suggested_for, Aim)):
        if unknown := set(given) - set(get_args(kind)):
            raise MienError(
                f"the protocol {name!r} names {', '.join(sorted(unknown))}: choose from"
                f" {', '.join(get_args(kind))}"
            )
    PROTOCOLS.register(name, protocol)


def told(utterance: Utterance, fact: Fact) -> str | None:
    """Give what an utterance says of itself, or None."""
    if fact == "sentence":
        return sentence(utterance)
    if fact in ("scenario", "style"):
        return str(utterance.attributes.get(fact) or "") or None
    return getattr(utterance, fact) or None


def order(groups: Sequence[str], seed: int) -> list[str]:
    """Put groups in an order that depends on their names and the seed alone."""
    return sorted(groups, key=lambda name: (zlib.crc32(f"{seed}:{name}".encode()), name))


def shares(groups: Sequence[str], what: str) -> dict[str | None, str]:
    """Give the last sixth of the groups to test, the twelfth before it to validation.

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
