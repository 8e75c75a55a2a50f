"""Protocols of cross-validation: what each fold tests, and what validates beside it."""

from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_corpora import corpora
from samples import utterance

from mien.dataset.protocols import PROTOCOLS, register_protocol
from mien.dataset.protocols.base import Fact, fact_of
from mien.dataset.protocols.folds import VALIDATION
from mien.dataset.splits import Splits, folds_of, split
from mien.errors import MienError
from mien.models import preset
from mien.studies.cross_validation import chosen_folds
from mien.training import TrainConfig
from mien.training.unread import refuse_unread
from mien.utterance import SPLITS, Utterance

FOLDS: dict[str, Fact] = {
    "loso": "session",
    "loso-speaker": "person",
    "kfold-speakers": "person",
    "kfold-sentences": "sentence",
    "kfold-scenarios": "scenario",
    "improvised": "session",
}
"""The protocols of folds for any corpus, and what each keeps out of training and validation."""


def divided(
    rows: Sequence[Utterance], protocol: str, *, num_folds: int | None = None, seed: int = 0
) -> list[Splits]:
    folds = folds_of(rows, protocol, num_folds)
    return [split(rows, protocol, fold=f, num_folds=num_folds, seed=seed) for f in folds]


def ids(rows: Sequence[Utterance], parts: Splits) -> dict[str, set[str]]:
    return {part: {rows[i].id for i in parts.rows(part)} for part in SPLITS}


def facts(rows: Sequence[Utterance], parts: Splits, fact: Fact) -> dict[str, set[str | None]]:
    return {part: {fact_of(rows[i], fact) for i in parts.rows(part)} for part in SPLITS}


def taken(u: Utterance, protocol: str) -> bool:
    """Whether a protocol may use an utterance: others are of no fold."""
    known = fact_of(u, FOLDS[protocol]) is not None
    return known and (protocol != "improvised" or u.attributes["style"] == "improvised")


@pytest.mark.parametrize("protocol", FOLDS)
@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_every_utterance_is_tested_once_by_what_neither_trained_nor_validated_on_its_group(
    protocol: str, rows: list[Utterance], seed: int
) -> None:
    tested: Counter[str] = Counter()
    for parts in divided(rows, protocol, seed=seed):
        where, groups = ids(rows, parts), facts(rows, parts, FOLDS[protocol])
        tested.update(where["test"])
        assert all(where.values())
        assert not where["valid"] & (where["test"] | where["train"])
        assert not groups["test"] & (groups["train"] | groups["valid"])
        assert set().union(*where.values()) == {u.id for u in rows if taken(u, protocol)}
        assert parts.left_out == sum(not taken(u, protocol) for u in rows)
    assert tested == {u.id: 1 for u in rows if taken(u, protocol)}


@pytest.mark.parametrize("protocol", FOLDS)
@given(rows=corpora(), seed=st.integers(0, 3), data=st.data())
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_changes_no_fold(
    protocol: str, rows: list[Utterance], seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    before, after = (divided(r, protocol, seed=seed) for r in (rows, shuffled))
    assert [ids(rows, p) for p in before] == [ids(shuffled, p) for p in after]


def dyads(sessions: int = 5, turns: int = 8) -> list[Utterance]:
    """As IEMOCAP: two persons in each session, in two dialogues."""
    return [
        utterance(
            100 * s + turn,
            person=f"{s}{'FM'[turn % 2]}",
            session=f"{s}",
            dialogue=f"{s}-{turn // 4}",
        )
        for s in range(1, sessions + 1)
        for turn in range(turns)
    ]


def test_validation_is_a_sixth_of_the_speakers_that_do_not_test() -> None:
    rows = dyads(sessions=7)
    for parts in divided(rows, "loso"):
        found = facts(rows, parts, "person")
        assert [len(found[part]) for part in SPLITS] == [10, 2, 2]
        assert not found["valid"] & found["train"]
    chosen = [frozenset(facts(rows, parts, "person")["valid"]) for parts in divided(rows, "loso")]
    assert len(set(chosen)) > 1, "not the same speakers in each fold"


@pytest.mark.parametrize("protocol", ["kfold-sentences", "kfold-scenarios"])
@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_known_speakers_train_where_they_test_other_content(
    protocol: str, rows: list[Utterance], seed: int
) -> None:
    """Every speaker that validates trains, and so does who tests, as far as they say more."""
    for parts in divided(rows, protocol, seed=seed):
        found = facts(rows, parts, "person")
        rest = Counter(rows[i].person for i in (*parts.train, *parts.valid))
        assert {name for name, count in rest.items() if name and count > 1} <= found["train"]


def lines(speakers: int = 4, sentences: int = 6, takes: int = 2) -> list[Utterance]:
    """Everybody says every sentence twice."""
    whole = speakers * sentences * takes
    return [
        utterance(
            i,
            person=f"{i % speakers}",
            text=f"Sentence {i // speakers % sentences}",
            attributes={"scenario": f"{i // speakers % sentences}"},
        )
        for i in range(whole)
    ]


@pytest.mark.parametrize(
    ("protocol", "fact"), [("kfold-sentences", "sentence"), ("kfold-scenarios", "scenario")]
)
def test_validation_is_a_sixth_of_the_content_that_known_speakers_do_not_test(
    protocol: str, fact: Fact
) -> None:
    rows = lines(sentences=15)
    for parts in divided(rows, protocol):
        found, speakers = facts(rows, parts, fact), facts(rows, parts, "person")
        assert [len(found[part]) for part in SPLITS] == [10, 2, 3]
        assert not found["valid"] & (found["train"] | found["test"])
        assert all(len(speakers[part]) == 4 for part in SPLITS)
        assert [len(parts.rows(part)) for part in SPLITS] == [80, 16, 24]


def test_validation_shares_the_sentence_where_training_has_but_one() -> None:
    rows = lines(sentences=2, takes=9)
    for parts in divided(rows, "kfold-sentences"):
        assert [len(parts.rows(part)) for part in SPLITS] == [30, 6, 36]
        found = facts(rows, parts, "sentence")
        assert found["valid"] == found["train"] != found["test"]
        assert len(facts(rows, parts, "person")["train"]) == 4


def test_a_sentence_without_which_a_speaker_would_not_train_does_not_validate() -> None:
    """Speaker 0 says one sentence of two alone, whichever fold tests the other."""
    rows = lines(sentences=12)
    rows = [u for u in rows if u.person != "0" or u.text in ("Sentence 3", "Sentence 7")]
    for parts in divided(rows, "kfold-sentences", num_folds=12):
        found = facts(rows, parts, "sentence")
        assert "0" in facts(rows, parts, "person")["train"]
        assert [len(found[part]) for part in SPLITS] == [9, 2, 1]


def test_without_speakers_dialogues_validate_and_without_these_utterances() -> None:
    rows = [utterance(i, person=None, session=f"{i % 3}", dialogue=f"{i % 12}") for i in range(60)]
    for parts in divided(rows, "loso"):
        found = facts(rows, parts, "dialogue")
        assert [len(found[part]) for part in SPLITS] == [7, 1, 4]
        assert not found["valid"] & found["train"]
    plain = [utterance(i, person=None, session=f"{i % 3}") for i in range(54)]
    for parts in divided(plain, "loso"):
        held = round(36 / VALIDATION)
        assert [len(parts.rows(part)) for part in SPLITS] == [36 - held, held, 18]


def test_partner_of_the_tested_speaker_validates_and_does_not_train() -> None:
    rows = dyads()
    assert folds_of(rows, "loso-speaker") == list(range(1, 11))
    for parts in divided(rows, "loso-speaker"):
        found = facts(rows, parts, "person")
        (tested,) = found["test"]
        partner = f"{tested[0]}{'M' if tested[1] == 'F' else 'F'}"
        assert found["valid"] == {partner}
        assert found["train"] == {u.person for u in rows} - {tested, partner}


def test_speakers_of_a_session_of_three_validate_as_others_do() -> None:
    rows = [utterance(i, person=f"{i % 9}", session=f"{i % 3}") for i in range(36)]
    for parts in divided(rows, "loso-speaker"):
        found = facts(rows, parts, "person")
        assert [len(found[part]) for part in SPLITS] == [7, 1, 1]


@pytest.mark.parametrize(
    ("num_folds", "sizes"), [(None, [3, 3, 2, 2, 2]), (2, [6, 6]), (5, [3, 3, 2, 2, 2]), (12, [1])]
)
def test_any_number_of_folds_of_nearly_equal_size(num_folds: int | None, sizes: list[int]) -> None:
    rows = [utterance(i, person=f"{i % 12}") for i in range(48)]
    found = divided(rows, "kfold-speakers", num_folds=num_folds)
    tested = [len(facts(rows, parts, "person")["test"]) for parts in found]
    assert tested == (sizes if len(sizes) > 1 else 12 * sizes)


def test_few_groups_make_fewer_folds_than_the_usual_five() -> None:
    rows = [utterance(i, person=f"{i % 3}") for i in range(12)]
    assert folds_of(rows, "kfold-speakers") == [1, 2, 3]


def test_the_seed_deals_the_groups_and_sessions_need_none() -> None:
    rows = dyads()
    dealt = [ids(rows, split(rows, "kfold-speakers", fold=1, seed=s))["test"] for s in range(3)]
    assert dealt[0] != dealt[1] or dealt[0] != dealt[2]
    sessions = [ids(rows, split(rows, "loso", fold=2, seed=s)) for s in range(3)]
    assert sessions[0] == sessions[1] == sessions[2]


def test_the_last_fold_is_tested_where_none_is_named() -> None:
    rows = dyads()
    assert split(rows, "loso") == split(rows, "loso", fold=5)
    assert split(rows, "kfold-speakers", num_folds=3) == split(
        rows, "kfold-speakers", fold=3, num_folds=3
    )


def nameless(count: int = 6) -> list[Utterance]:
    return [utterance(i, person=None, text=None) for i in range(count)]


def scripted() -> list[Utterance]:
    return [utterance(i, session=f"{i % 3}", attributes={"style": "scripted"}) for i in range(6)]


@pytest.mark.parametrize(
    ("ask", "parameter", "told"),
    [
        (lambda: folds_of(dyads(), "kfold-speakers", 11), "num_folds", "10 persons can't be divided"
            " into 11 folds: choose 2 to 10"),
        (lambda: split(dyads(), "kfold-speakers", num_folds=1), "num_folds", "into 1 folds"),
        (lambda: split(dyads(), "loso", fold=6), "fold", "6 is not one of the folds 1 to 5"),
        (lambda: split(dyads(), "loso", fold=0), "fold", "0 is not one of the folds 1 to 5"),
        (lambda: split(dyads(), "kfold-speakers", fold=4, num_folds=3), "fold", "folds 1 to 3"),
        (lambda: split(dyads(), "loso-speaker", fold=11), "fold", "folds 1 to 10"),
        (lambda: split(dyads(1), "loso"), "protocol", "leaves the train split empty: choose"),
        (lambda: folds_of(dyads(1)[::2], "kfold-speakers"), "protocol", "folds need at least two"
            " persons, and the data have 1: choose another"),
        (lambda: folds_of(nameless(), "loso-speaker"), "protocol", "'loso-speaker' needs person,"
            " which no utterance has: choose another"),
        (lambda: folds_of(nameless(), "loso"), "protocol", "'loso' needs session"),
        (lambda: split(dyads(), "improvised"), "protocol", "needs style"),
        (lambda: folds_of(scripted(), "improvised"), "protocol", "no turn of a known session is"
            " improvised: choose another"),
        (lambda: split(scripted(), "improvised"), "protocol", "is improvised: choose another"),
        (lambda: split(dyads(), "emobox"), "protocol", "EmoBox's folds are known for ravdess, and"
            " the data are of synthetic: choose kfold-speakers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_the_name_of_its_setting(
    ask: Callable[[], object], parameter: str, told: str
) -> None:
    with pytest.raises(MienError) as error:
        ask()
    assert error.value.parameter == parameter
    assert told in error.value.message


@pytest.mark.parametrize("protocol", ["given", "persons", "dialogues", "random"])
def test_a_protocol_without_folds_has_one_division(protocol: str) -> None:
    assert folds_of([utterance(i, dialogue="D", split="test") for i in range(3)], protocol) == [
        None
    ]


@pytest.fixture
def counted_by_user():
    """A protocol of folds that does not say how many there are."""

    def rule(rows: Sequence[Utterance], seed: int, fold: int | None) -> list[str | None]:
        return ["test" if i == fold else "valid" if i == 0 else "train" for i in range(len(rows))]

    register_protocol("counted-by-user", "one utterance a fold", rule, folds=True)
    yield "counted-by-user"
    del PROTOCOLS["counted-by-user"]


def test_a_protocol_may_leave_the_number_of_folds_to_the_user(counted_by_user: str) -> None:
    rows = [utterance(i) for i in range(5)]
    assert split(rows, counted_by_user, fold=2).test == [2]
    with pytest.raises(MienError, match="does not say how many folds it makes: name their numbers"):
        folds_of(rows, counted_by_user)
    data = SimpleNamespace(utterances=rows)
    assert chosen_folds(data, counted_by_user, None, [3, 1, 3]) == [3, 1]
    with pytest.raises(MienError, match=r"^folds: the protocol 'counted-by-user' does not say"):
        chosen_folds(data, counted_by_user, None, None)


def test_folds_are_chosen_among_those_that_there_are() -> None:
    data = SimpleNamespace(utterances=dyads())
    assert chosen_folds(data, "loso", None, None) == [1, 2, 3, 4, 5]
    assert chosen_folds(data, "loso", None, [4, 2, 4]) == [4, 2]
    assert chosen_folds(data, "kfold-speakers", 3, [3]) == [3]
    assert chosen_folds(data, "persons", None, None) == [None]
    with pytest.raises(MienError, match=r"^num_folds: has no effect here: only a protocol of any"):
        chosen_folds(data, "loso", 5, None)
    with pytest.raises(MienError, match=r"^folds: give one fold or more"):
        chosen_folds(data, "loso", None, [])
    with pytest.raises(MienError, match=r"^folds: 6 is not one of the folds of loso, which are 1"):
        chosen_folds(data, "loso", None, [1, 6])
    with pytest.raises(MienError, match=r"^folds: the protocol persons has no folds: leave them"):
        chosen_folds(data, "persons", None, [1])


@pytest.mark.parametrize(
    ("protocol", "taken"),
    [("kfold-speakers", True), ("kfold-scenarios", True), ("loso", False), (None, False)],
)
def test_the_number_of_folds_is_refused_where_no_protocol_reads_it(
    protocol: str | None, taken: bool
) -> None:
    config = TrainConfig(protocol=protocol, num_folds=4)
    if taken:
        refuse_unread(preset("mme2e"), config)
        return
    with pytest.raises(MienError, match=r"^num_folds: .* only a protocol of any number of folds"):
        refuse_unread(preset("mme2e"), config)


def test_protocols_of_folds_are_for_those_who_name_them() -> None:
    assert {name for name, p in PROTOCOLS.items() if p.folds} == {
        *FOLDS,
        *("emobox", "kfold-strangers", "sessions"),
    }
    kfolds = {name for name in FOLDS if name.startswith("kfold-")}
    assert {name for name, p in PROTOCOLS.items() if p.free} == {*kfolds, "kfold-strangers"}
    assert not any(PROTOCOLS[name].suggested_for for name in (*FOLDS, "emobox"))


@given(rows=corpora(), seed=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_folds_of_strangers_test_every_speaker_once_and_validate_on_known_ones(
    rows: list[Utterance], seed: int
) -> None:
    folds = divided(rows, "kfold-strangers", num_folds=2, seed=seed)
    tested = [facts(rows, parts, "person") for parts in folds]
    everybody = {u.person for u in rows if u.person}
    assert tested[0]["test"] | tested[1]["test"] == everybody
    assert not tested[0]["test"] & tested[1]["test"]
    for parts in tested:
        assert not parts["test"] & (parts["train"] | parts["valid"])
        assert parts["valid"] <= everybody - parts["test"]


def test_a_task_of_speakers_is_asked_of_strangers_by_verification() -> None:
    assert PROTOCOLS["kfold-strangers"].unseen_speakers
    rows = [utterance(n, person=f"p{n % 12:02}") for n in range(240)]
    parts = split(rows, "kfold-strangers", fold=1, num_folds=2)
    assert (len(parts.train), len(parts.valid), len(parts.test)) == (110, 10, 120)
    with pytest.raises(MienError, match="3 is not one of the folds 1 to 2"):
        split(rows, "kfold-strangers", fold=3, num_folds=2)
