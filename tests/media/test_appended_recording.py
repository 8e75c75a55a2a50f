"""A second recording in the same file is not read, and is reported."""

from pathlib import Path

import pytest
import soundfile
from media_files import sing, tones, write_video

from mien.media.decode import read_audio, read_frames
from mien.media.notes import Damage, Note

APPENDED = "appended recording"


def heard(path: Path) -> tuple[list[int], list[Note]]:
    notes: list[Note] = []
    return tones(read_audio(path, report=notes.append)), notes


def kinds(notes: list[Note]) -> list[str]:
    return [note.kind for note in notes]


@pytest.fixture
def wavs(tmp_path: Path) -> tuple[bytes, bytes]:
    for name, first in (("a", 0), ("b", 2)):
        soundfile.write(tmp_path / f"{name}.wav", sing(first, 2), 16_000)
    return (tmp_path / "a.wav").read_bytes(), (tmp_path / "b.wav").read_bytes()


def test_of_two_wavs_the_first_is_heard_and_the_second_reported(tmp_path, wavs):
    path = tmp_path / "both.wav"
    path.write_bytes(wavs[0] + wavs[1])
    found, (note,) = heard(path)
    assert found == [300, 400]
    assert (note.kind, note.at, isinstance(note, Damage)) == (APPENDED, None, False)
    assert str(note) == (
        f"{path}: another recording follows at byte {len(wavs[0])} and is not read: split the file"
        " there, or convert both into one"
    )


def test_a_byte_that_makes_the_length_even_is_passed_over(tmp_path, wavs):
    first = bytearray(wavs[0]) + b"note\x01\0\0\0x"
    first[4:8] = (len(first) - 8).to_bytes(4, "little")
    path = tmp_path / "both.wav"
    path.write_bytes(first + b"\0" + wavs[1])
    assert [str(len(first) + 1) in str(note) for note in heard(path)[1]] == [True]


@pytest.mark.parametrize("size", [0, 8, 0x7FFFFFFF, 0xFFFFFFFF, None])
@pytest.mark.parametrize("behind", [b"", bytes(4096), b"RIFF", b"LIST\x04\0\0\0INFO"])
def test_a_wav_with_an_odd_length_or_end_is_no_cause_for_alarm(tmp_path, wavs, size, behind):
    content = bytearray(wavs[0])
    if size is not None:
        content[4:8] = size.to_bytes(4, "little")
    path = tmp_path / "a.wav"
    path.write_bytes(content + behind)
    found, notes = heard(path)
    assert found == [300, 400]
    assert kinds(notes) == []


@pytest.fixture
def films(tmp_path: Path):
    def write(**options: str) -> tuple[bytes, bytes]:
        paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
        for number, path in enumerate(paths):
            write_video(path, 60, sound=sing(2 * number, 2), options=options)
        return paths[0].read_bytes(), paths[1].read_bytes()

    return write


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
def test_of_two_films_the_first_is_seen_and_heard_and_the_second_reported(tmp_path, films, options):
    first, second = films(**options)
    path, notes = tmp_path / "both.mp4", []
    path.write_bytes(first + second + first)
    pictures = list(read_frames(path, [(0, None)], report=notes.append))
    assert [time for _, time, _ in pictures] == [0, 0.5, 1, 1.5]
    found, more = heard(path)
    assert found == [300, 400]
    assert kinds(notes) == kinds(more) == [APPENDED]
    assert f"another recording follows at byte {len(first)} and" in str(notes[0])
    path.write_bytes(first + second[: len(second) // 2])
    assert kinds(heard(path)[1]) == [APPENDED], "what has been cut as well"


def test_fragments_are_one_film(tmp_path, films):
    path, notes = tmp_path / "a.mp4", []
    films(movflags="frag_keyframe+empty_moov", frag_duration="200000")
    assert path.read_bytes().count(b"moof") > 2
    assert len(list(read_frames(path, [(0, None)], report=notes.append))) >= 4
    assert notes == []


@pytest.mark.parametrize(
    "behind",
    [
        bytes(4096),
        b"\0\0\x10\0free" + bytes(4088),
        b"\0\0\0\x01free" + b"\xff" * 8,
        b"\0\0\0",
        b"x",
    ],
)
def test_padding_behind_a_film_is_no_film(tmp_path, films, behind):
    path = tmp_path / "padded.mp4"
    path.write_bytes(films()[0] + behind)
    found, notes = heard(path)
    assert (found, kinds(notes)) == ([300, 400], [])
