"""Video and audio are placed by their timestamps, as far as those are plausible."""

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from media_files import levels, seconds_of, sing, stamp_flv, tones, write_tracks, write_video

from mien.errors import MienError
from mien.media.decode import read_audio, read_frames
from mien.media.limits import MAX_STILL_SECONDS
from mien.media.notes import Damage, Note


def seen(path: Path, **options) -> tuple[dict[float, int], list[str]]:
    notes: list[Note] = []
    return levels(path, report=notes.append, **options), [note.kind for note in notes]


def heard(path: Path, **options) -> tuple[list[int], list[str]]:
    notes: list[Note] = []
    wave = read_audio(path, report=notes.append, **options)
    return tones(wave), [note.kind for note in notes]


def in_flv(path: Path, **options) -> tuple[dict[float, int], list[str]]:
    """See the pictures in the midst of each half second: AAC begins a little before them."""
    return seen(path, spans=[(0.25, None)], **options)


def near(found: dict[float, int], expected: dict[float, int]) -> bool:
    assert list(found) == list(expected)
    return bool(np.allclose(list(found.values()), list(expected.values()), atol=3))


def each_half(seconds: int, begin: float = 0.0) -> dict[float, int]:
    return {begin + i / 2: 20 + 20 * (i // 2) for i in range(2 * seconds)}


@pytest.fixture(scope="module")
def flv(tmp_path_factory) -> Path:
    """Six seconds of pictures and of tones."""
    path = tmp_path_factory.mktemp("flv") / "a.flv"
    sounds = {0: sing(0, 6)}
    return write_tracks(path, seconds_of(6), sounds, video="libx264", audio="aac")


def test_stamps_as_they_are(flv):
    assert near(in_flv(flv)[0], each_half(6, 0.25))
    assert heard(flv)[0][:6] == [300, 400, 500, 600, 700, 800]
    assert in_flv(flv)[1] == heard(flv)[1] == []


@pytest.mark.parametrize("by", [2.0, 30.0, 7 * 3600.0, -1.2])
@pytest.mark.parametrize("count", [1, 2])
def test_a_few_stray_stamps_are_not_believed(flv, by, count):
    def change(kind, number, seconds):
        return seconds + by if 25 <= number < 25 + count else seconds

    path = stamp_flv(flv, change)
    pictures, notes = in_flv(path)
    assert near(pictures, each_half(6, 0.25))
    assert notes == ["stray timestamps"]
    found, notes = heard(path)
    assert found[:6] == [300, 400, 500, 600, 700, 800]
    assert notes == ["stray timestamps"]


@pytest.mark.parametrize("first", [1, 2])
def test_a_first_frame_far_ahead_does_not_move_the_rest(flv, first):
    path = stamp_flv(flv, lambda kind, n, s: s + 40 * (kind == "video" and 0 < n <= first))
    pictures, notes = in_flv(path)
    assert near(pictures, each_half(6, 0.25))
    assert notes == ["stray timestamps"]


def test_a_counter_that_overflows_is_no_gap(tmp_path):
    """The clock of MPEG-TS has 33 bits, at 90 kHz: it begins anew after a day."""
    begin = 2**33 / 90_000 - 3.0
    greys = seconds_of(6, begin=begin)
    sounds = {begin: sing(0, 6)}
    path = write_tracks(tmp_path / "a.ts", greys, sounds, video="libx264", audio="aac")
    pictures, _ = in_flv(path)
    assert near(pictures, each_half(6, 0.25))
    assert heard(path)[0][:6] == [300, 400, 500, 600, 700, 800]


def test_a_clock_that_jumps_by_a_day_is_cut(flv):
    path = stamp_flv(flv, lambda kind, number, seconds: seconds + 86_400 * (seconds >= 3))
    pictures, notes = in_flv(path)
    assert near(pictures, each_half(3, 0.25))
    assert notes == ["timestamps jump"]
    met: list[Note] = []
    wave = read_audio(path, report=met.append)
    assert tones(wave) == [300, 400, 500]
    assert len(wave) / 16_000 == pytest.approx(3, abs=0.1)
    assert isinstance(met[0], Damage)
    assert met[0].at == pytest.approx(3, abs=0.1)
    assert "jump by 24 hours" in str(met[0])


def test_only_the_stream_whose_clock_jumps_is_cut(flv):
    def change(kind, number, seconds):
        return seconds + 86_400 * (seconds >= 3 and kind == "video")

    path = stamp_flv(flv, change)
    assert near(in_flv(path)[0], each_half(3, 0.25))
    assert heard(path) == ([300, 400, 500, 600, 700, 800], [])


@pytest.mark.parametrize("jump", [0.0, -7.3, -3600.0])
def test_stamps_that_go_back_are_an_appended_recording(flv, jump):
    """The clock of the second half begins anew, not later than that of the first."""

    def change(kind, number, seconds):
        return seconds + 3600 + (jump - 3) * (seconds >= 3)

    path = stamp_flv(flv, change)
    pictures, notes = in_flv(path)
    assert near(pictures, each_half(6, 0.25))
    assert notes == ["recordings joined"]
    found, notes = heard(path)
    assert found[:6] == [300, 400, 500, 600, 700, 800]
    assert notes == ["recordings joined"]


@pytest.mark.parametrize("lengths", [(3, 2), (2, 1, 3)])
@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
def test_recordings_joined_byte_by_byte_stay_in_step(tmp_path, lengths, suffix):
    data, first = b"", 0
    codecs = {".ts": ("libx264", "aac"), ".mpg": ("mpeg1video", "mp2")}[suffix]
    fps = 10 if suffix == ".ts" else 25
    for length in lengths:
        part = tmp_path / f"{first}{suffix}"
        greys = seconds_of(length, first, fps)
        sounds = {0: sing(first, length)}
        write_tracks(part, greys, sounds, video=codecs[0], audio=codecs[1], fps=fps)
        data += part.read_bytes()
        first += length
    joined = tmp_path / f"joined{suffix}"
    joined.write_bytes(data)
    notes: list[Note] = []
    frames = list(read_frames(joined, [(0, None)], interval=0.1, report=notes.append))
    assert [note.kind for note in notes].count("recordings joined") == len(lengths) - 1
    assert not any(isinstance(note, Damage) for note in notes)
    wave = read_audio(joined, report=notes.append)
    # At the first picture of each second begins the tone of that second, up to what codecs delay.
    for second in range(sum(lengths)):
        begin = next(t for _, t, p in frames if abs(float(p.mean()) - 20 - 20 * second) < 5)
        part = wave[round((begin + 0.15) * 16_000) :][:8000]
        assert tones(part)[0] == 300 + 100 * second
    assert len(frames) / 10 == pytest.approx(sum(lengths), abs=0.35)
    grey = [float(picture.mean()) for *_, picture in frames]
    assert all(before < after + 3 for before, after in pairwise(grey))
    assert all(8 <= sum(abs(g - 20 - 20 * k) < 5 for g in grey) <= 13 for k in range(sum(lengths)))


@pytest.mark.parametrize("hours", [0.03, 2.0])
def test_a_gap_in_the_audio_keeps_its_length(tmp_path, hours):
    begin = round(3600 * hours)
    path = write_tracks(tmp_path / "a.mkv", {}, {0: sing(0, 2), begin: sing(5, 2)})
    wave = read_audio(path, max_seconds=1e6)
    assert len(wave) == (begin + 2) * 16_000
    assert tones(wave[: 3 * 16_000]) == [300, 400, 0]
    assert tones(wave[begin * 16_000 :]) == [800, 900]
    assert tones(read_audio(path, start=begin - 1, end=begin + 1)) == [0, 800]


def test_audio_that_begins_late_keeps_its_place_at_any_rate(tmp_path):
    greys = dict.fromkeys((i / 10 for i in range(30)), 100)
    path = write_tracks(tmp_path / "a.mkv", greys, {90: sing(0, 2)}, audio="libopus")
    found, notes = heard(path)
    assert found == [0] * 90 + [300, 400]
    assert notes == []
    assert seen(path)[1] == []


def test_a_video_that_begins_late_has_no_frame_before(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", seconds_of(3, begin=2.0), {0: sing(0, 5)})
    pictures, notes = seen(path)
    assert near(pictures, {2 + time: grey for time, grey in each_half(3).items()})
    assert notes == []


def test_the_silence_of_gaps_is_bounded(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", {}, {0: sing(0, 1), 1.9e4: sing(1, 1)})
    tracemalloc.start()
    found, notes = heard(path, end=1e9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found, notes) == ([300], ["timestamps jump"])
    assert peak < 20e6


def test_audio_that_begins_after_a_day_is_named(tmp_path):
    greys = dict.fromkeys((i / 10 for i in range(30)), 100)
    path = write_tracks(tmp_path / "a.mkv", greys, {90_000: sing(0, 1)})
    with pytest.raises(MienError, match=r"a\.mkv: no audio .* hours after"):
        read_audio(path, report=lambda _: None)


# How long a picture stands


def test_slow_frames_stand_until_the_next(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", {0: 20, 8: 60, 16: 100})
    pictures, notes = seen(path, interval=2.0)
    assert near(pictures, {0: 20, 2: 20, 4: 20, 6: 20, 8: 60, 10: 60, 12: 60, 14: 60, 16: 100})
    assert notes == []


def test_a_frame_without_audio_stands_no_longer_than_it_may(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", {0: 20, 45: 60})
    pictures, notes = seen(path)
    assert near(pictures, {**{i / 2: 20 for i in range(int(2 * MAX_STILL_SECONDS))}, 45: 60})
    assert notes == ["still frame"]


def test_a_frame_stands_as_long_as_the_audio(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", {0: 20, 45: 60}, {0: sing(0, 12), 30: sing(0, 16)})
    pictures, notes = seen(path)
    assert near(pictures, {**{i / 2: 20 for i in range(90)}, 45: 60})
    assert notes == []


def test_the_same_frame_and_side_is_the_same_image(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", {0: 20, 5: 60})
    spans = [(0, 7), (1, 3), (2, 6)]
    frames = list(read_frames(path, spans, side=[None, "left", None]))
    assert len({id(picture) for *_, picture in frames}) == 3
    first = {id(picture) for span, time, picture in frames if span != 1 and time < 5}
    assert len(first) == 1


def test_a_frame_that_does_not_change_is_the_same(tmp_path):
    greys = {i / 10: 20 if i < 20 else 21 + i for i in range(40)}
    path = write_tracks(tmp_path / "a.mkv", greys)
    frames = [picture for *_, picture in read_frames(path, [(0, None), (0.25, 1)])]
    assert len(frames) == 10
    assert len({id(picture) for picture in frames}) == 5


def test_more_frames_than_a_file_of_its_size_can_hold(tmp_path, monkeypatch):
    path = write_tracks(tmp_path / "a.mkv", seconds_of(4))
    monkeypatch.setattr("mien.media.frames.MAX_VIDEO_PIXELS", 20 * 64 * 48)
    monkeypatch.setattr("mien.media.frames.MAX_PIXELS_PER_BYTE", 0)
    pictures, notes = seen(path)
    assert near(pictures, each_half(2))
    assert notes == ["more video than fits"]


def test_a_frame_that_cannot_be_converted_is_left_out_and_reported(tmp_path, monkeypatch):
    path = write_tracks(tmp_path / "a.mkv", seconds_of(2))
    convert = "mien.media.frames.to_rgb"

    def odd(frame, aspect):
        if frame.time == 0.5:
            raise ValueError("no such format")
        return np.full((2, 2, 3), 7, np.uint8)

    monkeypatch.setattr(convert, odd)
    notes: list[Note] = []
    assert list(levels(path, report=notes.append)) == [0, 1, 1.5]
    (damage,) = notes
    assert isinstance(damage, Damage)
    assert damage.at == 0.5
    assert "no such format" in str(damage)


# The longest utterance


def test_an_utterance_without_an_end_is_limited_and_it_is_reported(flv):
    pictures, notes = in_flv(flv, max_seconds=2.5)
    assert near(pictures, {t: grey for t, grey in each_half(6, 0.25).items() if t < 2.75})
    assert notes == ["longer than the limit"]
    found, notes = heard(flv, max_seconds=2.5, start=1.0)
    assert found == [400, 500, 600]
    assert notes == ["longer than the limit"]
    assert seen(flv, max_seconds=6.2)[1] == []


def test_the_limit_holds_for_the_frames_of_any_span(flv):
    pictures, notes = seen(flv, spans=[(1, 1e12)], max_seconds=2.0)
    assert list(pictures) == [1, 1.5, 2, 2.5]
    assert notes == ["longer than the limit"]


def test_audio_that_fits_the_limit_exactly_is_not_noted(tmp_path):
    path = write_tracks(tmp_path / "a.mka", {}, {0: sing(0, 2)}, container="matroska")
    assert heard(path, max_seconds=2.0) == ([300, 400], [])
    assert heard(path, max_seconds=1.9)[1] == ["longer than the limit"]
    assert heard(path, max_seconds=np.inf) == ([300, 400], [])


def test_more_audio_than_a_file_of_its_size_can_hold(tmp_path, monkeypatch):
    """Digital silence takes next to nothing in FLAC; half as much is refused here."""
    silence = np.zeros(16_000 * 200, np.float32)
    path = write_tracks(tmp_path / "a.mka", {}, {0: silence}, audio="flac", container="matroska")
    monkeypatch.setattr("mien.media.audio.MAX_SECONDS", 10)
    monkeypatch.setattr("mien.media.audio.MIN_BYTES_PER_SECOND", path.stat().st_size / 100)
    notes: list[Note] = []
    wave = read_audio(path, end=1e9, report=notes.append)
    assert len(wave) / 16_000 == pytest.approx(100, abs=1)
    assert [note.kind for note in notes] == ["more audio than fits"]


# Streams without a container


@pytest.mark.parametrize(
    ("name", "codec", "fps"),
    [("a.h264", "libx264", 10), ("a.hevc", "libx265", 12), ("a.m2v", "mpeg2video", 25)],
)
def test_a_raw_stream_has_the_rate_of_its_header(tmp_path, name, codec, fps):
    path = write_tracks(tmp_path / name, seconds_of(4, fps=fps), video=codec, fps=fps)
    pictures, notes = seen(path)
    assert near(pictures, each_half(4))
    assert notes == []


def test_the_rate_of_raw_mpeg4_is_that_of_its_header(tmp_path):
    path = write_tracks(tmp_path / "a.m4v", seconds_of(4), video="mpeg4", container="m4v")
    assert near(seen(path)[0], each_half(4))


def test_a_guessed_rate_is_noted(tmp_path):
    path = write_video(tmp_path / "a.mjpeg", 50, codec="mjpeg", pix_fmt="yuvj420p")
    pictures, notes = seen(path)
    assert list(pictures) == [0, 0.5, 1.0, 1.5]
    assert notes == ["frame rate assumed"]
