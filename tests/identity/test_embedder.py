"""Encoders refuse clips that show nobody, and warn of what they left out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from samples import tiny_run
from voices import voice

from mien.errors import MienError
from mien.identity.embedder import Encoder, RunEncoder, cosine
from mien.identity.resemblyzer import Voiceprint

RATE = 16_000


@pytest.fixture(scope="module")
def voiceprint(voice_weights: None) -> Voiceprint:
    return Voiceprint("cpu")


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Callable[[str], Encoder]:
    """An untrained run of some modalities, as an encoder."""

    def make(modalities: str) -> Encoder:
        folder = tmp_path_factory.mktemp("run") / modalities
        return RunEncoder(tiny_run(folder, tiny_text, modalities=modalities).folder, "cpu")

    return make


def quiet(kind: str) -> np.ndarray:
    """Two seconds in which nobody speaks."""
    noise = np.random.default_rng(0).standard_normal(2 * RATE)
    click = np.zeros(2 * RATE)
    click[RATE] = 0.9
    return {
        "digital silence": np.zeros(2 * RATE),
        "a constant": np.full(2 * RATE, 0.4),
        "one click": click,
        "noise at -80 dB": 1e-4 * noise,
        "noise at -60 dB": 1e-3 * noise,
        "a hum at -75 dB": 10 ** (-72 / 20) * np.sin(2 * np.pi * 50 * np.arange(2 * RATE) / RATE),
    }[kind]


QUIET = ["digital silence", "a constant", "one click", "noise at -80 dB", "noise at -60 dB"]


@pytest.mark.parametrize("kind", [*QUIET, "a hum at -75 dB"])
def test_nobody_speaks_in_a_quiet_file(voiceprint: Voiceprint, tmp_path: Path, kind: str) -> None:
    soundfile.write(tmp_path / "quiet.wav", quiet(kind), RATE)
    with pytest.raises(MienError, match=r"quiet\.wav: is silent \(its level stays at -\d+ dB"):
        voiceprint.embed(tmp_path / "quiet.wav")


@pytest.mark.parametrize("kind", QUIET)
def test_a_run_knows_nobody_by_a_quiet_file(
    run_of: Callable[[str], Encoder], tmp_path: Path, kind: str
) -> None:
    soundfile.write(tmp_path / "quiet.wav", quiet(kind), RATE)
    with pytest.raises(MienError, match=r"quiet\.wav: the model .*silent"):
        run_of("av").embed(tmp_path / "quiet.wav")


def test_a_silent_file_shows_nobody(voiceprint: Voiceprint, shared_data: Path) -> None:
    with pytest.raises(MienError, match=r"silence\.wav: is silent"):
        voiceprint.embed(shared_data / "odd" / "silence.wav")


def test_a_picture_without_a_face_shows_nobody(
    run_of: Callable[[str], Encoder], voiceprint: Voiceprint, shared_data: Path
) -> None:
    clip = shared_data / "odd" / "no_face_5x3.mkv"
    with pytest.raises(MienError, match=r"no_face_5x3\.mkv: .*no face was found in"):
        run_of("v").embed(clip)
    with pytest.raises(MienError, match=r"no_face_5x3\.mkv"):
        voiceprint.embed(clip)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4])
def test_too_little_speech_is_told(voiceprint: Voiceprint, tmp_path: Path, seconds: float) -> None:
    soundfile.write(tmp_path / "short.wav", voice(seconds, 0.2), RATE)
    with pytest.raises(MienError, match=rf"short\.wav: {seconds:.2f} s of speech are too little"):
        voiceprint.embed(tmp_path / "short.wav")


@pytest.mark.parametrize("room", [0, 1e-3])
def test_pauses_are_no_speech(voiceprint: Voiceprint, tmp_path: Path, room: float) -> None:
    """A minute of a room, in which a little is said: the room is no part of the voice."""
    sound = room * np.random.default_rng(0).standard_normal(60 * RATE)
    sound[RATE : RATE + 3200] += voice(0.2, 0.2)
    soundfile.write(tmp_path / "pauses.wav", sound, RATE)
    with pytest.raises(MienError, match=r"pauses\.wav: 0\.\d\d s of speech are too little"):
        voiceprint.embed(tmp_path / "pauses.wav")
    sound[RATE : 4 * RATE] = voice(3.0, 0.2)
    soundfile.write(tmp_path / "pauses.wav", sound, RATE)
    found = voiceprint.embed(tmp_path / "pauses.wav", [].append)
    assert found @ voiceprint(voice(3.0, 0.2)) > 0.9


def test_what_makes_a_voiceprint_doubtful_is_warned_of(
    voiceprint: Voiceprint, tmp_path: Path
) -> None:
    notes: list[str] = []
    soundfile.write(tmp_path / "a.wav", voice(4.0, 0.2), RATE)
    voiceprint.embed(tmp_path / "a.wav", notes.append)
    assert notes == []
    soundfile.write(tmp_path / "a.wav", voice(1.0, 0.2), RATE)
    voiceprint.embed(tmp_path / "a.wav", notes.append)
    (note,) = notes
    assert note.startswith("1.0 s of speech are few: with less than 3 s")
    hum = 0.3 * np.sin(2 * np.pi * 100 * np.arange(4 * RATE) / RATE)
    soundfile.write(tmp_path / "a.wav", hum, RATE)
    with pytest.warns(UserWarning, match="the level never changes, as in noise or a hum"):
        voiceprint.embed(tmp_path / "a.wav")


def test_what_a_clip_lacks_is_warned_of(
    run_of: Callable[[str], Encoder], shared_data: Path, tmp_path: Path
) -> None:
    encoder, notes = run_of("av"), []
    encoder.embed(shared_data / "grid" / "brbk7n.mpg", notes.append)
    assert notes == []
    soundfile.write(tmp_path / "a.wav", voice(2.0, 0.2), RATE)
    encoder.embed(tmp_path / "a.wav", notes.append)
    assert notes == ["embedded without video, which the model uses"]


@pytest.mark.parametrize("bad", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_an_embedding_of_nothing_is_like_nobody(bad: list[float]) -> None:
    with pytest.raises(MienError, match="zero or has a number that is not finite"):
        cosine(np.array(bad), np.array([1.0, 0.0]))
    assert cosine(np.full(3, 0.1, np.float32), np.full(3, 0.7, np.float32)) <= 1
