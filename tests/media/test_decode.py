import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import damage, number_of, rotate_clockwise, truncate, write_video

from mien.errors import MienError
from mien.media.decode import decode, has_audio, has_video, read_audio, read_frames
from mien.media.notes import Damage
from mien.utterance import Utterance


def numbers(path: Path, spans, **options) -> dict[int, list[int]]:
    """The numbers of the frames that each span received."""
    seen: dict[int, list[int]] = {span: [] for span in range(len(spans))}
    for span, _, picture in read_frames(path, spans, **options):
        seen[span].append(number_of(picture))
    return seen


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "ffv1"),
        ("a.avi", "mpeg4"),
        ("a.ts", "libx264"),
        ("a.webm", "libvpx-vp9"),
    ],
)
def test_one_frame_each_half_second_the_last_included(tmp_path, name, codec):
    path = write_video(tmp_path / name, 46, codec=codec)
    # 46 frames last until 1.5333 s: the frame due at 1.5 s is the last but one.
    assert numbers(path, [(0, None)]) == {0: [0, 15, 30, 45]}


def test_spans_overlap_come_in_any_order_and_may_begin_before_the_file(tmp_path):
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1")
    spans = [(1.0, None), (-3.0, 0.6), (0.25, 1.3), (0.25, 0.3), (5.0, 9.0), (1.0, 1.0), (-2, -1)]
    assert numbers(path, spans) == {
        0: [30, 45],
        1: [0, 15],
        2: [7, 22, 37],
        3: [7],
        4: [],
        5: [],
        6: [],
    }


def test_times_are_those_asked_for_and_in_order(tmp_path):
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1")
    times = [(span, time) for span, time, _ in read_frames(path, [(0.2, 1.5), (0.1, 0.7)])]
    assert times == [(1, 0.1), (0, 0.2), (1, 0.6), (0, 0.7), (0, 1.2)]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> dict[Fraction, Path]:
    folder = tmp_path_factory.mktemp("numbered")
    rates = (Fraction(25), Fraction(30_000, 1001), Fraction(12))
    return {
        fps: write_video(folder / f"{i}.mkv", 60, fps=fps, codec="ffv1", size=(16, 16))
        for i, fps in enumerate(rates)
    }


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_each_span_receives_the_frames_on_the_screen(numbered, data):
    fps, path = data.draw(st.sampled_from(sorted(numbered.items())))
    last = 60 / float(fps)
    seconds = st.integers(-500, 5500).map(lambda n: n / 1000)
    span = st.tuples(seconds, st.none() | seconds)
    spans = data.draw(st.lists(span, min_size=1, max_size=4))
    interval = data.draw(st.sampled_from([0.04, 0.1, 0.5, 1.7]))
    seen: dict[int, list[tuple[float, int]]] = {i: [] for i in range(len(spans))}
    for i, time, picture in read_frames(path, spans, interval=interval):
        seen[i].append((time, number_of(picture)))
    for (start, end), got in zip(spans, seen.values(), strict=True):
        start = max(start, 0.0)
        stop = last if end is None else min(end, last)
        # The container rounds times to a millisecond, so the bounds may fall either way.
        for time, number in got:
            assert math.floor(time * fps) <= number <= math.floor((time + 0.003) * fps)
        assert [t for t, _ in got] == [start + k * interval for k in range(len(got))]
        fewest = math.ceil((stop - 0.003 - start) / interval)
        most = math.ceil((stop + 0.003 - start) / interval)
        assert max(fewest, 0) <= len(got) <= max(most, 0)


def test_the_sides_are_cut_at_half_the_width(tmp_path):
    path = write_video(tmp_path / "a.mkv", 10, codec="ffv1")
    left, right, whole = (
        picture for _, _, picture in read_frames(path, [(0, 0.1)] * 3, side=["left", "right", None])
    )
    assert left.shape == right.shape == (48, 32, 3)
    assert left.max() < 5
    assert right.min() > 250
    assert whole.shape == (48, 64, 3)


def test_a_turned_phone_video_is_upright(tmp_path):
    scene = np.zeros((48, 64, 3), np.uint8)
    scene[:10] = (250, 20, 20)
    path = write_video(tmp_path / "a.mp4", 5, picture=scene, pix_fmt="yuv444p")
    rotate_clockwise(path, height=48)
    _, _, picture = next(read_frames(path, [(0, None)]))
    assert picture.shape == (64, 48, 3)
    np.testing.assert_allclose(picture.astype(int), np.rot90(scene, -1), atol=8)


@pytest.mark.parametrize("pix_fmt", ["gray", "yuv422p", "yuv420p10le", "yuv444p16le"])
def test_every_pixel_format_becomes_rgb(tmp_path, pix_fmt):
    path = write_video(tmp_path / "a.mkv", 31, codec="ffv1", pix_fmt=pix_fmt)
    _, _, picture = next(read_frames(path, [(1.0, None)]))
    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    assert abs(int(picture[5, 5, 0]) - 120) <= 2
    assert np.ptp(picture[5, 5].astype(int)) <= 2


def test_a_truncated_video_gives_what_comes_before_and_says_so(tmp_path):
    whole = write_video(tmp_path / "a.mkv", 63, codec="ffv1")
    with pytest.warns(Damage, match="cut-a.mkv: damaged at") as caught:
        seen = numbers(truncate(whole, 0.5), [(0, None), (0.1, 0.3)])
    assert seen == {0: [0, 15], 1: [3]}
    assert 0.7 < caught[0].message.at < 1.3


@pytest.mark.parametrize("name", ["a.avi", "a.mp4"])
def test_a_gap_in_a_video_costs_only_the_gap(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / name, 60, codec="mpeg4", picture=noise)
    met: list[Damage] = []
    pictures = list(read_frames(damage(path), [(0, None)], report=met.append))
    assert len(met) == 1
    assert len(pictures) >= 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a media file"),
        (b"these are words, no video " * 100, "cannot be read as a media file"),
        (np.random.default_rng(0).bytes(20_000), "cannot be read as a media file"),
        (None, "no such file"),
    ],
)
def test_what_is_no_media_file_is_named(tmp_path, content, message):
    path = tmp_path / "odd: 100%d.mp4"
    if content is not None:
        path.write_bytes(content)
    for read in (lambda p: list(read_frames(p, [(0, None)])), read_audio, has_video):
        with pytest.raises(MienError, match=message) as error:
            read(path)
        assert str(path) in str(error.value)


def test_a_colon_or_percent_in_a_name_is_only_a_name(tmp_path):
    path = write_video(tmp_path / "odd: 100%d.mkv", 3, codec="ffv1")
    assert numbers(path, [(0, None)]) == {0: [0]}


def test_a_header_without_frames_holds_no_video(tmp_path):
    path = truncate(write_video(tmp_path / "a.avi", 60, codec="mpeg4"), 0.01)
    with pytest.raises(MienError, match=r"cut-a.avi"):
        list(read_frames(path, [(0, None)], report=lambda _: None))


def test_a_frame_interval_of_nothing_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mkv", 3, codec="ffv1")
    with pytest.raises(MienError, match="frame interval"):
        list(read_frames(path, [(0, None)], interval=0))


def test_what_a_file_holds(tmp_path):
    tone = np.zeros(8000)
    both = write_video(tmp_path / "both.mkv", 30, codec="ffv1", sound=tone)
    mute = write_video(tmp_path / "mute.mkv", 30, codec="ffv1")
    soundfile.write(tmp_path / "sound.wav", tone, 16_000)
    sound = tmp_path / "sound.wav"
    assert (has_video(both), has_audio(both)) == (True, True)
    assert (has_video(mute), has_audio(mute)) == (True, False)
    assert (has_video(sound), has_audio(sound)) == (False, True)
    with pytest.raises(MienError, match=r"mute.mkv: holds no audio"):
        read_audio(mute)
    with pytest.raises(MienError, match=r"sound.wav: holds no video"):
        next(read_frames(sound, [(0, None)]))


def test_the_cover_of_a_song_is_no_video(tmp_path):
    path = tmp_path / "song.mp3"
    cover = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
    with av.open(str(path), "w") as file:
        track = file.add_stream("mp3", rate=16_000)
        track.layout = "mono"
        picture = file.add_stream("png", rate=1)
        picture.width = picture.height = 16
        picture.pix_fmt = "rgb24"
        picture.disposition = av.stream.Disposition.attached_pic
        file.mux(picture.encode(cover))
        file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16_000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16_000
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    assert (has_video(path), has_audio(path)) == (False, True)


# Clips


def test_a_clip_of_an_utterance(shared_data):
    path = shared_data / "grid" / "swiz3n.mpg"
    clip = decode(Utterance(id="a", corpus="c", video=path, audio=path, start=1.0, end=2.2))
    assert clip.frames.shape == (3, 288, 360, 3)
    assert clip.times.tolist() == pytest.approx([1.0, 1.5, 2.0])
    assert clip.waveform.shape == (19_200,)
    assert clip.waveform.dtype == np.float32
    assert 0.05 < np.abs(clip.waveform).max() <= 1
    assert clip.rate == 16_000


def test_what_does_not_exist_is_none(tmp_path):
    clip = decode(Utterance(id="a", corpus="c", text="words"))
    assert (clip.frames, clip.times, clip.waveform, clip.rate) == (None,) * 4
    assert clip.text == "words"
    with pytest.raises(MienError, match="no such file"):
        decode(Utterance(id="a", corpus="c", video=tmp_path / "gone.mp4"))


# Memory

# The peak of the process itself: that of `resource` counts the one that started it, too.
MEASURE = """
import sys
from pathlib import Path
from mien.media.decode import read_audio, read_frames
spans = [(0, None), (5, None)]
count = sum(1 for _ in read_frames(Path(sys.argv[1]), spans, interval=1, max_seconds=1e6))
print(count, *(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path):
    measured = {}
    for seconds in (60, 3600):
        path = write_video(tmp_path / f"{seconds}.avi", seconds, fps=1, codec="mpeg4")
        run = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        count, kilobytes = map(int, run.stdout.split())
        assert count == 2 * seconds - 5
        measured[seconds] = kilobytes
    assert measured[3600] < measured[60] + 10_000
