"""The published splits of a corpus: three lists of ids, one a line."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mien.errors import MienError
from mien.utterance import SPLITS, Skipped, SplitName, Utterance


@dataclass(frozen=True)
class Assigned:
    """A corpus whose utterances know their splits; `str` of it says how lists and corpus agree.

    Parameters
    ----------
    items : list of Utterance or Skipped
        As they were read, with `Utterance.split` set.
    counts : dict of str to int
        Utterances of each split.
    unlisted : int
        Utterances that no list names.
    skipped : list of str
        Ids that are listed, but were skipped.
    absent : list of str
        Ids that are listed, but are not in the corpus.
    """

    items: list[Utterance | Skipped]
    counts: dict[SplitName, int]
    unlisted: int
    skipped: list[str]
    absent: list[str]

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {count}" for split, count in self.counts.items())
        facts = [f"splits: {counts}; {self.unlisted} in no split"]
        if self.skipped:
            facts.append(f"{_some(self.skipped)} listed but skipped (reasons in skipped.jsonl)")
        if self.absent:
            facts.append(f"{_some(self.absent)} listed but not in the corpus")
        return "; ".join(facts)


def read_split(folder: Path) -> dict[str, SplitName]:
    """Read ``train_split.txt``, ``valid_split.txt`` and ``test_split.txt``.

    Parameters
    ----------
    folder : Path
        The folder that holds them, as Dai et al. publish them.

    Returns
    -------
    dict
        The split of each id.

    Raises
    ------
    MienError
        A list is missing or empty, or an id is in two of them.
    """
    lists = {split: _ids(folder / f"{split}_split.txt") for split in SPLITS}
    times = Counter(name for names in lists.values() for name in set(names))
    if twice := [name for name, count in times.items() if count > 1]:
        raise MienError(
            f"{folder}: {_some(twice)} in more than one of the three lists; take lists without"
            " a common id"
        )
    return {name: split for split, names in lists.items() for name in names}


def _ids(path: Path) -> list[str]:
    try:
        names = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise MienError(
            f"{path} is missing: give the folder that holds the three split lists"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MienError(f"{path} cannot be read as a list of ids ({error})") from error
    if not (names := [name.strip() for name in names if name.strip()]):
        raise MienError(f"{path} lists no id")
    return names


def assign(
    items: Iterable[Utterance | Skipped],
    splits: Mapping[str, SplitName],
    *,
    name: str = "the lists",
    partial: bool = False,
) -> Assigned:
    """Assign each utterance the split that the lists name, and none where they don't name it.

    Lists often name only some of a corpus: those of IEMOCAP leave out the turns with a rare label.
    But what they name must exist, or the lists are of another corpus.

    Parameters
    ----------
    items : iterable of Utterance or Skipped
        What a corpus yields.
    splits : mapping of str to str
        See `read_split`.
    name : str
        Name of the lists in messages.
    partial : bool
        Only a part of the corpus is available, so ids may be absent.

    Raises
    ------
    MienError
        Ids are listed that are neither among the utterances nor among what was skipped, or none of
        the listed ids exists.

    Examples
    --------
    >>> corpus = [Utterance(id="a", corpus="mine"), Utterance(id="b", corpus="mine")]
    >>> assigned = assign(corpus, {"b": "test"})
    >>> [utterance.split for utterance in assigned.items]
    [None, 'test']
    >>> print(assigned)
    splits: train 0, valid 0, test 1; 1 in no split
    """
    found = [
        replace(item, split=splits.get(item.id)) if isinstance(item, Utterance) else item
        for item in items
    ]
    utterances = {item.id: item for item in found if isinstance(item, Utterance)}
    left_out = {item.id for item in found} - utterances.keys()
    absent = sorted(splits.keys() - utterances.keys() - left_out)
    if len(absent) == len(splits):
        raise MienError(
            f"{name}: of another corpus, since none of the {len(splits)} listed ids, such as"
            f" {absent[0]}, is in this one"
        )
    if absent and not partial:
        raise MienError(
            f"{name}: {_some(absent)} of the {len(splits)} listed ids are not in the corpus. Take"
            " the lists of this corpus, or get what is missing; if you have only a part of the"
            " corpus, say so",
            parameter="partial",
        )
    counts = Counter(item.split for item in utterances.values())
    return Assigned(
        items=found,
        counts={split: counts[split] for split in SPLITS},
        unlisted=counts[None],
        skipped=sorted(splits.keys() & left_out),
        absent=absent,
    )


def _some(names: Collection[str]) -> str:
    """Count names and show the first."""
    shown = sorted(names)[:3]
    more = ", …" if len(names) > len(shown) else ""
    return f"{len(names)} ({', '.join(shown)}{more})"
