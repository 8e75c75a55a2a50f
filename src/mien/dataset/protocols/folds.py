"""The protocols with folds: the rule of each, and how folds and validation are cut.

Validation is always cut from what does not test, and is new to training in what the test is: so
many of the remaining speakers as a sixth makes, or where known speakers test new sentences or
scenarios a sixth of the remaining ones. Nothing of the test fold takes part in a choice.
"""

from collections import Counter
from collections.abc import Sequence

from mien.dataset.protocols.base import Fact, FreeRule, fact_of, register_protocol, seeded_order
from mien.dataset.protocols.rules import test_others
from mien.errors import MienError
from mien.utterance import Utterance

USUAL_FOLDS = 5
"""Folds where the user names no number and there are groups enough."""

VALIDATION = 6
"""One of so many of the groups that do not test validates."""

CONTENT: tuple[Fact, ...] = ("sentence", "scenario")
"""What known speakers test: in these protocols every speaker trains."""

EMOBOX_RAVDESS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""The actors that each fold tests in EmoBox (Ma et al. 2024, arXiv 2406.07162)."""


def _names(utterances: Sequence[Utterance], fact: Fact) -> list[str]:
    return sorted({name for u in utterances if (name := fact_of(u, fact))})


def _deal(
    utterances: Sequence[Utterance], fact: Fact, seed: int, count: int | None
) -> list[set[str]]:
    """Deal the names of a fact out to `count` folds of nearly equal size, by a hash of the names.

    Raises
    ------
    MienError
        There are fewer names than folds, or fewer than two folds are asked for.
    """
    names = _names(utterances, fact)
    count = min(USUAL_FOLDS, len(names)) if count is None else count
    if len(names) < 2:
        raise MienError(
            f"folds need at least two {fact}s, and the data have {len(names)}: choose another"
            " protocol (`mien inspect DATA` shows what fits)",
            parameter="protocol",
        )
    if not 2 <= count <= len(names):
        raise MienError(
            f"{len(names)} {fact}s can't be divided into {count} folds: choose 2 to {len(names)}",
            parameter="num_folds",
        )
    shuffled = seeded_order(names, seed)
    return [set(shuffled[first::count]) for first in range(count)]


def _assign(
    utterances: Sequence[Utterance], folds: Sequence[set[str]], fact: Fact, fold: int | None
) -> list[str | None]:
    """Test one fold, and cut validation from the rest. Utterances of no fold are left out."""
    number = len(folds) if fold is None else fold
    if not 1 <= number <= len(folds):
        raise MienError(f"{number} is not one of the folds 1 to {len(folds)}", parameter="fold")
    known = set().union(*folds)
    names = [fact_of(u, fact) for u in utterances]
    rest = [
        u
        for u, name in zip(utterances, names, strict=True)
        if name in known and name not in folds[number - 1]
    ]
    held = _validation(rest, fact, number)
    return [
        None
        if name not in known
        else "test"
        if name in folds[number - 1]
        else "valid"
        if u.id in held
        else "train"
        for u, name in zip(utterances, names, strict=True)
    ]


def _validation(rest: Sequence[Utterance], tested: Fact, fold: int) -> set[str]:
    """Give the ids that validate, beside a test of other `tested`.

    Of some speakers, else of some dialogues, else of some utterances. Where known speakers test
    other content it is some of the content instead of speakers, and every speaker trains.
    """
    content = tested in CONTENT
    facts: tuple[Fact, ...] = (tested if content else "person", "dialogue")
    for fact in facts:
        groups = [fact_of(u, fact) or "" for u in rest]
        divisible = len(set(groups)) > 1 and all(groups)
        if divisible and (held := _held(rest, groups, fold, speakers_stay=content)):
            return held
    ids = [u.id for u in rest]
    # where each speaker has one utterance only, some can't stay
    return _held(rest, ids, fold, speakers_stay=content) or _held(rest, ids, fold)


def _held(
    rest: Sequence[Utterance], groups: Sequence[str], fold: int, *, speakers_stay: bool = False
) -> set[str]:
    """Hold a sixth of the groups back, at least one, in an order by a hash of their names.

    If speakers stay, a group is skipped without which one of its speakers would not train.
    """
    members: dict[str, Counter[str]] = {group: Counter() for group in sorted(set(groups))}
    for u, group in zip(rest, groups, strict=True):
        members[group][u.person or ""] += 1
    stay = sum(members.values(), Counter[str]())
    held, number = set[str](), max(1, round(len(members) / VALIDATION))
    for group in seeded_order([*members], fold):
        last = any(name and stay[name] == count for name, count in members[group].items())
        if len(held) < number and not (speakers_stay and last):
            held.add(group)
            stay -= members[group]
    return {u.id for u, group in zip(rest, groups, strict=True) if group in held}


def _loso(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    return _assign(utterances, [{s} for s in _names(utterances, "session")], "session", fold)


def _improvised_turns(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Take the improvised turns whose session is known. Raises `MienError` where there is none."""
    found = [u for u in utterances if fact_of(u, "style") == "improvised" and u.session]
    if not found:
        raise MienError(
            "no turn of a known session is improvised: choose another protocol (`mien inspect DATA`"
            " shows what fits)",
            parameter="protocol",
        )
    return found


def _improvised(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    taken = _improvised_turns(utterances)
    splits = dict(zip((u.id for u in taken), _loso(taken, seed, fold), strict=True))
    return [splits.get(u.id) for u in utterances]


def _loso_speaker(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    speakers = _names(utterances, "person")
    found = _assign(utterances, [{name} for name in speakers], "person", fold)
    tested = speakers[(len(speakers) if fold is None else fold) - 1]
    sessions = {u.session for u in utterances if u.person == tested and u.session}
    partners = {u.person for u in utterances if u.session in sessions} - {tested, None}
    if len(partners) != 1 or len(speakers) < 3:
        return found
    # who talks with the tested speaker shares the dialogues of the test: they may not train
    splits = dict.fromkeys(speakers, "train") | {tested: "test", partners.pop() or "": "valid"}
    return [splits[u.person] if u.person else None for u in utterances]


def _kfold(fact: Fact) -> FreeRule:
    def rule(
        utterances: Sequence[Utterance], seed: int, fold: int | None, count: int | None
    ) -> list[str | None]:
        return _assign(utterances, _deal(utterances, fact, seed, count), fact, fold)

    return rule


def _kfold_strangers(
    utterances: Sequence[Utterance], seed: int, fold: int | None, count: int | None
) -> list[str | None]:
    folds = _deal(utterances, "person", seed, count)
    number = len(folds) if fold is None else fold
    if not 1 <= number <= len(folds):
        raise MienError(f"{number} is not one of the folds 1 to {len(folds)}", parameter="fold")
    known = set[str]().union(*folds) - folds[number - 1]
    return test_others(utterances, "person", known, seed)


def _emobox(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    if others := sorted({u.corpus for u in utterances} - {"ravdess"}):
        raise MienError(
            f"EmoBox's folds are known for ravdess, and the data are of {others[0]}: choose"
            " kfold-speakers",
            parameter="protocol",
        )
    folds = [{f"{actor:02}" for actor in actors} for actors in EMOBOX_RAVDESS]
    return _assign(utterances, folds, "person", fold)


register_protocol(
    "loso",
    "leave one session out: fold K tests session K, and speakers of the others validate",
    _loso,
    needs=("session",),
    folds=True,
    fold_count=lambda utterances, count: len(_names(utterances, "session")),
)
register_protocol(
    "loso-speaker",
    "leave one speaker out; who shares their sessions validates, where that is one",
    _loso_speaker,
    needs=("person",),
    folds=True,
    fold_count=lambda utterances, count: len(_names(utterances, "person")),
)
KFOLD: dict[str, tuple[Fact, str]] = {
    "kfold-speakers": (
        "person",
        "each speaker is tested in one fold, which does not train on them",
    ),
    "kfold-sentences": ("sentence", "each sentence is tested in one fold, by known speakers"),
    "kfold-scenarios": ("scenario", "each scenario is tested in one fold, by known speakers"),
}
for name, (fact, about) in KFOLD.items():
    register_protocol(
        name,
        about,
        _kfold(fact),
        needs=(fact,),
        free=True,
        folds=True,
        fold_count=lambda utterances, count, fact=fact: len(_deal(utterances, fact, 0, count)),
    )
register_protocol(
    "kfold-strangers",
    "each speaker is tested in one fold by verification; the others train and validate",
    _kfold_strangers,
    needs=("person",),
    free=True,
    folds=True,
    fold_count=lambda utterances, count: len(_deal(utterances, "person", 0, count)),
    unseen_speakers=True,
)
register_protocol(
    "improvised",
    "leave one session out, with the improvised turns alone",
    _improvised,
    needs=("session", "style"),
    folds=True,
    fold_count=lambda utterances, count: len(_names(_improvised_turns(utterances), "session")),
)
register_protocol(
    "emobox",
    "the six folds of EmoBox: four actors of RAVDESS test, speakers of the others validate",
    _emobox,
    needs=("person",),
    folds=True,
    fold_count=lambda utterances, count: len(EMOBOX_RAVDESS),
)
