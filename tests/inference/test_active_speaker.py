"""The face whose mouth goes with the voice is the one that speaks, or nobody."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.inference.active_speaker import (
    DELAYS,
    MIN_FRAMES,
    ActiveSpeaker,
    Agreement,
    Mouth,
    choose,
    expected_opening,
    likeliest_delay,
)
from mien.inference.mouth_observer import MEASURES, FaceSeries, MouthObserver
from mien.inference.voice_bands import BANDS, band_levels
from mien.media.decode import read_audio, read_frames
from mien.media.faces import FaceCropper
from mien.models.pretrained.face_landmarks import FaceLandmarks

RATE = 16_000
ODDS = st.dictionaries(st.integers(1, 9), st.floats(-40, 40), max_size=4)


def syllables(seconds: float, seed: int) -> np.ndarray:
    """Make how a mouth opens (T,), 0 to 1 at 100 values a second: irregular, as in speech."""
    random = np.random.default_rng(seed)
    curve = random.normal(0, 1, round(seconds * 100) + 40)
    smooth = np.convolve(curve, np.hanning(21) / 10, "valid")[: round(seconds * 100)]
    return np.clip(0.5 + smooth / smooth.std() / 4, 0, 1)


def voice(opening: np.ndarray, seed: int = 0) -> np.ndarray:
    """Make noise (S,) int16 that is as loud as a mouth is open."""
    loud = np.interp(np.arange(len(opening) * 160) / 160, np.arange(len(opening)), opening)
    noise = np.random.default_rng(seed).normal(0, 1, len(loud))
    return np.round(6000 * loud**2 * noise).clip(-32768, 32767).astype(np.int16)


def face(opening: np.ndarray, rate: float = 25, late: float = 0.0, noise: float = 0) -> FaceSeries:
    """Make the series of a face whose mouth opens so, `late` seconds before it is heard."""
    series, random = FaceSeries(), np.random.default_rng(1)
    times = np.arange(0, len(opening) / 100, 1 / rate)
    seen = 0.1 * np.interp(times * 100, np.arange(len(opening)) - late * 100, opening)
    for time, value in zip(times, seen + random.normal(0, noise, len(times)), strict=True):
        series.append(time, {"mouth": value})
    return series


@pytest.mark.parametrize("rate", [12.5, 25, 30])
def test_the_mouth_that_moves_with_the_voice_speaks(rate: float) -> None:
    own, other = syllables(6, 1), syllables(6, 2)
    faces = {3: face(other, rate, noise=0.002), 7: face(own, rate, noise=0.002)}
    for wave, speaker in ((voice(own), 7), (voice(other), 3)):
        find = ActiveSpeaker(faces, wave, [(0, 3), (3, 6)])
        assert abs(find.delay) <= 0.04
        for turn in ((0, 3), (3, 6), (1, 5)):
            found = find(*turn)
            assert found.track == speaker
            assert found.confidence > 0.9


def test_nobody_speaks_who_rests_or_says_other_words() -> None:
    own, rest = syllables(6, 1), np.full(600, 0.2)
    resting = {1: face(rest, noise=0.001), 2: face(rest, noise=0.002)}
    dubbed = {1: face(syllables(6, 3))}
    for faces in (resting, dubbed):
        found = ActiveSpeaker(faces, voice(own), [(0, 6)])(0, 6)
        assert found.track is None
        assert found.confidence > 0.5


def test_it_cannot_be_told_without_a_face_in_the_turn() -> None:
    own = syllables(4, 1)
    unknown = FaceSeries()
    unknown.append(1.0, {})
    for faces in ({}, {1: unknown}, {1: face(own)}, {1: face(own, rate=2)}):
        turn = (6, 8) if faces and len(faces[1].times) > 10 else (0, 4)
        found = ActiveSpeaker(faces, voice(own), [turn])(*turn)
        assert (found.track, found.confidence) == (None, 0.0)
    shortest = Mouth(np.arange(MIN_FRAMES + 1) / 25, own[: MIN_FRAMES + 1])
    assert shortest.compare(expected_opening(voice(own)), 0, 4) is not None
    assert Mouth(shortest.times[1:], own[1 : MIN_FRAMES + 1]).compare(own, 0, 4) is None


def test_empty_recordings_have_no_speaker() -> None:
    assert ActiveSpeaker({}, np.zeros(0, np.int16), [])(0, 1).track is None
    find = ActiveSpeaker({1: face(syllables(2, 1))}, np.zeros(0, np.int16), [(0, 2)])
    assert find(0, 2).track is None
    assert find.delay == 0


@pytest.mark.parametrize("late", [-0.16, 0.0, 0.12])
def test_the_delay_of_the_audio_is_found_from_all_turns(late: float) -> None:
    own, other = syllables(12, 1), syllables(12, 2)
    faces = {1: face(own, late=late), 2: face(other, late=late)}
    turns = list(pairwise(np.arange(0, 13, 2.0).tolist()))
    find = ActiveSpeaker(faces, voice(own), turns)
    assert find.delay == pytest.approx(late, abs=0.021)
    assert [find(*turn).track for turn in turns[1:-1]] == [1] * 4


def test_frames_that_are_missing_are_no_movement() -> None:
    opening = syllables(4, 1)
    whole = face(opening)
    times, mouth = whole.times, whole["mouth"]
    kept = (times < 1.5) | (times > 2.2)
    expected = expected_opening(voice(opening))
    there = Mouth(times[kept], mouth[kept]).compare(expected, 0, 4)
    assert there is not None
    assert there.seconds == pytest.approx(4 - 0.04 - 0.72, abs=0.06)
    holes = np.where(kept, mouth, np.nan)
    assert Mouth(times, holes).compare(expected, 0, 4) == there


@given(odds=ODDS)
def test_the_confidences_of_all_answers_sum_to_one(odds: dict[int, float]) -> None:
    found = choose(odds)
    if not odds:
        assert (found.track, found.confidence) == (None, 0.0)
        return
    best = max(odds.values())
    assert (found.track is None) == (best <= 0)
    assert found.track is None or odds[found.track] == best
    weights = np.exp([0.0, *odds.values()])
    assert found.confidence == pytest.approx(weights.max() / weights.sum())
    assert found.confidence >= 1 / (len(odds) + 1) - 1e-9


def test_more_time_is_more_evidence_both_ways() -> None:
    def odds(seconds: float, correlation: float) -> float:
        return Agreement(-2.5, seconds, correlation).log_odds()

    assert odds(1, 0.7) < odds(3, 0.7) < odds(10, 0.7) == odds(600, 0.7)
    assert odds(1, 0.0) > odds(3, 0.0) > odds(10, 0.0) == odds(600, 0.0)


def test_without_evidence_the_audio_is_in_time() -> None:
    assert likeliest_delay([[{}]] * len(DELAYS)) == 0
    assert likeliest_delay([[{1: 9.0 * (delay == 0.2)}] for delay in DELAYS]) == pytest.approx(0.2)


def test_bands_are_those_of_their_frequencies_in_any_block() -> None:
    time = np.arange(70 * RATE) / RATE  # a block and a bit
    for number, (low, high) in enumerate(pairwise(BANDS)):
        tone = np.round(8000 * np.sin(2 * np.pi * (low + high) / 2 * time)).astype(np.int16)
        levels = band_levels(tone)
        assert levels.shape == (7_001, 4)
        assert (levels[10:-10].argmax(axis=1) == number).all()
        assert np.ptp(levels[10:-10, number]) < 0.1
    assert band_levels(np.zeros(0, np.int16)).shape == (1, 4)


@pytest.mark.parametrize("clips", [("brbk7n", "lbax4n"), ("swiz3n", "pwij3p")])
def test_of_two_persons_who_both_talk_the_one_who_is_heard(
    shared_data: Path, clips: tuple[str, str]
) -> None:
    """A video side by side; the weights were fitted on these persons, among others."""
    paths = [shared_data / "grid" / f"{clip}.mpg" for clip in clips]
    halves = [[(t, i) for _, t, i in read_frames(p, [(0, 2.4)], interval=0.04)] for p in paths]
    width, cropper = halves[0][0][1].shape[1], FaceCropper()
    boxes = [cropper.crop(half[0][1]).box for half in halves]
    assert None not in boxes
    left, top, right, bottom = boxes[1]
    shown = {1: boxes[0], 2: (left + width, top, right + width, bottom)}
    observer = MouthObserver(FaceLandmarks())
    for (time, one), (_, other) in zip(*halves, strict=True):
        observer(time, np.hstack([one, other]), shown)
    assert observer.faces[1].values.shape == (60, len(MEASURES))
    assert np.isfinite(observer.faces[2].values).all()
    for path, track in zip(paths, (1, 2), strict=True):
        found = ActiveSpeaker(observer.faces, read_audio(path), [(0.5, 2.2)])(0.5, 2.2)
        assert found.track == track
        assert found.confidence > 0.7
