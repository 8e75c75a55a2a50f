"""Audio of a file in any format, sample rate and number of channels, at its time."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import truncate, write_video

from mien.errors import MienError
from mien.media.audio import _zeros, write_audio
from mien.media.decode import read_audio
from mien.media.notes import Damage


def tone(hertz: float, seconds: float, rate: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def pitch(wave: np.ndarray) -> float:
    """Frequency of the strongest component of sound at 16 kHz."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.argmax(spectrum)) * 16_000 / len(wave)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_and_each_channel(tmp_path, rate):
    path = tmp_path / "a.wav"
    stereo = np.stack([tone(440, 1.5, rate), tone(1000, 1.5, rate)], 1)
    soundfile.write(path, stereo, rate)
    left, right, mean = (read_audio(path, channel=c) for c in (0, 1, None))
    assert left.dtype == np.int16
    assert len(left) == pytest.approx(24_000, abs=1)
    assert pitch(left) == pytest.approx(440, abs=1)
    assert pitch(right) == pytest.approx(1000, abs=1)
    middle = slice(2000, 20_000)
    assert np.abs(left[middle]).max() == pytest.approx(16_384, rel=0.01)
    np.testing.assert_allclose(mean, (left.astype(int) + right) / 2, atol=2)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_32"),
        ("a.wav", "FLOAT"),
        ("a.wav", "DOUBLE"),
        ("a.wav", "ULAW"),
        ("a.flac", "PCM_24"),
        ("a.ogg", "VORBIS"),
        ("a.mp3", "MPEG_LAYER_III"),
    ],
)
def test_any_format(tmp_path, name, subtype):
    wave = tone(500, 1.0, 16_000)
    soundfile.write(tmp_path / name, wave, 16_000, subtype=subtype)
    heard = read_audio(tmp_path / name)
    assert len(heard) == pytest.approx(16_000, abs=0 if name[2:] in ("wav", "flac") else 1200)
    assert pitch(heard) == pytest.approx(500, abs=1)
    assert np.abs(heard[4000:12_000]).max() == pytest.approx(16_384, rel=0.1)


def test_sixteen_bit_audio_at_16_khz_is_unchanged(tmp_path, shared_data):
    for path in sorted((shared_data / "ravdess").glob("*.flac"))[:5]:
        truth, _ = soundfile.read(path, dtype="int16")
        np.testing.assert_array_equal(read_audio(path), truth)
    extremes = np.array([-32_768, 32_767, 0, 1, -1] * 100, np.int16)
    soundfile.write(tmp_path / "a.wav", np.stack([extremes[::-1], extremes], 1), 16_000)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", channel=1), extremes)


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.0])
def test_impossible_float_samples_stay_in_range_and_where_they_are(tmp_path, value):
    wave = np.zeros((24_000, 2), np.float32)
    wave[12_000] = value
    soundfile.write(tmp_path / "16.wav", wave, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "48.wav", wave, 48_000, subtype="FLOAT")
    assert read_audio(tmp_path / "16.wav")[12_000] == (0 if np.isnan(value) else 32_767)
    heard = read_audio(tmp_path / "48.wav")
    assert len(heard) == 8000
    assert not heard[:3500].any()
    assert not heard[4500:].any()


@settings(max_examples=25, deadline=None)
@given(start=st.none() | st.floats(-1, 3), end=st.none() | st.floats(-1, 3), rate=st.just(16_000))
def test_a_turn_is_the_same_cut_from_the_whole(tmp_path_factory, start, end, rate):
    path = tmp_path_factory.mktemp("turn") / "a.wav"
    noise = np.random.default_rng(0).integers(-9999, 9999, 2 * rate).astype(np.int16)
    soundfile.write(path, noise, rate)
    first = round(max(start or 0, 0) * rate)
    stop = None if end is None else max(round(end * rate), 0)
    np.testing.assert_array_equal(read_audio(path, start=start, end=end), noise[first:stop])


def test_silence_and_one_sample_are_audio(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    soundfile.write(tmp_path / "one.wav", np.full(1, 0.5), 16_000)
    assert not read_audio(tmp_path / "silent.wav").any()
    assert read_audio(tmp_path / "one.wav").tolist() == [16_384]


def test_a_missing_channel_is_named(tmp_path):
    soundfile.write(tmp_path / "mono.wav", np.zeros(100), 16_000)
    with pytest.raises(MienError, match=r"mono.wav: has no channel 1; it has 1"):
        read_audio(tmp_path / "mono.wav", channel=1)
    with pytest.raises(MienError, match="no channel -1"):
        read_audio(tmp_path / "mono.wav", channel=-1)


def test_an_empty_wav_holds_no_audio(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    with pytest.raises(MienError, match=r"empty.wav: no audio in it can be decoded"):
        read_audio(tmp_path / "empty.wav")


def test_truncated_audio_gives_what_comes_before_and_says_so(tmp_path):
    noise = np.random.default_rng(0).standard_normal(48_000) / 10
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, noise, 16_000)
        with pytest.warns(Damage, match=f"cut-{name}"):
            heard = read_audio(truncate(tmp_path / name, 0.5))
        np.testing.assert_array_equal(heard[:16_000], read_audio(tmp_path / name)[:16_000])
        assert 16_000 < len(heard) < 30_000


def test_audio_that_begins_late_in_a_video_keeps_its_time(tmp_path):
    wave = tone(440, 1.0, 16_000)
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1", sound=wave, sound_starts=0.75)
    heard = read_audio(path)
    assert len(heard) == pytest.approx(1.75 * 16_000, abs=20)
    assert not heard[: 12_000 - 20].any()
    assert pitch(heard[12_000:]) == pytest.approx(440, abs=1)
    assert pitch(read_audio(path, start=1.0, end=1.5)) == pytest.approx(440, abs=2)


def test_audio_of_a_real_video(shared_data):
    wave = read_audio(shared_data / "grid" / "swiz3n.mpg")
    assert len(wave) / 16_000 == pytest.approx(2.98, abs=0.02)
    assert np.abs(wave).max() > 3000


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_audio_is_written_to_a_file_as_it_is_read(tmp_path, rate):
    path, store = tmp_path / "a.wav", tmp_path / "samples"
    soundfile.write(path, np.stack([tone(440, 3.0, rate), tone(300, 3.0, rate)], 1), rate)
    heard = []
    for options in ({}, {"channel": 1}, {"start": 0.5, "end": 2.0}, {"max_seconds": 1.0}):
        with store.open("w+b") as file:
            count = write_audio(path, file, report=lambda _: None, progress=heard.append, **options)
        expected = read_audio(path, report=lambda _: None, **options)
        assert np.array_equal(np.fromfile(store, np.int16), expected)
        assert count == len(expected)
    assert sum(heard) == pytest.approx(3 + 3 + 1.5 + 1, abs=0.01)


def test_channels_that_cancel_are_written_once_and_in_the_other_way(tmp_path):
    path, store = tmp_path / "a.wav", tmp_path / "samples"
    soundfile.write(path, np.stack([tone(440, 2.0, 16_000), -tone(440, 2.0, 16_000)], 1), 16_000)
    notes = []
    with store.open("w+b") as file:
        assert write_audio(path, file, report=notes.append) == 32_000
    assert np.abs(np.fromfile(store, np.int16)).max() == pytest.approx(16_384, rel=0.01)
    assert len(notes) == 1


def test_hours_of_silence_are_chunks_of_a_minute():
    chunks = _zeros(2 * 3600 * 16_000 + 5)
    assert sum(map(len, chunks)) == 2 * 3600 * 16_000 + 5
    assert max(map(len, chunks)) == 60 * 16_000
