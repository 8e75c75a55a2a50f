"""The duration that an MP3 states: a truncated file is reported, one that states none is not."""

import struct
from pathlib import Path

import av
import pytest
import soundfile
from media_files import murmur, truncate

from mien.media.decode import read_audio
from mien.media.mp3_header import stated_seconds
from mien.media.notes import Damage, Note


def write_mp3(path: Path, seconds: float, rate: int = 16_000, channels: int = 1, **options: str):
    """A synthetic MP3 whose first frame is an Info header, unless `write_xing` is "0"."""
    wave = murmur(round(seconds * rate), channels, rate).astype("float32").T.copy()
    layout = {1: "mono", 2: "stereo"}[channels]
    with av.open(str(path), "w", options=options) as file:
        track = file.add_stream("libmp3lame", rate=rate)
        track.layout = layout
        for start in range(0, wave.shape[1], 1152):
            part = wave[:, start : start + 1152].copy()
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


def heard(path: Path) -> tuple[float, list[Note]]:
    notes: list[Note] = []
    return len(read_audio(path, report=notes.append)) / 16_000, notes


@pytest.mark.parametrize(
    ("rate", "channels"),
    [(44_100, 2), (48_000, 1), (22_050, 2), (16_000, 1), (8_000, 1)],
)
def test_what_is_cut_short_is_reported_and_what_is_whole_is_not(tmp_path, rate, channels):
    path = write_mp3(tmp_path / "a.mp3", 6, rate, channels)
    assert stated_seconds(path) == pytest.approx(6, abs=0.3)
    seconds, notes = heard(path)
    assert (seconds, notes) == (pytest.approx(6, abs=0.1), [])
    seconds, (note,) = heard(truncate(path, 0.5))
    assert isinstance(note, Damage)
    assert note.at == pytest.approx(3, abs=0.2)
    assert seconds == pytest.approx(3, abs=0.2)
    assert f"it ends there but should last {stated_seconds(path):.2f} s" in str(note)


def test_a_variable_bit_rate_and_a_picture_in_the_tag(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, murmur(6 * 16_000), 16_000)
    content = path.read_bytes()
    assert b"Xing" in content[:64]
    size = 300_000  # of a synthetic cover, in syncsafe bytes
    tag = b"ID3\x04\0\0" + bytes(size >> 7 * place & 0x7F for place in (3, 2, 1, 0)) + bytes(size)
    path.write_bytes(tag * 2 + content)
    assert stated_seconds(path) == pytest.approx(6, abs=0.1)
    assert heard(path)[1] == []
    path.write_bytes(tag * 2 + content[: len(content) // 2])
    assert [type(note) for note in heard(path)[1]] == [Damage]


def test_without_a_header_no_length_is_claimed(tmp_path):
    path = write_mp3(tmp_path / "a.mp3", 6, write_xing="0")
    assert stated_seconds(path) is None
    assert heard(path)[1] == []
    seconds, notes = heard(truncate(path, 0.5))
    assert (seconds, notes) == (pytest.approx(3, abs=0.2), [])


def test_two_in_one_file_are_longer_than_the_first_claims(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, murmur(3 * 16_000), 16_000)
    path.write_bytes(path.read_bytes() * 2)
    assert heard(path) == (pytest.approx(6, abs=0.2), [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ID3",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        b"ID3\x04\0\0\0\0\0\0" * 100,
        b"\xff" * 70_000,
        b"\xff\xf3\x58\xc0" + bytes(9) + b"Xing",
        b"\xff\xf3\x58\xc0" + bytes(9) + b"Xing" + struct.pack(">2I", 0, 9),
        b"\xff\xf3\x58\xc0" + bytes(9) + b"Xing" + struct.pack(">2I", 1, 0),
    ],
)
def test_a_header_that_says_nothing(tmp_path, content):
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    assert stated_seconds(path) is None


def test_the_frames_are_those_of_the_header(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\xff\xf3\x58\xc0" + bytes(9) + b"Info" + struct.pack(">2I", 1, 1000))
    assert stated_seconds(path) == 1000 * 576 / 16_000
