"""The odd and hostile files beside the project give the answers that their README calls right."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from media_files import levels, tones

from mien.errors import MienError
from mien.media.decode import has_audio, has_video, read_audio, read_frames
from mien.media.faces import FaceCropper
from mien.media.notes import Damage, Note

GREYS = [20, 20, 40, 40, 60, 60]


def seen(path: Path) -> tuple[dict[float, int], list[Note]]:
    notes: list[Note] = []
    return levels(path, report=notes.append), notes


def heard(path: Path, **options) -> tuple[list[int], list[Note]]:
    notes: list[Note] = []
    return tones(read_audio(path, report=notes.append, **options)), notes


def kinds(notes: list[Note]) -> list[str]:
    return [note.kind for note in notes]


@pytest.mark.parametrize("name", ["mirrored_hflip.mp4", "mirrored_turned.mp4", "exif2.jpg"])
def test_the_face_and_the_patch_are_where_the_camera_saw_them(odd, name):
    notes: list[Note] = []
    _, _, picture = next(read_frames(odd / name, [(0, None)], report=notes.append))
    assert picture.shape == (360, 640, 3)
    face = FaceCropper().crop(picture)
    assert face.box is not None
    np.testing.assert_allclose(face.box, (86, 60, 194, 204), atol=12)
    rows, columns = np.nonzero((picture[..., 0] > 150) & (picture[..., 1:].max(axis=2) < 90))
    assert rows.mean() > 180
    assert columns.mean() > 320
    assert notes == []


def test_channels_that_cancel_give_a_voice(odd):
    found, notes = heard(odd / "antiphase.wav")
    assert found == [300, 400, 500]
    assert kinds(notes) == ["channels cancel"]


def test_the_default_audio_is_heard_not_the_commentary(odd):
    found, notes = heard(odd / "second_audio_is_default.mkv")
    assert found == [300, 400, 500]
    assert kinds(notes) == ["several audio streams"]


def test_audio_that_begins_at_70_s(odd):
    found, notes = heard(odd / "audio_starts_at_70s.mkv")
    assert found == [0] * 70 + [300, 400, 500]
    pictures, more = seen(odd / "audio_starts_at_70s.mkv")
    assert near(pictures.values(), GREYS)
    assert notes + more == []


def test_audio_with_a_gap_of_70_s(odd):
    found, notes = heard(odd / "audio_gap_70s.webm")
    assert found == [300, 400] + [0] * 70 + [500]
    assert notes == []


@pytest.mark.parametrize("name", ["piped.wav", "voice.wav"])
def test_the_length_of_a_pipe_is_no_damage(odd, name):
    found, notes = heard(odd / name)
    assert found == [300, 400, 500]
    assert notes == []


def test_one_frame_for_ten_seconds(odd):
    pictures, notes = seen(odd / "one_picture_for_10s.mp4")
    assert list(pictures) == [i / 2 for i in range(20)]
    assert notes == []


def test_audio_that_is_longer_than_the_video(odd):
    pictures, notes = seen(odd / "sound_longer_than_picture.webm")
    assert list(pictures) == [0, 0.5, 1.0]
    found, more = heard(odd / "sound_longer_than_picture.webm")
    assert found == [300, 400, 500]
    assert notes + more == []


def test_an_estimated_length_is_no_claim(odd):
    notes: list[Note] = []
    wave = read_audio(odd / "silence_first.aac", report=notes.append)
    assert len(wave) / 16_000 == pytest.approx(33.09, abs=0.02)
    assert notes == []


def test_a_thumbnail_is_not_the_video(odd):
    pictures, notes = seen(odd / "thumbnail_before_video.mkv")
    assert near(pictures.values(), GREYS)
    assert kinds(notes) == ["several video streams"]


def test_two_recordings_in_one_file(odd):
    path = odd / "two_joined.ts"
    pictures, notes = seen(path)
    assert list(pictures) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert near(pictures.values(), [20, 20, 20, 40, 40, 80, 80, 100, 100, 120, 120], 2)
    found, more = heard(path)
    assert found == [300, 400, 600, 700, 800]
    assert kinds(notes) == kinds(more) == ["recordings joined"]
    assert notes[0].at == pytest.approx(2.11, abs=0.05)


def test_a_raw_stream_has_the_rate_of_its_header(odd):
    pictures, notes = seen(odd / "raw_10fps.h264")
    assert near(pictures.values(), [20 + 20 * (i // 2) for i in range(12)])
    assert notes == []


def test_a_frame_that_claims_to_be_30_s_ahead(odd):
    pictures, notes = seen(odd / "one_frame_30s_ahead.mkv")
    assert near(pictures.values(), [20 + 20 * (i // 2) for i in range(12)])
    assert kinds(notes) == ["stray timestamps"]
    assert not isinstance(notes[0], Damage)


def test_a_pause_of_a_day(odd):
    pictures, notes = seen(odd / "pause_of_a_day.mkv")
    assert near(pictures.values(), GREYS)
    assert kinds(notes) == ["timestamps jump"]
    assert notes[0].at == 3.0


def test_floats_with_the_values_of_integers(odd):
    path = odd / "float_with_int16_values.wav"
    notes: list[Note] = []
    wave = read_audio(path, report=notes.append)
    raw = np.frombuffer(path.read_bytes()[-4 * 32_000 :], np.float32)
    np.testing.assert_array_equal(wave, np.clip(np.rint(raw), -32_768, 32_767))
    assert kinds(notes) == ["samples beyond full scale"]


def test_what_gives_nothing_to_go_by_is_read_all_the_same(odd):
    assert not read_audio(odd / "silence.wav").any()
    assert [p.shape for *_, p in read_frames(odd / "no_face_5x3.mkv", [(0, None)])] == [(3, 5, 3)]


def test_one_byte_of_a_header_does_not_make_a_video_endless(odd):
    hostile = odd / "hostile"
    pictures, notes = seen(hostile / "endless.avi")
    assert len(pictures) == 20
    assert "timestamps jump" in kinds(notes)
    found, _ = heard(hostile / "endless.avi")
    assert found == [440, 440]
    pictures, notes = seen(hostile / "endless.flv")
    assert list(pictures) == [0, 0.5, 1, 1.5, 2]
    assert kinds(notes) == ["stray timestamps"]
    pictures, notes = seen(hostile / "timestamp-bomb.mkv")
    assert list(pictures) == [0]
    assert kinds(notes) == ["timestamps jump"]


def test_a_playlist_opens_no_other_file(odd):
    path = odd / "hostile" / "concat.wav"
    for read in (has_audio, has_video, read_audio):
        with pytest.raises(MienError, match=r"concat\.wav: cannot be read .*text, a playlist"):
            read(path)
    assert tones(read_audio(path.with_name("s3.wav"))) == [1300]


# The peak of the process itself: that of `resource` counts the one that started it, too.
COST = """
import sys
from pathlib import Path
from mien.errors import MienError
from mien.media.decode import read_frames
try:
    list(read_frames(Path(sys.argv[1]), [(0, None)]))
except MienError as error:
    print(error, file=sys.stderr)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_an_image_bomb_is_refused_by_its_header(odd):
    path = odd / "hostile" / "picture-bomb.png"
    run = subprocess.run(
        [sys.executable, "-c", COST, str(path)], capture_output=True, text=True, check=True
    )
    assert "picture-bomb.png" in run.stderr
    assert "more than 67108864 pixels" in run.stderr
    assert int(run.stdout.split()[1]) < 300_000


@pytest.mark.parametrize("part", [".", "hostile"])
def test_none_of_them_takes_long(odd, part):
    for path in sorted((odd / part).glob("*.*")):
        begun = time.monotonic()
        for read in (see_all, hear_all):
            with suppress(MienError):
                read(path)
        assert time.monotonic() - begun < 10, path.name


def see_all(path: Path) -> None:
    for _ in read_frames(path, [(0, None), (0, 1e9)], report=lambda _: None):
        pass


def hear_all(path: Path) -> None:
    read_audio(path, end=1e9, report=lambda _: None)


def near(found, expected, by: float = 2) -> bool:
    return len(found) == len(expected) and bool(
        np.allclose(list(found), expected, atol=by),
    )
