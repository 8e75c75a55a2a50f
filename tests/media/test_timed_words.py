"""The times of words in transcripts: read where a file has them, and never believed unchecked."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.media.timed_words import TimedWord, matching_words, split_words, whole_words
from mien.media.transcript import Transcript, cut_to_length, read_transcript

OPENAI = [
    {"word": " Hello", "start": 0.5, "end": 0.9, "probability": 0.9},
    {"word": " there,", "start": 0.9, "end": 1.4, "probability": 0.8},
    {"word": " well", "start": 1.5, "end": 1.8, "probability": 0.8},
    {"word": "-known", "start": 1.8, "end": 2.2, "probability": 0.8},
]
TEXT = " Hello there, well-known"
WANTED = [("Hello", 0.5, 0.9), ("there,", 0.9, 1.4), ("well-known", 1.5, 2.2)]
REFUSED = (
    "the times of the words are not used in 1 of 1 cues: they are out of order or outside the cue,"
    " or the words are not those of its text"
)


def read(folder: Path, segment: dict[str, Any], text: str = TEXT) -> Transcript:
    path = folder / "a.json"
    path.write_text(json.dumps({"segments": [{"start": 0.4, "end": 2.5, "text": text} | segment]}))
    return read_transcript(path)


def timed(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [word[:3] for cue in transcript.cues for word in cue.timed_words]


def test_the_words_of_whisper_keep_their_times(tmp_path: Path) -> None:
    found = read(tmp_path, {"words": OPENAI})
    assert timed(found) == WANTED
    assert found.notes == []


def test_words_without_spaces_before_them_are_words(tmp_path: Path) -> None:
    words = [{"word": word, "start": start, "end": end} for word, start, end in WANTED]
    assert timed(read(tmp_path, {"words": words})) == WANTED


def test_words_of_whisper_cpp_are_put_together_from_its_tokens(tmp_path: Path) -> None:
    tokens = [
        {"text": "[_BEG_]", "offsets": {"from": 400, "to": 400}},
        {"text": " Hel", "offsets": {"from": 500, "to": 700}},
        {"text": "lo", "offsets": {"from": 700, "to": 900}},
        {"text": ",", "offsets": {"from": 900, "to": 900}},
        {"text": " you", "offsets": {"from": 900, "to": 1400}},
    ]
    segment = {"offsets": {"from": 400, "to": 2500}, "tokens": tokens}
    assert timed(read(tmp_path, segment, " Hello, you")) == [
        ("Hello,", 0.5, 0.9),
        ("you", 0.9, 1.4),
    ]


def test_a_word_without_times_has_those_between_its_neighbours(tmp_path: Path) -> None:
    words = [
        {"word": "In", "start": 0.5, "end": 0.9},
        {"word": "1984"},
        {"word": "or"},
        {"word": "so.", "start": 1.5, "end": 2.0},
    ]
    assert timed(read(tmp_path, {"words": words}, "In 1984 or so.")) == [
        ("In", 0.5, 0.9),
        ("1984", 0.9, pytest.approx(1.3)),
        ("or", pytest.approx(1.3), 1.5),
        ("so.", 1.5, 2.0),
    ]


def test_the_label_of_a_speaker_is_no_word(tmp_path: Path) -> None:
    words = [
        {"word": " SPEAKER", "start": 0.4, "end": 0.5},
        {"word": " A:", "start": 0.5, "end": 0.6},
        {"word": " Hello", "start": 0.6, "end": 0.9},
    ]
    found = read(tmp_path, {"words": words}, " SPEAKER A: Hello")
    assert (found.cues[0].speaker, timed(found)) == ("SPEAKER A", [("Hello", 0.6, 0.9)])


@pytest.mark.parametrize(
    "change",
    [
        {"start": 90.0, "end": 91.0},
        {"start": -5.0},
        {"start": 2.0},
        {"end": 0.6},
        {"word": " Goodbye,"},
        {"word": ""},
        {"word": None},
        {"start": 1e30, "end": 1e30},
    ],
    ids=["later", "earlier", "out of order", "reversed", "other", "empty", "none", "huge"],
)
def test_words_that_do_not_fit_are_not_used_and_noted(tmp_path: Path, change: dict) -> None:
    words = [OPENAI[0], OPENAI[1] | change, *OPENAI[2:]]
    found = read(tmp_path, {"words": words})
    assert found.cues[0].text == TEXT.strip()
    assert (timed(found), found.notes) == ([], [REFUSED])


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e400", '"soon"', "null", "true"])
def test_times_that_are_no_numbers_are_estimated(tmp_path: Path, time: str) -> None:
    path = tmp_path / "a.json"
    words = '[{"word": "Hello", "start": 1.0, "end": 1.5}, {"word": "you", "start": %s, "end": 2}]'
    segment = f'{{"start": 1.0, "end": 2.5, "text": "Hello you", "words": {words % time}}}'
    path.write_text(f'{{"segments": [{segment}]}}')
    assert timed(read_transcript(path)) == [("Hello", 1.0, 1.5), ("you", 1.5, 2.5)]


@pytest.mark.parametrize("words", [[], None, 7, "words", [1, 2], {"a": 1}])
def test_a_segment_without_words_has_none(tmp_path: Path, words: object) -> None:
    found = read(tmp_path, {"words": words})
    assert (timed(found), found.notes) == ([], [])


def test_a_million_words_in_a_segment_are_refused(tmp_path: Path) -> None:
    words = [{"word": "a", "start": 1.0, "end": 1.0}] * 100_000
    found = read(tmp_path, {"words": words}, "a" * 100_000)
    assert found.notes == [REFUSED]


def test_a_cue_is_cut_with_its_words(tmp_path: Path) -> None:
    cut = cut_to_length(read(tmp_path, {"words": OPENAI}), 1.0)
    assert timed(cut) == [("Hello", 0.5, 0.9), ("there,", 0.9, 1.0)]
    assert (cut.cues[0].text, cut.cues[0].end) == ("Hello there,", 1.0)


LETTERS = st.text(st.characters(categories=["L", "P", "N"]), min_size=1, max_size=5)
TIMES = st.floats(-10, 20)


@given(st.lists(st.builds(TimedWord, LETTERS, TIMES, TIMES), max_size=8), st.integers(0, 8))
def test_words_that_are_used_lie_in_their_cue_and_spell_it(
    words: list[TimedWord], skipped: int
) -> None:
    text = " ".join(word.text for word in words[skipped:])
    found = matching_words(words, text, 0.0, 10.0)
    times = [time for word in found for time in (word.start, word.end)]
    assert all(0 <= time <= 10 for time in times)
    assert [word.start for word in found] == sorted(word.start for word in found)
    if found:
        assert "".join(word.text for word in found) == text.replace(" ", "")


@given(st.lists(st.tuples(st.sampled_from(["", " "]), LETTERS), max_size=10))
def test_pieces_lose_no_letter(pieces: list[tuple[str, str]]) -> None:
    timed_pieces = [TimedWord(space + text, i, i + 1) for i, (space, text) in enumerate(pieces)]
    words = whole_words(timed_pieces)
    assert "".join(word.text for word in words) == "".join(text for _, text in pieces)
    assert all(before.end <= after.start for before, after in pairwise(words))


@given(st.text(max_size=40))
def test_splitting_loses_no_letter(text: str) -> None:
    assert "".join(split_words(text)) == "".join(text.split())
