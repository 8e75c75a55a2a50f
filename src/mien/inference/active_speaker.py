"""Which face speaks: the one whose mouth opens and closes as the voice does.

An open mouth lets the frequencies of the first and second formant out, a closed one does not. So
the levels of four bands of the voice foretell how far the mouth of its speaker is open. A face
speaks if the speed of its mouth goes with the speed that the voice foretells, and if it moves at
all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mien.inference.mouth_observer import FaceSeries
from mien.inference.voice_bands import BANDS_RATE, band_levels

BAND_WEIGHTS = (-0.057, 0.268, 0.292, 0.076)
"""How far the mouth opens with the levels of the bands, in standard deviations of its speed.

Fitted, as `EVIDENCE` is, on 10 speakers of GRID: benchmarks/active_speaker.py, which tests them on
other speakers than it fits them on."""

MIN_FRAMES = 8
"""Steps from frame to frame within a turn that a face must be seen for."""

MAX_STEP = 0.2
"""Seconds; between frames farther apart a mouth opens and closes unseen."""

MAX_SECONDS = 10.0
"""Seconds of a turn beyond which it is no further evidence."""

MARGIN = 0.1
"""Seconds before and after a turn that count, too: lips part before the voice is heard."""

DELAYS = np.arange(-10, 11) * 0.02
"""Seconds that the audio may be late, as are tried."""

USUAL_DELAY = 0.05
"""Standard deviation of the delay, seconds, that is assumed before the recording is seen."""

_SMOOTHING = 0.04  # seconds, standard deviation: the points of single frames are not exact
_REST = 0.01  # a speed of the mouth, in its units a second, that is none


class Evidence(NamedTuple):
    """The weights of the log odds that a face speaks rather than not."""

    constant: float
    motion: float
    second: float
    agreement: float


EVIDENCE = Evidence(constant=1.51, motion=1.18, second=-1.94, agreement=5.41)
"""Those in use."""


class Agreement(NamedTuple):
    """How well a mouth goes with the voice of a turn.

    Parameters
    ----------
    motion : float
        Logarithm of the speed of the mouth, root mean square.
    seconds : float
        For how long it is seen.
    correlation : float
        Of its speed and of that which the voice foretells, Fisher-transformed.
    """

    motion: float
    seconds: float
    correlation: float

    def log_odds(self, evidence: Evidence = EVIDENCE) -> float:
        """Return the log odds that the face speaks."""
        seconds = min(self.seconds, MAX_SECONDS)
        a, b, c, d = evidence
        return a + b * self.motion + seconds * (c + d * self.correlation)


@dataclass(frozen=True)
class SpeakingFace:
    """Which face speaks in a turn.

    Parameters
    ----------
    track : int or None
        The track of the face; None: none of those that are seen.
    confidence : float
        Probability that this is right, from 0 to 1; 0 where no face was seen for long enough to
        tell.
    """

    track: int | None
    confidence: float


class Mouth:
    """How the mouth of a face moves.

    Parameters
    ----------
    times : array (N,)
        Seconds, ascending.
    opening : array (N,)
        As `mien.models.face_geometry.mouth_opening` measures it; NaN where it is not known.

    Attributes
    ----------
    times : array (M,)
        The times at which it is known.
    speed : array (M - 1,)
        Opening a second between each of them and the next.
    """

    def __init__(self, times: np.ndarray, opening: np.ndarray) -> None:
        known = np.isfinite(opening)
        self.times = times[known]
        steps = np.diff(self.times)
        self._usable = (steps > 0) & (steps <= MAX_STEP)
        self._steps = np.where(self._usable, steps, 1.0)
        self.speed = np.diff(_smoothed(self.times, opening[known])) / self._steps

    def compare(
        self, expected: np.ndarray, start: float, end: float, delay: float = 0.0
    ) -> Agreement | None:
        """Compare the mouth with the voice in a turn; None if it is not seen for long enough.

        Parameters
        ----------
        expected : array (T,)
            The opening that the voice foretells, `BANDS_RATE` values a second.
        start, end : float
            The turn, seconds.
        delay : float
            How late the audio is, seconds.
        """
        first, last = np.searchsorted(self.times, [start - MARGIN, end + MARGIN])
        within = slice(first, max(last - 1, first))
        usable = self._usable[within]
        if usable.sum() < MIN_FRAMES:
            return None
        places = (self.times[first:last] + delay) * BANDS_RATE
        foretold = np.diff(np.interp(places, np.arange(len(expected)), expected))
        steps = self._steps[within][usable]
        seen, heard = self.speed[within][usable], foretold[usable] / steps
        lengths = np.sqrt((seen @ seen) * (heard @ heard))
        correlation = np.clip(seen @ heard / max(lengths, 1e-12), -0.95, 0.95)
        motion = np.log(np.sqrt(np.mean(seen**2)) + _REST)
        return Agreement(float(motion), float(steps.sum()), float(np.arctanh(correlation)))


class ActiveSpeaker:
    """Tells which of the faces of a recording speaks in a turn.

    Parameters
    ----------
    faces : mapping of int to FaceSeries
        What a `mien.inference.mouth_observer.MouthObserver` measured, by track; at 12.5 frames a
        second or more.
    waveform : array (S,) int16
        The audio at 16 kHz, which may be on the disk; it begins at 0 s of the times of the faces
        and turns.
    turns : iterable of (start, end)
        The turns of the recording, seconds, from which `delay` is found.

    Attributes
    ----------
    delay : float
        How late the audio is, in seconds. A tenth of a second spoils the comparison.
    """

    def __init__(
        self,
        faces: Mapping[int, FaceSeries],
        waveform: np.ndarray,
        turns: Iterable[tuple[float, float]],
    ) -> None:
        self._mouths = {track: Mouth(one.times, one["mouth"]) for track, one in faces.items()}
        self._expected = expected_opening(waveform) if faces else np.zeros(1)
        self._turns = list(turns)

    def __call__(self, start: float, end: float) -> SpeakingFace:
        """Tell which face speaks from `start` to `end`, seconds."""
        return choose(self.log_odds(start, end))

    @cached_property
    def delay(self) -> float:
        """The delay at which all turns together have the most evidence."""
        return likeliest_delay(
            [[self.log_odds(*turn, delay) for turn in self._turns] for delay in DELAYS.tolist()]
        )

    def log_odds(self, start: float, end: float, delay: float | None = None) -> dict[int, float]:
        """Return by track the log odds that its face speaks; without those not seen long enough.

        Parameters
        ----------
        start, end : float
            Seconds.
        delay : float, optional
            How late the audio is, seconds (default: as was found).
        """
        late = self.delay if delay is None else delay
        found = {
            track: mouth.compare(self._expected, start, end, late)
            for track, mouth in self._mouths.items()
        }
        return {track: one.log_odds() for track, one in found.items() if one is not None}


def likeliest_delay(log_odds: Sequence[Sequence[Mapping[int, float]]]) -> float:
    """Find the delay at which the turns of a recording have the most evidence together.

    Parameters
    ----------
    log_odds : sequence of sequence of mapping of int to float
        For each of `DELAYS`, for each turn what `choose` takes.

    Returns
    -------
    float
        Seconds. Where there is little evidence, near 0.
    """
    evidence = [
        sum(float(np.logaddexp.reduce([0.0, *odds.values()])) for odds in turns)
        for turns in log_odds
    ]
    return float(DELAYS[np.argmax(evidence - (DELAYS / USUAL_DELAY) ** 2 / 2)])


def choose(log_odds: Mapping[int, float]) -> SpeakingFace:
    """Choose the face that speaks, if one does, of at most one.

    Parameters
    ----------
    log_odds : mapping of int to float
        By track the log odds that the face speaks, against that nobody on the screen does.

    Examples
    --------
    >>> choose({1: -3.0, 2: 2.0}).track
    2
    >>> choose({1: -3.0, 2: -2.0}).track is None
    True
    """
    if not log_odds:
        return SpeakingFace(None, 0.0)
    total = np.logaddexp.reduce([0.0, *log_odds.values()])
    track = max(log_odds, key=lambda one: log_odds[one])
    if log_odds[track] <= 0:
        return SpeakingFace(None, float(np.exp(-total)))
    return SpeakingFace(track, float(np.exp(log_odds[track] - total)))


def expected_opening(waveform: np.ndarray, weights: tuple[float, ...] = BAND_WEIGHTS) -> np.ndarray:
    """Foretell from a voice how its speaker's mouth opens.

    Parameters
    ----------
    waveform : array (S,) int16
        At 16 kHz.
    weights : tuple of float
        One for each band.

    Returns
    -------
    array (T,)
        `BANDS_RATE` values a second; only their changes mean something.
    """
    return band_levels(waveform) @ np.array(weights)


def _smoothed(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Average each value with its neighbours, the less the farther they are in time."""
    near = np.exp(-0.5 * (np.diff(times) / _SMOOTHING) ** 2)
    total, weight = values.astype(float), np.ones(len(values))
    total[1:] += near * values[:-1]
    weight[1:] += near
    total[:-1] += near * values[1:]
    weight[:-1] += near
    smoothed: np.ndarray = total / weight
    return smoothed
