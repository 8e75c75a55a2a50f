"""The rules that tell which of two faces speaks, fitted without some persons: active_speaker.py."""

import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from mien.audio_effects import add_noise, from_int16, to_int16, white
from mien.inference.active_speaker import (
    DELAYS,
    Agreement,
    Evidence,
    Mouth,
    choose,
    likeliest_delay,
)
from mien.inference.voice_bands import BANDS_RATE, band_levels
from mien.media.decode import read_audio
from mien.models.pretrained.voice_activity import FRAME_SAMPLES, SPEECH, VoiceActivity
from mien.utterance import SAMPLE_RATE

MADE = runpy.run_path(str(Path(__file__).with_name("talking_faces.py")))
GRID, CLIPS, KINDS, VIEWS, tools = (
    MADE[name] for name in ("GRID", "CLIPS", "KINDS", "VIEWS", "tools")
)
TWICE = {"pwij3p": "id2_vcd_swwp2s"}
"""The clip of a person who is in another clip, too."""
PERSON = {clip: TWICE.get(clip, clip) for clip in CLIPS}
PAIRS = [(i, j) for i in CLIPS for j in CLIPS if PERSON[i] != PERSON[j]]
LENGTHS = (0.6, 1.0, 1.5, None)
"""Seconds of the turns that the rules are fitted and tested on; None: all of the speech."""
NOISES = (10.0, 0.0)
"""Signal-to-noise ratios of audio with white noise, dB."""
Out = frozenset[str]


class Experiment:
    """The clips: their mouths, voices and turns, and the rules fitted without some persons."""

    def __init__(self) -> None:
        self.mouths = MADE["mouths"]()
        self.levels, self.turns = {}, {}
        activity, random = VoiceActivity(), np.random.default_rng(0)
        for clip in CLIPS:
            wave = read_audio(GRID / f"{clip}.mpg")
            sound, hiss = from_int16(wave), white(len(wave), random)
            self.levels[clip, None] = band_levels(wave)
            for ratio in NOISES:
                self.levels[clip, ratio] = band_levels(to_int16(add_noise(sound, hiss, ratio)))
            spoken = np.flatnonzero(activity(torch.from_numpy(sound)) >= SPEECH)
            self.turns[clip] = spoken[[0, -1]] * FRAME_SAMPLES / SAMPLE_RATE + (0, 0.032)
        self.weights = cache(self._weights)
        self.evidence = cache(self._evidence)

    def _weights(self, out: Out) -> tuple[float, ...]:
        """Fit the weights of the bands by ridge regression, without some persons."""
        rows, targets = [], []
        for clip in CLIPS:
            if PERSON[clip] not in out:
                mouth, (start, end) = self.mouths[1.0, 25.0]["talk"][clip], self.turns[clip]
                within = (mouth.times[:-1] >= start - 0.2) & (mouth.times[:-1] <= end + 0.2)
                places = mouth.times * BANDS_RATE
                bands = self.levels[clip, None].T
                heard = [np.interp(places, np.arange(len(band)), band) for band in bands]
                rows.append(np.diff(heard).T[within])
                targets.append(mouth.speed[within] / mouth.speed[within].std())
        x, y = np.concatenate(rows), np.concatenate(targets)
        scale = x.std(axis=0)
        x /= scale
        found = np.linalg.solve(x.T @ x + 0.02 * len(x) * np.eye(x.shape[1]), x.T @ y) / scale
        return tuple(round(float(w), 3) for w in found)

    def windows(self, clip: str, length: float | None) -> Iterator[tuple[float, float]]:
        """Give the turns of some length in a clip, half overlapping."""
        start, end = self.turns[clip]
        if length is None:
            yield start, end
        elif end - start >= length:
            count = int((end - start - length) / (length / 2)) + 1
            yield from ((s, s + length) for s in np.linspace(start, end - length, count))

    def compare(
        self,
        mouth: Mouth,
        heard: str,
        turn: tuple[float, float],
        out: Out,
        late: float = 0.0,
        noise: float | None = None,
    ) -> Agreement:
        """Compare a mouth with the voice of a clip."""
        found = mouth.compare(self.levels[heard, noise] @ self.weights(out), *turn, late)
        assert found is not None
        return found

    def _evidence(self, out: Out, rule: str) -> Evidence:
        """Fit the log odds by logistic regression, without some persons."""
        used, rows, labels = [c for c in CLIPS if PERSON[c] not in out], [], []
        for view in VIEWS[:2]:
            for i in used:
                for turn in (turn for length in LENGTHS for turn in self.windows(i, length)):
                    others = [(k, j) for j in used if PERSON[j] != PERSON[i] for k in KINDS[::2]]
                    for kind, j in [("talk", i), *others]:
                        found = self.compare(self.mouths[view][kind][j], i, turn, out)
                        rows.append([1, found.motion, found.seconds, found.seconds * found[2]])
                        labels.append(i == j)
        x, y = np.array(rows), np.array(labels)
        x = x * {"motion": (1, 1, 0, 0), "agreement": (1, 0, 1, 1), "both": (1, 1, 1, 1)}[rule]
        share = np.where(y, 1 / y.sum(), 1 / (~y).sum()) / 2
        signs = np.where(y, -1, 1)

        def loss(b: np.ndarray) -> float:
            return float(share @ np.logaddexp(0, signs * (x @ b)) + 1e-3 * b @ b)

        return Evidence(*(round(float(w), 2) for w in minimize(loss, np.zeros(4)).x))

    def trials(
        self, view: Any, kind: str, length: Any, rule: str, noise: float | None
    ) -> dict[str, float]:
        """Choose between a speaker and another face, and with that face alone, on all pairs."""
        picked, right, unseen, sure = [], [], [], []
        for i, j in PAIRS:
            out = frozenset((PERSON[i], PERSON[j]))
            evidence = self.evidence(out, rule)
            for turn in self.windows(i, length):
                shown = {1: self.mouths[view]["talk"][i], 2: self.mouths[view][kind][j]}
                odds = {
                    n: self.compare(m, i, turn, out, noise=noise).log_odds(evidence)
                    for n, m in shown.items()
                }
                answer = choose(odds)
                picked.append(odds[1] > odds[2])
                right.append(answer.track == 1)
                sure.append(answer.confidence)
                unseen.append(choose({2: odds[2]}).track is None)
        named = {"picked": picked, "right": right, "unseen": unseen, "confidence": sure}
        return {"trials": len(right)} | {name: float(np.mean(v)) for name, v in named.items()}

    def late(self, shift: float, together: int) -> dict[str, float]:
        """Find the delay of audio that is late, from some turns together; then choose."""
        random, found, right = np.random.default_rng(0), [], []
        for n in range(len(PAIRS)):
            some = [PAIRS[n], *(PAIRS[k] for k in random.integers(0, len(PAIRS), together - 1))]
            odds = [
                [self.both_odds(i, j, delay - shift) for i, j in some] for delay in DELAYS.tolist()
            ]
            delay = likeliest_delay(odds)
            found.append(abs(delay - shift))
            right.append(choose(self.both_odds(*PAIRS[n], delay - shift)).track == 1)
        return {"error": float(np.median(found)), "right": float(np.mean(right))}

    @cache  # noqa: B019, there is one experiment
    def both_odds(self, i: str, j: str, late: float) -> dict[int, float]:
        """Return the log odds of two faces that both talk."""
        out = frozenset((PERSON[i], PERSON[j]))
        shown = {1: self.mouths[1.0, 25.0]["talk"][i], 2: self.mouths[1.0, 25.0]["talk"][j]}
        turn = next(self.windows(i, None))
        return {
            n: self.compare(m, i, turn, out, late).log_odds(self.evidence(out, "both"))
            for n, m in shown.items()
        }
