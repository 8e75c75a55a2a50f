"""Leakage: what the test split shares with training under each protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.dataset.protocols import PROTOCOLS
from mien.dataset.sentence import sentence
from mien.dataset.splits import Splits, split
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


def measure_leakage(utterances: Sequence[Utterance], protocol: str, splits: Splits) -> Leakage:
    """Measure the leakage of a protocol.

    A sentence is shared where the same words, whatever their case, occur in training, or where the
    data say that it is the same one: a model may then have memorised its label.
    """

    def share(groups: list[str | None]) -> float | None:
        test = [groups[i] for i in splits.test if groups[i]]
        train = {groups[i] for i in splits.train}
        return sum(group in train for group in test) / len(test) if test else None

    return Leakage(
        protocol=protocol,
        train=len(splits.train),
        valid=len(splits.valid),
        test=len(splits.test),
        person=share([u.person for u in utterances]),
        dialogue=share([u.dialogue for u in utterances]),
        sentence=share([sentence(u) for u in utterances]),
    )


def validation_may_train(utterances: Sequence[Utterance], protocol: str, splits: Splits) -> bool:
    """Tell whether training on validation, too, shares no more speakers and dialogues with test.

    It does in "loso-speaker", where the partner of the tested speaker validates.
    """
    alone = measure_leakage(utterances, protocol, splits)
    both = measure_leakage(utterances, protocol, splits.with_validation_trained())
    return (both.person, both.dialogue) == (alone.person, alone.dialogue)


def measure_protocols(utterances: Sequence[Utterance]) -> tuple[list[Leakage], dict[str, str]]:
    """Measure every protocol that the data allow, and tell why the others do not fit."""
    leakages, refused = [], {}
    for protocol in PROTOCOLS:
        try:
            splits = split(utterances, protocol)
            leakages.append(measure_leakage(utterances, protocol, splits))
        except MienError as error:
            refused[protocol] = error.message.split(":")[0]
    return leakages, refused
