"""Speaker labels are not part of the text, and text is no speaker label."""

from pathlib import Path

import pytest

from mien.media.transcript import read_transcript

Said = list[tuple[str | None, str]]


def said(folder: Path, *cues: str) -> Said:
    times = [f"00:{i:02}.000 --> 00:{i + 1:02}.000\n{cue}\n" for i, cue in enumerate(cues)]
    path = folder / "a.vtt"
    path.write_text("WEBVTT\n\n" + "\n".join(times), encoding="utf-8")
    return [(cue.speaker, cue.text) for cue in read_transcript(path).cues]


@pytest.mark.parametrize(
    ("cue", "speaker", "words"),
    [
        ("SPEAKER A: I am glad.", "SPEAKER A", "I am glad."),
        ("Speaker 2: I am glad.", "Speaker 2", "I am glad."),
        ("[SPEAKER_00]: I am glad.", "SPEAKER_00", "I am glad."),
        ("[SPEAKER_00] I am glad.", "SPEAKER_00", "I am glad."),
        ("<v Speaker A>I am glad.</v>", "Speaker A", "I am glad."),
        ("<v.loud Zoe\u0308 Lang>I am glad.", "Zoë Lang", "I am glad."),
        ("- JOHN: I am glad.", "JOHN", "I am glad."),
        (">> DR. O'NEIL: I am glad.", "DR. O'NEIL", "I am glad."),
        ("JOHN:\nI am glad.", "JOHN", "I am glad."),
        ("[Anna]: I am glad.", "Anna", "I am glad."),
        ("JOHN: He said: stop", "JOHN", "He said: stop"),
        ("- JOHN: I am\n- MARY: Me too", "JOHN, MARY", "I am Me too"),
        ("<v Anna>I am</v>\n<v Ben>Me too</v>", "Anna, Ben", "I am Me too"),
    ],
)
def test_a_name_that_is_sure_needs_no_second(
    tmp_path: Path, cue: str, speaker: str, words: str
) -> None:
    assert said(tmp_path, cue) == [(speaker, words)]


@pytest.mark.parametrize(
    "cue",
    [
        "He said: stop",
        "Note: this",
        "NOTE: this is it",
        "Anna: only once",
        "At 10: 30 we left",
        "It is 10:30 now",
        "see http://example.org",
        "ANNA:nothing between",
        "[laughs]: no",
        "[Music] and words",
        "JOHN: ALL IS IN CAPITALS",
        "What I want to say now is this: stop",
        "- I am glad.",
    ],
)
def test_other_colons_are_words(tmp_path: Path, cue: str) -> None:
    assert said(tmp_path, cue) == [(None, cue)]


def test_a_name_in_ordinary_spelling_must_come_again(tmp_path: Path) -> None:
    talk = ["Anna: hello", "Dr. Lee: hi", "Anna: how are you?", "Dr. Lee: fine", "and you?"]
    assert said(tmp_path, *talk) == [
        ("Anna", "hello"),
        ("Dr. Lee", "hi"),
        ("Anna", "how are you?"),
        ("Dr. Lee", "fine"),
        (None, "and you?"),
    ]
    questions = ["Q: why?", "A: because", "Q: really?", "A: yes"]
    assert said(tmp_path, *questions) == [
        ("Q", "why?"),
        ("A", "because"),
        ("Q", "really?"),
        ("A", "yes"),
    ]


@pytest.mark.parametrize(
    "cues",
    [
        ["Note: one", "Note: two", "three"],
        ["He said: one", "He said: two"],
        ["Look: one", "Look: two", "[Note]: three"],
        ["Rome: one", "Rome: two", *["words"] * 5],  # a name would stand before more of them
    ],
)
def test_not_all_that_comes_again_is_a_name(tmp_path: Path, cues: list[str]) -> None:
    assert said(tmp_path, *cues) == [(None, cue) for cue in cues]


def test_in_capitals_throughout_a_name_must_come_again(tmp_path: Path) -> None:
    shouted = ["JOHN: STOP", "MARY: NO", "JOHN: GO"]
    assert said(tmp_path, *shouted) == [("JOHN", "STOP"), (None, "MARY: NO"), ("JOHN", "GO")]


def test_a_name_alone_is_no_cue(tmp_path: Path) -> None:
    assert said(tmp_path, "JOHN:", "I am glad") == [(None, "I am glad")]


def test_plain_text_has_speakers_too(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("JOHN: I am glad\nthat you came.\nMARY: Me too.")
    (cue,) = read_transcript(path).cues
    assert (cue.speaker, cue.text) == ("JOHN, MARY", "I am glad that you came. Me too.")
