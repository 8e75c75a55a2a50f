"""What the test split shares with training."""

import pytest
from samples import utterance

from mien.dataset.leakage import measure_leakage, measure_protocols
from mien.dataset.protocols import PROTOCOLS
from mien.dataset.splits import Splits

ROWS = [
    utterance(0, person="anna", dialogue="a", text="Come in."),
    utterance(1, person="ben", dialogue="b", text="No."),
    utterance(2, person="carol", dialogue="c", text="Why?"),
    utterance(3, person="anna", dialogue="d", text=" come  IN."),
    utterance(4, person="dora", dialogue="d", text="Why?"),
    utterance(5, person="ben", dialogue="b", text=None),
    utterance(6, person=None, dialogue=None, text="No."),
]


def test_leakage_counts_by_hand() -> None:
    found = measure_leakage(ROWS, "own", Splits(train=[0, 1], valid=[2], test=[3, 4, 5, 6]))
    assert (found.protocol, found.train, found.valid, found.test) == ("own", 2, 1, 4)
    assert found.person == pytest.approx(2 / 3), "anna and ben of anna, dora and ben"
    assert found.dialogue == pytest.approx(1 / 3), "b of d, d and b"
    assert found.sentence == pytest.approx(2 / 3), "'come in.' and 'no.', not validation's 'why?'"


def test_a_sentence_that_the_data_name_is_one_whatever_its_words() -> None:
    named = [{"sentence": "S1"}, {"sentence": "S2"}, {"sentence": "s1"}, {"sentence": None}]
    texts = ["Come in.", None, "Do come in!", "Come in."]
    rows = [
        utterance(i, text=text, attributes=attributes)
        for i, (text, attributes) in enumerate(zip(texts, named, strict=True))
    ]
    found = measure_leakage(rows, "own", Splits(train=[0], valid=[], test=[1, 2, 3]))
    assert found.sentence == pytest.approx(1 / 3), "S1 alone, whose words differ"


def test_what_the_data_do_not_say_is_none() -> None:
    rows = [utterance(i, person=None, text=None) for i in range(3)]
    found = measure_leakage(rows, "own", Splits(train=[0], valid=[1], test=[2]))
    assert (found.person, found.dialogue, found.sentence) == (None, None, None)


def test_every_protocol_fits_or_is_explained() -> None:
    rows = [
        utterance(i, person=f"{i % 4}", dialogue=f"{i % 5}", text=f"Line {i % 7}")
        for i in range(140)
    ]
    fit, unfit = measure_protocols(rows)
    shares = {row.protocol: row for row in fit}
    assert set(shares) | set(unfit) == set(PROTOCOLS)
    assert set(unfit) == {"given", "sessions", "loso", "improvised", "kfold-scenarios", "emobox"}
    assert "needs session, which no utterance has" in unfit["sessions"]
    assert ":" not in "".join(unfit.values()), "without the advice to look here"
    assert shares["persons"].person == 0
    assert shares["dialogues"].dialogue == 0
    assert shares["dialogues"].person == 1
    assert shares["sentences"].sentence == 0
    assert shares["random"].person == shares["random"].sentence == 1
    assert {(r.train + r.valid + r.test) for r in fit} == {140}
