"""Long turns are divided between words, and nothing of them is lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mien.inference.analysis.pieces import pieces_of
from mien.inference.analysis.spoken import SpokenTurn
from mien.inference.segments import MAX_SEGMENT_SECONDS
from mien.inference.timeline import Word


def spoken(start: float, seconds: float, words: list[tuple[float, float]]) -> SpokenTurn:
    timed = [
        Word(text=f"w{i}", start=start + a * seconds, end=start + b * seconds)
        for i, (a, b) in enumerate(words)
    ]
    text = " ".join(word.text for word in timed) or None
    return SpokenTurn(start=start, end=start + seconds, speaker="Anna", text=text, words=timed)


def test_a_short_turn_stays_as_it_is() -> None:
    turn = spoken(2, 14.9, [(0.1, 0.2)])
    assert pieces_of([turn]) == [turn]


def test_a_cut_falls_into_the_pause_that_is_near() -> None:
    turn = SpokenTurn(
        start=0,
        end=20,
        text="one two three",
        words=[
            Word(text="one", start=0, end=9.2),
            Word(text="two", start=9.3, end=10.8),
            Word(text="three", start=11.2, end=20),
        ],
    )
    assert [(p.start, p.end, p.text) for p in pieces_of([turn])] == [
        (0, 11.0, "one two"),
        (11.0, 20, "three"),
    ]


shares = st.lists(st.floats(0, 1), max_size=40).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1000), st.floats(0.1, 200), shares)
def test_pieces_cover_the_turn_within_the_limit_and_keep_every_word(
    start: float, seconds: float, words: list[tuple[float, float]]
) -> None:
    turn = spoken(start, seconds, words)
    pieces = pieces_of([turn])
    assert (pieces[0].start, pieces[-1].end) == (turn.start, turn.end)
    assert [a.end for a in pieces[:-1]] == [b.start for b in pieces[1:]]
    assert all(0 < piece.seconds <= MAX_SEGMENT_SECONDS + 1e-6 for piece in pieces)
    assert [word for piece in pieces for word in piece.words] == turn.words
    assert all(piece.speaker == "Anna" for piece in pieces)
