"""Split utterances into train, valid and test by a protocol, and choose one that fits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mien.dataset.protocols import PROTOCOLS, Protocol
from mien.errors import MienError
from mien.utterance import SPLITS, Utterance


@dataclass(frozen=True)
class Splits:
    """Row numbers of each split, and how many utterances are in none."""

    train: list[int]
    valid: list[int]
    test: list[int]
    left_out: int = 0

    def rows(self, name: str) -> list[int]:
        """Return the rows of "train", "valid" or "test"."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[name]

    def with_validation_trained(self) -> "Splits":
        """Return the splits of a training that uses the validation split, too."""
        return replace(self, train=sorted(self.train + self.valid))


def split(
    utterances: Sequence[Utterance],
    protocol: str,
    *,
    fold: int | None = None,
    num_folds: int | None = None,
    seed: int = 0,
) -> Splits:
    """Split utterances by a protocol; the same names and seed give the same splits anywhere.

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
        Orders dialogues, sentences and utterances before they are split.

    Raises
    ------
    MienError
        The protocol is unknown, the data have too few groups for it, or a split stays empty.
    """
    names = _protocol(protocol, utterances).assign(utterances, seed, fold, num_folds)
    if len(names) != len(utterances) or not set(names) <= {*SPLITS, None}:
        raise MienError(
            f"the rule of the protocol {protocol!r} must give one of {', '.join(SPLITS)} or None"
            f" for each of the {len(utterances)} utterances"
        )
    rows: dict[str, list[int]] = {
        name: [row for row, given in enumerate(names) if given == name] for name in SPLITS
    }
    for name, members in rows.items():
        if not members:
            raise MienError(
                f"the protocol {protocol!r} leaves the {name} split empty: choose another"
                " (`mien inspect DATA` shows what fits)",
                parameter="protocol",
            )
    return Splits(**rows, left_out=names.count(None))


def _protocol(name: str, utterances: Sequence[Utterance]) -> Protocol:
    """Find a protocol by its name. Raises `MienError` where the data lack what it needs."""
    chosen = PROTOCOLS[name]
    if missing := chosen.missing(utterances):
        raise MienError(
            f"the protocol {name!r} needs {' and '.join(missing)}, which no utterance has:"
            " choose another (`mien inspect DATA` shows what fits)",
            parameter="protocol",
        )
    return chosen


def folds_of(
    utterances: Sequence[Utterance], protocol: str, num_folds: int | None = None
) -> list[int | None]:
    """List the folds that data have under a protocol: 1, 2, ...; None alone where it has none.

    Raises
    ------
    MienError
        The protocol is unknown, needs what the data lack, or does not say how many folds it makes.
    """
    chosen = _protocol(protocol, utterances)
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

    Protocols declare for which tasks they may be chosen, and in which order. For emotion and
    sentiment the first is one with unseen speakers, or with unseen dialogues where the speakers are
    not known; for the person task it is one with unseen dialogues or sentences of known speakers.

    Raises
    ------
    MienError
        The data are too few for any.
    """
    from mien.tasks import parse_tasks  # brings torch, which a list of protocols does not need

    of_persons = any(kind.identifies_speakers for kind in parse_tasks(task))
    kind = "persons" if of_persons else "others"
    candidates = [name for name, p in PROTOCOLS.items() if kind in p.suggested_for]
    for name in sorted(candidates, key=lambda name: PROTOCOLS[name].rank):
        try:
            split(utterances, name)
        except MienError:
            continue
        return name
    raise MienError(f"{len(utterances)} utterances are too few for three splits")
