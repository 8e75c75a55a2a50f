"""Several channels at any scale are mixed to one at the usual scale, with a note where needed."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from mien.media.decode import read_audio
from mien.media.notes import Note

RATE = 16_000
VOICE = 0.5 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 440 / RATE)
NOISE = np.random.default_rng(0).standard_normal((2, 2 * RATE)) / 20


def heard(path: Path, **options) -> tuple[np.ndarray, list[str]]:
    notes: list[Note] = []
    wave = read_audio(path, report=notes.append, **options)
    return wave / 32_768, [note.kind for note in notes]


def write(path: Path, *channels: np.ndarray, subtype: str = "PCM_16", rate: int = RATE) -> Path:
    soundfile.write(path, np.stack(channels, 1), rate, subtype=subtype)
    return path


@pytest.mark.parametrize("rate", [RATE, 48_000])
@pytest.mark.parametrize("quieter", [0.99, 0.9])
def test_of_channels_that_cancel_the_loudest_is_taken(tmp_path, rate, quieter):
    path = write(tmp_path / "a.wav", -quieter * VOICE, VOICE, rate=rate)
    wave, notes = heard(path)
    assert notes == ["channels cancel"]
    np.testing.assert_array_equal(wave, heard(path, channel=1)[0])
    assert np.abs(wave).max() == pytest.approx(0.5, abs=0.01)


def test_noise_of_its_own_in_each_channel_does_not_hide_that_they_cancel(tmp_path):
    path = write(tmp_path / "a.wav", VOICE + NOISE[0], -VOICE + NOISE[1])
    assert heard(path)[1] == ["channels cancel"]


@pytest.mark.parametrize(
    "channels",
    [
        (VOICE, VOICE),
        (VOICE, 0 * VOICE),
        (NOISE[0], NOISE[1]),
        (VOICE, *[0 * VOICE] * 5),
        (VOICE, -0.4 * VOICE),
        (0 * VOICE, 0 * VOICE),
    ],
    ids=["equal", "one side", "unrelated", "one of six", "half cancelled", "silence"],
)
def test_other_channels_are_averaged_and_there_is_no_note(tmp_path, channels):
    wave, notes = heard(write(tmp_path / "a.wav", *channels))
    assert notes == []
    np.testing.assert_allclose(wave, np.mean(channels, axis=0), atol=1e-4)


def test_a_channel_that_is_asked_for_is_given_without_a_note(tmp_path):
    path = write(tmp_path / "a.wav", VOICE, -VOICE)
    wave, notes = heard(path, channel=1)
    assert notes == []
    np.testing.assert_allclose(wave, -VOICE, atol=1e-4)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("full", [2.0**15, 2.0**31, 2.0**7])
def test_floats_with_the_values_of_integers_are_scaled(tmp_path, subtype, full):
    path = write(tmp_path / "a.wav", VOICE * full, VOICE * full, subtype=subtype)
    wave, notes = heard(path)
    assert notes == ["samples beyond full scale"]
    np.testing.assert_allclose(wave, VOICE, atol=1e-4)


def test_a_quiet_recording_of_integers_keeps_its_level(tmp_path):
    wave, notes = heard(write(tmp_path / "a.wav", VOICE * 2000, subtype="FLOAT"))
    assert notes == ["samples beyond full scale"]
    np.testing.assert_allclose(wave, VOICE * 2000 / 32_768, atol=1e-4)


def test_scaled_and_cancelling(tmp_path):
    path = write(tmp_path / "a.wav", VOICE * 32_768, -VOICE * 32_768, subtype="FLOAT")
    wave, notes = heard(path)
    assert notes == ["samples beyond full scale", "channels cancel"]
    assert np.abs(wave).max() == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("value", [1e30, np.inf, -np.inf, np.nan])
def test_a_click_beyond_all_measure_does_not_scale_the_rest(tmp_path, value):
    spoiled = VOICE.copy()
    spoiled[10_000] = value
    wave, notes = heard(write(tmp_path / "a.wav", spoiled, subtype="DOUBLE"))
    assert notes == []
    np.testing.assert_allclose(wave[:10_000], VOICE[:10_000], atol=1e-4)
    np.testing.assert_allclose(wave[10_001:], VOICE[10_001:], atol=1e-4)


def test_a_hot_recording_is_cut_as_ever(tmp_path):
    wave, notes = heard(write(tmp_path / "a.wav", VOICE * 3, subtype="FLOAT"))
    assert notes == []
    np.testing.assert_allclose(wave, np.clip(VOICE * 3, -1, 1), atol=1e-4)


@pytest.mark.parametrize("layout", ["5.1", "7.1", "hexadecagonal"])
def test_many_channels_each_in_a_plane(tmp_path, layout):
    """PyAV counts the planes of eight and more wrongly, and reads what is not there."""
    count = av.AudioLayout(layout).nb_channels
    path = tmp_path / "a.mka"
    with av.open(str(path), "w", format="nut") as file:
        track = file.add_stream("pcm_s16le_planar" if count > 8 else "aac", rate=RATE)
        track.layout = layout
        kind = track.codec_context.format.name
        for first in range(0, len(VOICE), 1024):
            part = np.repeat(VOICE[None, first : first + 1024], count, 0)
            packed = np.rint(part.T * 32_767).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
            frame.sample_rate, frame.pts = RATE, first
            (frame,) = av.AudioResampler(format=kind).resample(frame)
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    wave, notes = heard(path)
    assert notes == []
    assert np.argmax(np.abs(np.fft.rfft(wave[:RATE]))) == 440
    last = heard(path, channel=count - 1)[0]
    assert np.argmax(np.abs(np.fft.rfft(last[:RATE]))) in (440, 0)
