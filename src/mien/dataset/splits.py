"""Divide utterances into parts by a protocol, and choose one that fits."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.dataset.protocols import PROTOCOLS
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


def split(
    utterances: Sequence[Utterance],
    protocol: str,
    *,
    fold: int | None = None,
    num_folds: int | None = None,
    seed: int = 0,
) -> Split:
    """Divide utterances by a protocol; the same names and seed give the same parts anywhere.

    Parameters
    ----------
    utterances : sequence of Utterance
        All of a data set, in row order.
    protocol : str
        A name from `PROTOCOLS`.
    fold : int, optional
        For a protocol of folds: which one, from 1, is tested (default: the last).
    num_folds : int, optional
        For one that divides into any number of folds: how many.
    seed : int
        Orders dialogues, sentences and utterances where those are divided.

    Raises
    ------
    MienError
        The protocol is unknown, the data have too few groups for it, or a part stays empty.
    """
    chosen = PROTOCOLS[protocol]
    if missing := chosen.missing(utterances):
        raise MienError(
            f"the protocol {protocol!r} goes by {' and '.join(missing)}, which no utterance has:"
            " choose another (`mien inspect DATA` shows what fits)",
            parameter="protocol",
        )
    names = chosen.assign(utterances, seed, fold, num_folds)
    if len(names) != len(utterances) or not set(names) <= {*PARTS, None}:
        raise MienError(
            f"the rule of the protocol {protocol!r} must give one of {', '.join(PARTS)} or None for"
            f" each of the {len(utterances)} utterances"
        )
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


def folds_of(
    utterances: Sequence[Utterance], protocol: str, num_folds: int | None = None
) -> list[int | None]:
    """List the folds that data have under a protocol: 1, 2, ...; None alone where it has none.

    Raises
    ------
    MienError
        The protocol is unknown, or does not say how many folds it makes.
    """
    chosen = PROTOCOLS[protocol]
    if not chosen.folds:
        return [None]
    if chosen.fold_count is None:
        raise MienError(
            f"the protocol {protocol!r} does not say how many folds it makes: name their numbers",
            parameter="folds",
        )
    return list(range(1, chosen.fold_count(utterances, num_folds) + 1))


def suggest(utterances: Sequence[Utterance], task: str) -> str:
    """Choose the strictest protocol that the data allow for a task.

    For emotion and sentiment that is unseen persons, or where these are not known unseen
    dialogues; for persons it is their unseen dialogues or sentences. Which protocols come into
    question, and in which order, they declare themselves.

    Raises
    ------
    MienError
        The data are too few for any.
    """
    from mien.tasks import parse_tasks  # brings torch, which a list of protocols does not need

    of_persons = any(kind.identifies_speakers for kind in parse_tasks(task))
    aim = "persons" if of_persons else "others"
    candidates = [name for name, p in PROTOCOLS.items() if aim in p.suggested_for]
    for name in sorted(candidates, key=lambda name: PROTOCOLS[name].rank):
        try:
            split(utterances, name)
        except MienError:
            continue
        return name
    raise MienError(f"{len(utterances)} utterances are too few to divide into three parts")
