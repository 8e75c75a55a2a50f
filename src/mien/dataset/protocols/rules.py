"""The protocols of mien: how each divides utterances."""

from collections.abc import Sequence

from mien.dataset.protocols.base import order, register_protocol, shares
from mien.dataset.sentence import sentence
from mien.errors import MienError
from mien.utterance import Utterance


def _given(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    return [u.split for u in utterances]


def _persons(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = shares(sorted({u.person for u in utterances if u.person}), "persons")
    return [parts.get(u.person) for u in utterances]


def _sessions(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    sessions = sorted({u.session for u in utterances if u.session})
    parts = dict.fromkeys(shares(sessions, "sessions"), "train")
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
        parts |= shares(order(sorted(dialogues), seed), where)
    return [parts.get(u.dialogue) for u in utterances]


def _sentences(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    said = {u.id: sentence(u) for u in utterances}
    texts = order(sorted({text for text in said.values() if text}), seed)
    if len(texts) != 2:
        parts = shares(texts, "sentences")
        return [parts.get(said[u.id]) for u in utterances]
    # of two sentences one is kept for the test, so validation shares the other with training
    known = [u for u in utterances if said[u.id] == texts[0]]
    held = {u.id: part for u, part in zip(known, _random(known, seed, fold), strict=True)}
    held = {name: "valid" if part == "valid" else "train" for name, part in held.items()}
    return [held.get(u.id, "test") if said[u.id] else None for u in utterances]


def _random(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = shares(order([u.id for u in utterances], seed), "utterances")
    return [parts[u.id] for u in utterances]


def _strangers(utterances: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    parts = shares(sorted({u.person for u in utterances if u.person}), "persons")
    # who is to be learnt must be known in validation too, so it takes other utterances of theirs
    known = [u for u in utterances if parts.get(u.person, "test") != "test"]
    held = {u.id: part for u, part in zip(known, _random(known, seed, fold), strict=True)}
    held = {name: "valid" if part == "valid" else "train" for name, part in held.items()}
    return [held.get(u.id, "test") if u.person else None for u in utterances]


register_protocol(
    "given",
    "the parts that the corpus assigns",
    _given,
    needs=("split",),
    suggested_for=("persons", "others"),
    rank=0,
)
register_protocol(
    "persons",
    "no person in two parts",
    _persons,
    needs=("person",),
    suggested_for=("others",),
    rank=10,
)
register_protocol(
    "sessions",
    "no session in two parts; fold K tests session K, and the one before it validates",
    _sessions,
    needs=("session",),
    folds=True,
    fold_count=lambda utterances, count: len({u.session for u in utterances if u.session}),
)
register_protocol(
    "dialogues",
    "known persons in dialogues that no other part has",
    _dialogues,
    needs=("dialogue",),
    suggested_for=("persons", "others"),
    rank=20,
)
register_protocol(
    "sentences",
    "known persons saying sentences that training never had",
    _sentences,
    needs=("sentence",),
    suggested_for=("persons",),
    rank=30,
)
register_protocol(
    "strangers",
    "known persons in training and validation, others in the test",
    _strangers,
    needs=("person",),
    strangers=True,
)
register_protocol(
    "random",
    "utterances at random: persons, dialogues and sentences leak",
    _random,
    suggested_for=("persons", "others"),
    rank=1000,
)
