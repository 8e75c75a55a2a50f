"""Verification trials: who enrols, who is tested, and what they never share."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.identity.trials import MAX_ENROLLED, PAIRINGS, make_trials
from mien.utterance import Utterance


def clip(number: int, **fields) -> Utterance:
    return Utterance(id=f"synthetic{number:03}", corpus="synthetic", **fields)


@st.composite
def corpora(draw: st.DrawFn) -> list[Utterance]:
    """Utterances with any of their facts missing."""
    facts = st.fixed_dictionaries(
        {
            "person": st.sampled_from([None, *"abcd"]),
            "dialogue": st.sampled_from([None, *"12345"]),
            "session": st.sampled_from([None, *"XY"]),
            "text": st.sampled_from([None, "", "No.", "no.", "Yes", "Why?"]),
        }
    )
    rows = draw(st.lists(facts, min_size=1, max_size=40))
    return [clip(number, **row) for number, row in enumerate(rows)]


@settings(deadline=None)
@given(corpora(), st.sampled_from(list(PAIRINGS)), st.randoms())
def test_enrolment_and_test_share_no_unit(
    corpus: list[Utterance], pairing: str, shuffle: random.Random
) -> None:
    rows = list(range(len(corpus)))
    try:
        made = make_trials(corpus, rows, pairing)
    except MienError:
        return
    unit = PAIRINGS[pairing].unit
    enrolled = [row for clips in made.enrolments for row in clips]
    assert not {unit(corpus[r]) for r in enrolled} & {unit(corpus[r]) for r in made.probes}
    assert None not in {unit(corpus[r]) for r in enrolled + made.probes}
    speakers = [{corpus[r].person for r in clips} for clips in made.enrolments]
    assert all(len(who) == 1 and None not in who for who in speakers)
    names = [next(iter(who)) for who in speakers]
    assert len(set(names)) == len(names) >= 2
    assert {corpus[r].person for r in made.probes} == set(names)
    assert made.compared.shape == (len(names), len(made.probes))
    assert all(1 <= len(clips) <= MAX_ENROLLED for clips in made.enrolments)
    shuffle.shuffle(rows)
    again = make_trials(corpus, rows, pairing)
    assert (again.enrolments, again.probes) == (made.enrolments, made.probes)


def iemocap(sessions: int = 2, dialogues: int = 6, turns: int = 4) -> list[Utterance]:
    """Two speakers a session, both in each of its dialogues."""
    return [
        clip(
            ((s * dialogues + d) * turns + t),
            person=f"Ses{s}{'FM'[t % 2]}",
            session=f"Ses{s}",
            dialogue=f"impro{d}",
            text=f"line {s} {d} {t}",
        )
        for s in range(sessions)
        for d in range(dialogues)
        for t in range(turns)
    ]


def test_dialogues_of_two_sessions_are_not_the_same_for_having_one_name() -> None:
    corpus = iemocap()
    made = make_trials(corpus, range(len(corpus)), "dialogues")
    assert [len(clips) for clips in made.enrolments] == [6] * 4
    assert len(made.probes) == 4 * 6
    assert made.compared.all()
    halves = {
        frozenset(corpus[r].dialogue for r in clips if corpus[r].session == session)
        for session in ("Ses0", "Ses1")
        for clips in made.enrolments
    } - {frozenset()}
    assert all(len(half) == 3 for half in halves)
    assert len(halves) == 2, "both speakers of a session are enrolled by the same dialogues"


def test_within_a_session_there_are_two_to_choose_from() -> None:
    corpus = iemocap()
    made = make_trials(corpus, range(len(corpus)), "sessions")
    assert (made.compared.sum(axis=0) == 2).all()
    for row, clips in enumerate(made.enrolments):
        tested = [made.probes[column] for column in made.compared[row].nonzero()[0]]
        assert {corpus[r].session for r in tested} == {corpus[clips[0]].session}


def test_ten_clips_are_five_and_five() -> None:
    corpus = [clip(number, person="abc"[number % 3]) for number in range(30)]
    made = make_trials(corpus, range(30), "clips")
    assert [len(clips) for clips in made.enrolments] == [5] * 3
    assert len(made.probes) == 15


def test_no_more_clips_enrol_than_the_most() -> None:
    corpus = [clip(number, person="ab"[number % 2]) for number in range(100)]
    made = make_trials(corpus, range(100), "clips")
    assert [len(clips) for clips in made.enrolments] == [MAX_ENROLLED] * 2
    assert len(made.probes) == 50, "the others that might enrol are not tested instead"


def test_a_sentence_that_all_say_is_on_one_side() -> None:
    lines = ("Kids are talking", "Dogs are sitting")
    corpus = [
        clip(number, person="abc"[number % 3], text=lines[number // 3 % 2]) for number in range(24)
    ]
    made = make_trials(corpus, range(24), "sentences")
    assert {len({corpus[r].text for r in clips}) for clips in made.enrolments} == {1}
    assert {corpus[r].text for r in made.probes} == set(lines) - {
        corpus[made.enrolments[0][0]].text
    }


def test_speakers_with_a_single_clip_are_counted() -> None:
    corpus = [clip(number, person=person) for number, person in enumerate("aabbc")]
    assert make_trials(corpus, range(5), "clips").left_out == 1


@pytest.mark.parametrize(
    ("pairing", "fields", "reason"),
    [
        ("clips", {}, "a known clip: the column person is missing or empty"),
        ("dialogues", {}, "a known dialogue: the column person is missing or empty"),
        ("dialogues", {"person": "a"}, "a known dialogue: the column dialogue is missing"),
        ("sessions", {"person": "a"}, "a known dialogue: the column dialogue is missing"),
        ("sessions", {"person": "a", "session": "X"}, "the column dialogue is missing"),
        ("sessions", {"person": "a", "dialogue": "1"}, "the column session is missing"),
        ("clips", {"person": "a"}, "fewer than two speakers"),
        ("sentences", {"person": "a"}, "a known sentence: the column text is missing"),
    ],
)
def test_what_the_data_lack_is_reported(pairing: str, fields: dict[str, str], reason: str) -> None:
    corpus = [clip(number, **fields) for number in range(4)]
    with pytest.raises(MienError, match=reason):
        make_trials(corpus, range(4), pairing)


def test_sentences_said_once_are_refused() -> None:
    corpus = [clip(number, person="ab"[number % 2], text=f"line {number}") for number in range(8)]
    with pytest.raises(MienError, match="most sentences occur once"):
        make_trials(corpus, range(8), "sentences")


def test_a_session_of_one_speaker_makes_no_trials() -> None:
    corpus = [
        clip(number, person="ab"[number % 2], session="XY"[number % 2], dialogue=str(number))
        for number in range(8)
    ]
    assert make_trials(corpus, range(8), "dialogues").compared.all()
    with pytest.raises(MienError, match="fewer than two speakers"):
        make_trials(corpus, range(8), "sessions")
