"""Rolling captions: each word once, at the time when it first appears."""

from pathlib import Path

import pytest

from mien.media.transcript import read_transcript

Shown = list[tuple[float, float, str]]

ROLLING: Shown = [
    (0, 2, " \nhello<00:00:00.500><c> there</c>"),
    (2, 2.01, "hello there\n "),
    (2.01, 4, "hello there\nmy<00:00:02.500><c> friend</c>"),
    (4, 4.01, "my friend\n "),
    (4.01, 6, "my friend\nhow<00:00:04.500><c> are</c><00:00:05.000><c> you</c>"),
    (6, 6.01, "how are you\n "),
]
SAID: Shown = [(0, 2, "hello there"), (2.01, 4, "my friend"), (4.01, 6, "how are you")]

THREE_LINES: Shown = [
    (0, 2, "hello there"),
    (2, 2.01, "hello there"),
    (2.01, 4, "hello there\nmy friend"),
    (4, 4.01, "hello there\nmy friend"),
    (4.01, 6, "hello there\nmy friend\nhow are you"),
    (6, 6.01, "my friend\nhow are you"),
    (6.01, 8, "my friend\nhow are you\nI am glad"),
]

GROWING: Shown = [
    (0, 1, "hello"),
    (1, 2, "hello there"),
    (2, 3, "hello there my"),
    (3, 4, "hello there my\nfriend"),
]


def written(folder: Path, suffix: str, shown: Shown) -> Path:
    def clock(time: float) -> str:
        return f"00:{int(time // 60):02}:{time % 60:06.3f}"

    cues = [f"{clock(a)} --> {clock(b)}\n{text}\n" for a, b, text in shown]
    head = "WEBVTT\nKind: captions\nLanguage: en\n\n" if suffix == ".vtt" else ""
    path = folder / f"captions{suffix}"
    path.write_text(head + "\n".join(cues))
    return path


def said(folder: Path, shown: Shown, suffix: str = ".vtt") -> Shown:
    cues = read_transcript(written(folder, suffix, shown)).cues
    return [(cue.start or 0, cue.end or 0, cue.text) for cue in cues]


def bare(shown: Shown) -> Shown:
    """The same without the marks of single words."""
    for tag in ("<c>", "</c>", *(f"<00:00:0{i}.{h}00>" for i in range(6) for h in (0, 5))):
        shown = [(a, b, text.replace(tag, "")) for a, b, text in shown]
    return shown


@pytest.mark.parametrize("suffix", [".vtt", ".srt"])
@pytest.mark.parametrize("shown", [ROLLING, bare(ROLLING)], ids=["marked", "bare"])
def test_rolling_captions_with_a_flash_between_two(
    tmp_path: Path, suffix: str, shown: Shown
) -> None:
    assert said(tmp_path, shown, suffix) == SAID


def test_rolling_captions_without_the_flash(tmp_path: Path) -> None:
    assert said(tmp_path, ROLLING[::2]) == SAID
    assert said(tmp_path, bare(ROLLING[0:3:2])) == SAID[:2]


def test_words_that_only_a_flash_shows_keep_their_time(tmp_path: Path) -> None:
    """A program that strips the ends of lines makes the first line of a cue an empty one."""
    stripped = [(a, b, text.replace(" \n", "\n")) for a, b, text in ROLLING]
    assert said(tmp_path, stripped) == [(0, 2.01, "hello there"), *SAID[1:]]


def test_captions_of_three_lines(tmp_path: Path) -> None:
    wanted = [*SAID, (6.01, 8, "I am glad")]
    assert said(tmp_path, THREE_LINES) == wanted
    assert said(tmp_path, THREE_LINES[::2]) == wanted


def test_captions_that_grow_by_words(tmp_path: Path) -> None:
    wanted = [(0, 1, "hello"), (1, 2, "there"), (2, 3, "my"), (3, 4, "friend")]
    assert said(tmp_path, GROWING) == wanted


def test_a_line_that_is_said_twice_is_kept_twice(tmp_path: Path) -> None:
    """In rolling captions too, where it comes again after a pause."""
    twice = [*ROLLING, (20, 22, "how are you")]
    assert said(tmp_path, twice) == [*SAID, (20, 22, "how are you")]
    in_one = [(0, 1, "no way"), (1, 2, "no way\nno way"), (2, 3, "no way\nreally now")]
    assert [text for *_, text in said(tmp_path, in_one)] == ["no way", "no way", "really now"]


@pytest.mark.parametrize(
    "shown",
    [
        [(0, 1, "No."), (1, 2, "No."), (2, 3, "No.")],
        [(0, 1, "No."), (1, 2, "No.\nI said no.")],
        [(0, 1, "Thank you."), (1, 2, "Thank you. Thank you so much.")],
        [(0, 1, "a b"), (1, 2, "c d"), (2, 3, "c d\ne f"), (3, 4, "g"), (4, 5, "h")],
    ],
)
def test_ordinary_subtitles_keep_all_words(tmp_path: Path, shown: Shown) -> None:
    kept = [(a, b, text.replace("\n", " ")) for a, b, text in shown]
    assert said(tmp_path, shown) == kept
