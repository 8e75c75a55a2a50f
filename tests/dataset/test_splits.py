"""What each protocol keeps apart, in any order of the rows."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_corpora import corpora
from samples import utterance

from mien.corpora import ravdess
from mien.dataset.protocols import PROTOCOLS, register_protocol
from mien.dataset.sentence import normalise_sentence
from mien.dataset.splits import SPLITS, Splits, split, suggest
from mien.errors import MienError
from mien.utterance import Utterance

GENERAL = [name for name in PROTOCOLS if name != "emobox"]
"""All but the protocol for RAVDESS alone."""


def by_id(rows: Sequence[Utterance], parts: Splits) -> dict[str, str]:
    return {rows[i].id: part for part in SPLITS for i in parts.rows(part)}


def groups(rows: Sequence[Utterance], parts: Splits, name: str) -> dict[str, set[object]]:
    return {part: {getattr(rows[i], name) for i in parts.rows(part)} for part in SPLITS}


def assert_apart(found: dict[str, set[object]]) -> None:
    assert not found["train"] & found["valid"]
    assert not found["train"] & found["test"]
    assert not found["valid"] & found["test"]


@pytest.mark.parametrize("protocol", GENERAL)
@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_no_row_is_in_two_parts_and_none_is_lost_count_of(
    protocol: str, rows: list[Utterance], seed: int
) -> None:
    parts = split(rows, protocol, seed=seed)
    taken = [*parts.train, *parts.valid, *parts.test]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(range(len(rows)))
    assert parts.left_out == len(rows) - len(taken)
    assert all(parts.rows(part) for part in SPLITS)


@pytest.mark.parametrize("protocol", GENERAL)
@given(rows=corpora(), seed=st.integers(0, 3), data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_has_no_effect(
    protocol: str, rows: list[Utterance], seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    before, after = split(rows, protocol, seed=seed), split(shuffled, protocol, seed=seed)
    assert by_id(rows, before) == by_id(shuffled, after)
    assert before.left_out == after.left_out


@pytest.mark.parametrize(
    ("protocol", "name"),
    [("persons", "person"), ("sessions", "session"), ("dialogues", "dialogue")],
)
@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_groups_stay_apart_and_unknown_ones_are_left_out(
    protocol: str, name: str, rows: list[Utterance], seed: int
) -> None:
    parts = split(rows, protocol, seed=seed)
    found = groups(rows, parts, name)
    assert_apart(found)
    assert None not in set().union(*found.values())
    assert parts.left_out == sum(getattr(u, name) is None for u in rows)


@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_strangers_are_in_the_test_alone(rows: list[Utterance], seed: int) -> None:
    parts = split(rows, "strangers", seed=seed)
    found = groups(rows, parts, "person")
    assert not found["test"] & (found["train"] | found["valid"])
    assert None not in set().union(*found.values())
    assert parts.left_out == sum(u.person is None for u in rows)


@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_sentences_of_the_test_are_new(rows: list[Utterance], seed: int) -> None:
    found = groups(rows, split(rows, "sentences", seed=seed), "text")
    assert not found["test"] & (found["train"] | found["valid"])
    assert None not in set().union(*found.values())
    if len(set().union(*found.values())) > 2:
        assert_apart(found)


def test_sentences_that_differ_in_case_and_spacing_are_one() -> None:
    pairs = ["Yes!", " YES! ", "Go on", "go  on", "No", "nO", "Why?", "why?"]
    rows = [utterance(i, text=text) for i, text in enumerate(pairs)]
    where = by_id(rows, split(rows, "sentences"))
    for i in range(0, len(rows), 2):
        assert where[rows[i].id] == where[rows[i + 1].id]
    assert normalise_sentence(" \n") is None
    assert normalise_sentence(None) is None


@given(rows=corpora())
@settings(max_examples=25, deadline=None)
def test_given_is_what_the_corpus_says(rows: list[Utterance]) -> None:
    parts = split(rows, "given")
    assert by_id(rows, parts) == {u.id: u.split for u in rows if u.split}


def test_random_takes_everybody_in_shares_of_ten_one_two() -> None:
    rows = [utterance(i) for i in range(120)]
    parts = split(rows, "random")
    assert Counter(by_id(rows, parts).values()) == {"train": 90, "valid": 10, "test": 20}
    assert by_id(rows, parts) != by_id(rows, split(rows, "random", seed=1))


def recordings(sessions: int = 5, dialogues: int = 6) -> list[Utterance]:
    """As IEMOCAP: two persons in each session, both in all of its dialogues."""
    return [
        utterance(
            100 * s + 10 * d + turn,
            session=f"{s}",
            dialogue=f"{s}-{d}",
            person=f"{s}{'FM'[turn % 2]}",
            text=f"Line {turn} of {s}-{d}",
        )
        for s in range(1, sessions + 1)
        for d in range(dialogues)
        for turn in range(4)
    ]


def test_every_session_is_tested_by_one_fold() -> None:
    rows = recordings()
    tested = []
    for fold in range(1, 6):
        found = groups(rows, split(rows, "sessions", fold=fold), "session")
        assert [len(found[part]) for part in SPLITS] == [3, 1, 1]
        before = {1: "5", 2: "1", 3: "2", 4: "3", 5: "4"}
        assert found["valid"] == {before[fold]}, "the session before the tested one validates"
        assert found["train"] == {"1", "2", "3", "4", "5"} - found["test"] - found["valid"]
        tested += found["test"]
    assert tested == ["1", "2", "3", "4", "5"]
    last = split(rows, "sessions", fold=5)
    assert split(rows, "sessions") == last
    for fold in (0, 6, -1):
        with pytest.raises(MienError, match=f"fold: {fold} is not one of the sessions 1 to 5"):
            split(rows, "sessions", fold=fold)


def test_dialogues_know_every_person_in_training() -> None:
    rows = recordings()
    for seed in range(5):
        found = groups(rows, split(rows, "dialogues", seed=seed), "person")
        assert found["train"] == found["valid"] == found["test"]
    first, second = (groups(rows, split(rows, "dialogues", seed=s), "dialogue") for s in (0, 1))
    assert first["test"] != second["test"]


@pytest.mark.parametrize(
    ("protocol", "fields"),
    [
        ("given", {}),
        ("given", {"split": "train"}),
        ("persons", {"person": None}),
        ("persons", {"person": "one"}),
        ("sessions", {}),
        ("dialogues", {}),
        ("dialogues", {"dialogue": "one"}),
        ("sentences", {"text": None}),
        ("sentences", {"text": "the same"}),
        ("no such protocol", {}),
    ],
)
def test_data_that_do_not_fit_are_refused(protocol: str, fields: dict[str, str]) -> None:
    with pytest.raises(MienError) as error:
        split([utterance(i, **fields) for i in range(6)], protocol)
    assert "choose" in str(error.value).lower()


def test_suggest_prefers_the_strictest_that_fits() -> None:
    rows = recordings()
    assert suggest(rows, "emotion") == "persons"
    assert suggest(rows, "person") == "dialogues"
    monologues = [utterance(i, person=f"{i % 2}", text=f"{i}") for i in range(8)]
    assert suggest(monologues, "emotion") == "random"
    assert suggest(monologues, "person") == "sentences"
    nameless = [utterance(i, person=None, dialogue=f"{i // 2}") for i in range(8)]
    for task in ("emotion", "sentiment", "emotion+sentiment"):
        assert suggest(rows, task) == "persons"
        assert suggest(nameless, task) == "dialogues"
    assigned = [utterance(i, split=SPLITS[i % 3]) for i in range(6)]
    assert suggest(assigned, "person") == "given"
    with pytest.raises(MienError, match="too few"):
        suggest(monologues[:2], "emotion")


def test_sentences_may_be_named_without_their_words() -> None:
    rows = [utterance(i, text=None, attributes={"sentence": f"S{i % 6}"}) for i in range(60)]
    parts = split(rows, "sentences")
    named = {part: {rows[i].attributes["sentence"] for i in parts.rows(part)} for part in SPLITS}
    assert [len(named[part]) for part in SPLITS] == [4, 1, 1]
    assert not named["test"] & (named["train"] | named["valid"])


@pytest.fixture(scope="module")
def actors(shared_data: Path) -> list[Utterance]:
    found = ravdess.read(shared_data / "ravdess")
    return [u for u in found if isinstance(u, Utterance)]


def test_ravdess_actors(actors: list[Utterance]) -> None:
    found = groups(actors, split(actors, "persons"), "person")
    assert found == {
        "train": {f"{n:02}" for n in range(1, 19)},
        "valid": {"19", "20"},
        "test": {"21", "22", "23", "24"},
    }
    assert suggest(actors, "emotion") == "persons"


def test_ravdess_sentences(actors: list[Utterance]) -> None:
    assert suggest(actors, "person") == "sentences"
    parts = split(actors, "sentences")
    texts, persons = (groups(actors, parts, name) for name in ("text", "person"))
    assert texts["train"] == texts["valid"]
    assert len(texts["test"]) == 1
    assert not texts["test"] & texts["train"]
    assert len(persons["train"]) == len(persons["test"]) == 24
    assert [len(parts.rows(p)) for p in SPLITS] == [660, 60, 720]


@pytest.fixture
def registered():
    """Register protocols for a test alone."""
    before = dict(PROTOCOLS)
    yield register_protocol
    for name in PROTOCOLS.keys() - before.keys():
        del PROTOCOLS[name]


def by_number(rows: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
    return [SPLITS[int(row.id[-3:]) % 3] for row in rows]


def test_a_registered_protocol_divides(registered) -> None:
    registered("by-number", "by the number in the id", by_number)
    rows = [utterance(i) for i in range(7)]
    assert split(rows, "by-number") == Splits([0, 3, 6], [1, 4], [2, 5])
    assert suggest(rows, "emotion") == "persons"


def test_a_registered_protocol_may_be_suggested_before_others(registered) -> None:
    about, aims = "by the number in the id", ("others",)
    registered("by-number", about, by_number, needs=("session",), suggested_for=aims, rank=5)
    named = [utterance(i, session="S") for i in range(6)]
    assert suggest(named, "emotion") == "by-number"
    assert suggest(named, "person") == "sentences"
    assert suggest([utterance(i) for i in range(6)], "emotion") == "persons"


def test_a_protocol_is_refused_for_data_without_what_it_needs(registered) -> None:
    registered("by-number", "by number", by_number, needs=("session", "dialogue"))
    with pytest.raises(MienError) as error:
        split([utterance(i) for i in range(6)], "by-number")
    assert error.value.message.startswith(
        "the protocol 'by-number' needs session and dialogue, which no utterance has: choose"
    )
    split([utterance(i, session="S", dialogue="D") for i in range(6)], "by-number")


@pytest.mark.parametrize("names", [["train", "test"], ["train", "dev", "test"]])
def test_a_rule_that_answers_wrongly_is_refused(registered, names: list[str]) -> None:
    registered("wrong", "wrong", lambda rows, seed, fold: names)
    with pytest.raises(MienError, match="must give one of train, valid, test or None for each"):
        split([utterance(i) for i in range(3)], "wrong")


def test_a_protocol_declares_known_things() -> None:
    with pytest.raises(MienError, match="'odd' names weather: choose from split, person"):
        register_protocol("odd", "odd", by_number, needs=("weather",))
    with pytest.raises(MienError, match="'odd' names emotion: choose from persons, others"):
        register_protocol("odd", "odd", by_number, suggested_for=("emotion",))
    assert "odd" not in PROTOCOLS


def test_a_misspelt_protocol_is_told_what_may_be_meant() -> None:
    with pytest.raises(MienError, match=r"no protocol 'person' \(did you mean persons"):
        split([utterance(i) for i in range(3)], "person")
