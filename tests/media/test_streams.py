"""Which files are opened, and which of their streams are used."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from media_files import number_of, sing, tones, write_video

from mien.errors import MienError
from mien.media import limits
from mien.media.decode import has_audio, has_video, read_audio, read_frames
from mien.media.notes import Note

_Flag = av.stream.Disposition


def write_sounds(path: Path, *flags: int) -> Path:
    """Write a file with several sounds: stream k begins with the tone of second k."""
    with av.open(str(path), "w") as file:
        tracks = []
        for flag in flags:
            track = file.add_stream("flac", rate=16_000)
            track.layout = "mono"
            track.disposition = flag
            tracks.append(track)
        for number, track in enumerate(tracks):
            wave = np.rint(sing(number, 1) * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            file.mux(track.encode(frame))
            file.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("flags", "used"),
    [
        ((0, 0), 0),
        ((0, _Flag.default), 1),
        ((_Flag.comment, _Flag.default), 1),
        ((_Flag.default, _Flag.default), 0),
        ((_Flag.default | _Flag.comment, _Flag.default), 1),
        ((_Flag.comment, 0), 1),
        ((_Flag.comment, _Flag.visual_impaired, 0, 0), 2),
        ((_Flag.comment, _Flag.comment), 0),
        ((_Flag.default | _Flag.comment, 0), 0),
    ],
)
def test_the_stream_that_counts(tmp_path, flags, used):
    path = write_sounds(tmp_path / "a.mkv", *(int(flag) for flag in flags))
    notes: list[Note] = []
    assert tones(read_audio(path, report=notes.append)) == [300 + 100 * used]
    (note,) = notes
    assert note.kind == "several audio streams"
    assert note.at is None
    assert f"has {len(flags)} audio streams; number {used} is used" in str(note)


def test_one_stream_is_not_noted(tmp_path):
    path = write_sounds(tmp_path / "a.mkv", int(_Flag.comment))
    assert tones(read_audio(path)) == [300]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.wav", "ffconcat version 1.0\nfile b.wav\n"),
        ("a.mp4", "ffconcat version 1.0\nfile 'b.wav'\n"),
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nb.wav\n#EXT-X-ENDLIST\n"),
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nb.wav\n#EXT-X-ENDLIST\n"),
        ("a.nfo", "a film about nothing\n" * 40),
        ("a.ans", "\x1b[31mred\x1b[0m\n" * 40),
        ("a.txt", "words\n" * 400),
        ("a.diz", "words\n" * 400),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n"),
        ("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nwords\n"),
        ("a.sbg", "-SE\nNOW ts: pink/40 100+1.5/10\n"),
        ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
        ("a.xpm", '/* XPM */\nstatic char *a[] = {"1 1 1 1", "x c #ff0000", "x"};'),
        ("a.idx", "# VobSub index file, v7\nid: en, index: 0\n"),
        ("a.sln", "words\n" * 4000),
        ("a.ul", "words\n" * 4000),
    ],
)
def test_texts_and_playlists_are_no_media(tmp_path, name, text):
    soundfile.write(tmp_path / "b.wav", sing(0, 1), 16_000)
    path = tmp_path / name
    path.write_text(text)
    for read in (has_audio, has_video, read_audio, lambda p: list(read_frames(p, [(0, None)]))):
        with pytest.raises(MienError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: cannot be read as a media file")


def test_a_percent_sign_in_the_name_of_an_image_is_only_a_name(tmp_path):
    import cv2

    for name, grey in (("a%d.png", 40), ("a1.png", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((16, 16, 3), grey, np.uint8))
    ((_, _, picture),) = read_frames(tmp_path / "a%d.png", [(0, None)])
    assert picture.mean() == 40


def test_a_folder_or_a_device_is_no_file(tmp_path):
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(MienError, match="is not a file"):
            read_audio(path)


@pytest.mark.parametrize("rate", [400, 800_000])
def test_a_sample_rate_beyond_reason_is_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(4000), rate)
    with pytest.raises(MienError, match=f"a.wav: its audio has {rate} samples a second"):
        read_audio(tmp_path / "a.wav")


def test_too_many_channels_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((400, 65)), 16_000)
    with pytest.raises(MienError, match=r"a\.wav: its audio has 65 channels, not 1 to 64"):
        read_audio(tmp_path / "a.wav")


def test_frames_beyond_the_limit_are_refused_and_those_within_it_are_not(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mkv", 2, codec="ffv1", size=(64, 48))
    monkeypatch.setattr("mien.media.streams.MAX_PIXELS", 64 * 48)
    assert [number_of(p) for *_, p in read_frames(path, [(0, None)])] == [0]
    monkeypatch.setattr("mien.media.streams.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(MienError, match=r"a\.mkv: its frames of 64 x 48 have more than 3071"):
        next(read_frames(path, [(0, None)]))


def test_the_limits_are_what_the_documentation_says():
    assert limits.MAX_SECONDS == 600
    assert limits.MAX_STILL_SECONDS == 10
    assert limits.MAX_GAP_SECONDS == 4 * 3600
    assert limits.MAX_PIXELS == 8192 * 8192
    assert limits.SAMPLE_RATE_RANGE == (1000, 768_000)
    assert limits.MAX_CHANNELS == 64
    assert limits.MIN_BYTES_PER_SECOND == 200
    assert (limits.MAX_VIDEO_PIXELS, limits.MAX_PIXELS_PER_BYTE) == (5e9, 1e4)
