"""Leakage: what the test part shares with training under each protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.dataset.protocols import PROTOCOLS
from mien.dataset.sentence import sentence
from mien.dataset.splits import Split, split
from mien.errors import MienError
from mien.utterance import Utterance


@dataclass(frozen=True)
class Leakage:
    """Shares (0 to 1) of test utterances whose person, dialogue or sentence training also has.

    None where the data do not say.
    """

    protocol: str
    train: int
    valid: int
    test: int
    person: float | None
    dialogue: float | None
    sentence: float | None


def leakage(utterances: Sequence[Utterance], protocol: str, parts: Split) -> Leakage:
    """Measure what a split lets through.

    A sentence is shared where the same words, whatever their case, occur in training, or where the
    data say that it is the same one: a model may then answer from having learnt it by heart.
    """

    def share(groups: list[str | None]) -> float | None:
        test = [groups[i] for i in parts.test if groups[i]]
        train = {groups[i] for i in parts.train}
        return sum(group in train for group in test) / len(test) if test else None

    return Leakage(
        protocol=protocol,
        train=len(parts.train),
        valid=len(parts.valid),
        test=len(parts.test),
        person=share([u.person for u in utterances]),
        dialogue=share([u.dialogue for u in utterances]),
        sentence=share([sentence(u) for u in utterances]),
    )


def audit(utterances: Sequence[Utterance]) -> tuple[list[Leakage], dict[str, str]]:
    """Measure every protocol that the data allow, and say why the others do not fit."""
    fit, unfit = [], {}
    for protocol in PROTOCOLS:
        try:
            fit.append(leakage(utterances, protocol, split(utterances, protocol)))
        except MienError as error:
            unfit[protocol] = error.message.split(":")[0]
    return fit, unfit
