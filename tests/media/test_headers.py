"""Damaged headers end in a `MienError` that names the file, or in notes: never in anything else."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from media_files import seconds_of, sing, write_tracks

from mien.errors import MienError
from mien.media.decode import has_audio, has_video, read_audio, read_frames
from mien.media.notes import Note

VIDEOS = {
    "a.avi": ("mpeg4", "mp3"),
    "a.flv": ("libx264", "aac"),
    "a.mkv": ("ffv1", "pcm_s16le"),
    "a.mp4": ("libx264", "aac"),
    "a.ts": ("libx264", "aac"),
    "a.webm": ("libvpx", "libopus"),
}
SOUNDS = ("a.wav", "a.ogg", "a.mp3", "a.flac")
PICTURES = ("a.png", "a.jpg", "a.bmp", "a.webp")
CASES = 40
"""Mutations of each file."""


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    for name, (video, audio) in VIDEOS.items():
        write_tracks(folder / name, seconds_of(1), {0: sing(0, 1)}, video=video, audio=audio)
    for name in SOUNDS:
        soundfile.write(folder / name, sing(0, 1), 16_000)
    for name in PICTURES:
        cv2.imwrite(str(folder / name), np.full((48, 64, 3), 90, np.uint8))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Change a few bytes, most of them near the beginning, or cut the end off."""
    broken = bytearray(data)
    for _ in range(draw.choice([1, 2, 8])):
        place = draw.randrange(min(len(broken), draw.choice([64, 512, 4096])))
        values = [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", draw.randbytes(1), draw.randbytes(2)]
        change = draw.choice(values)
        broken[place : place + len(change)] = change
    return bytes(broken[: draw.choice([len(broken)] * 4 + [len(broken) // 2])])


@pytest.mark.parametrize("name", [*VIDEOS, *SOUNDS, *PICTURES])
def test_a_damaged_header_is_reported(tmp_path, originals, name):
    draw = random.Random(name)
    path = tmp_path / name
    for case in range(CASES):
        path.write_bytes(mutated(originals[name], draw))
        begun = time.monotonic()
        for read in (see, hear, has_video, has_audio):
            notes: list[Note] = []
            with suppress(MienError):
                told(read, path, notes)
            assert all(isinstance(note, Note) and note.kind for note in notes), case
        assert time.monotonic() - begun < 10, case


def told(read: Callable, path: Path, notes: list[Note]) -> None:
    try:
        read(path, notes.append) if read in (see, hear) else read(path)
    except MienError as error:
        if not str(error).startswith(f"{path}: "):
            raise AssertionError(f"does not name the file: {error}") from error
        raise


def see(path: Path, report) -> None:
    for _ in read_frames(path, [(0, None), (0.3, 1e9)], report=report):
        pass


def hear(path: Path, report) -> None:
    read_audio(path, end=1e9, report=report)
