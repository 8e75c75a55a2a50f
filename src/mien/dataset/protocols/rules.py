"""The protocols of mien: the rule of each, and what it keeps apart."""

from collections.abc import Collection, Sequence

from mien.dataset.protocols.base import (
    Fact,
    assign_groups,
    fact_of,
    register_protocol,
    seeded_order,
)
from mien.errors import MienError
from mien.utterance import Utterance

Names = list[str | None]


def _given(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    return [u.split for u in utterances]


def _persons(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    splits = assign_groups(_groups(utterances, "person"), "persons")
    return [splits.get(u.person) for u in utterances]


def _sessions(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    sessions = _groups(utterances, "session")
    splits = dict.fromkeys(assign_groups(sessions, "sessions"), "train")
    fold = len(sessions) if fold is None else fold
    if not 1 <= fold <= len(sessions):
        raise MienError(f"{fold} is not one of the sessions 1 to {len(sessions)}", parameter="fold")
    splits |= {sessions[fold - 1]: "test", sessions[fold - 2]: "valid"}
    return [splits.get(u.session) for u in utterances]


def _dialogues(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    by_session: dict[str, set[str]] = {}
    for u in utterances:
        if u.dialogue:
            by_session.setdefault(u.session or "", set()).add(u.dialogue)
    splits: dict[str | None, str] = {}
    for session, dialogues in sorted(by_session.items() or {"": set()}.items()):
        where = f"dialogues of session {session}" if session else "dialogues"
        splits |= assign_groups(seeded_order(sorted(dialogues), seed), where)
    return [splits.get(u.dialogue) for u in utterances]


def _sentences(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    texts = seeded_order(_groups(utterances, "sentence"), seed)
    if len(texts) != 2:
        splits = assign_groups(texts, "sentences")
        return [splits.get(fact_of(u, "sentence")) for u in utterances]
    # of two sentences one is kept for the test, so validation shares the other with training
    return test_others(utterances, "sentence", {texts[0]}, seed)


def _random(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    splits = assign_groups(seeded_order([u.id for u in utterances], seed), "utterances")
    return [splits[u.id] for u in utterances]


def _strangers(utterances: Sequence[Utterance], seed: int, fold: int | None) -> Names:
    splits = assign_groups(_groups(utterances, "person"), "persons")
    # who is to be learnt must be known in validation too, so it takes other utterances of theirs
    known = {name for name, split in splits.items() if split != "test"}
    return test_others(utterances, "person", known, seed)


def _groups(utterances: Sequence[Utterance], fact: Fact) -> list[str]:
    """List the persons, sessions or sentences that there are, sorted."""
    return sorted({name for u in utterances if (name := fact_of(u, fact))})


def test_others(
    utterances: Sequence[Utterance], fact: Fact, known: Collection[str | None], seed: int
) -> Names:
    """Test on all but the known persons or sentences; validate on a twelfth of their utterances."""
    facts = {u.id: fact_of(u, fact) for u in utterances}
    trained = [u for u in utterances if facts[u.id] in known]
    drawn = zip(trained, _random(trained, seed, None), strict=True)
    splits = {u.id: "valid" if split == "valid" else "train" for u, split in drawn}
    return [splits.get(u.id, "test") if facts[u.id] else None for u in utterances]


register_protocol(
    "given",
    "the splits that the corpus assigns",
    _given,
    needs=("split",),
    suggested_for=("persons", "others"),
    rank=0,
)
register_protocol(
    "persons",
    "no person in two splits",
    _persons,
    needs=("person",),
    suggested_for=("others",),
    rank=10,
)
register_protocol(
    "sessions",
    "no session in two splits; fold K tests session K, and the one before it validates",
    _sessions,
    needs=("session",),
    folds=True,
    fold_count=lambda utterances, count: len({u.session for u in utterances if u.session}),
)
register_protocol(
    "dialogues",
    "known persons in dialogues that no other split has",
    _dialogues,
    needs=("dialogue",),
    suggested_for=("persons", "others"),
    rank=20,
)
register_protocol(
    "sentences",
    "known persons speaking sentences that training does not have",
    _sentences,
    needs=("sentence",),
    suggested_for=("persons",),
    rank=30,
)
register_protocol(
    "strangers",
    "known persons in training and validation, unseen ones in the test",
    _strangers,
    needs=("person",),
    unseen_speakers=True,
)
register_protocol(
    "random",
    "utterances at random: persons, dialogues and sentences leak",
    _random,
    suggested_for=("persons", "others"),
    rank=1000,
)
