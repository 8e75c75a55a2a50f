"""Render a dialogue: when each turn is spoken, the two audio channels, and the video frames."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mien.corpora.synthetic.bust import X, Y
from mien.corpora.synthetic.face import Expression, draw
from mien.corpora.synthetic.paint import HEIGHT, WIDTH
from mien.corpora.synthetic.persons import PERSONS
from mien.corpora.synthetic.plan import Dialogue, Turn
from mien.corpora.synthetic.speech import Synthesizer
from mien.utterance import SAMPLE_RATE

FPS = 10
FRAME = (480, 2 * WIDTH)
"""Height and width of the split-screen video, pixels."""

_BAR = (FRAME[0] - HEIGHT) // 2  # letter-box: black above and below
_SILENCE = 0.8  # seconds before the first turn and after the last one
_CROSSTALK = 0.08  # gain of each actor's voice in the other's channel
_DELAY = SAMPLE_RATE // 300  # samples that it takes to get there
_NOISE = 3e-4
_REST, _BLINK = Expression(), Expression(eyes=-1.3)


@dataclass(frozen=True)
class Line:
    """A turn in time; `start` in seconds, `waveform` (S,) float32 at 16 kHz."""

    turn: Turn
    start: float
    waveform: np.ndarray

    @property
    def end(self) -> float:
        """Seconds from the beginning of the dialogue."""
        return self.start + len(self.waveform) / SAMPLE_RATE

    def loudness(self, time: float) -> float:
        """How loud it is about a time, as a share of the turn's loudest sample."""
        middle = int((time - self.start) * SAMPLE_RATE)
        around = self.waveform[max(0, middle - SAMPLE_RATE // 20) : middle + SAMPLE_RATE // 20]
        return float(np.abs(around).max(initial=0) / np.abs(self.waveform).max())


def play(dialogue: Dialogue) -> list[Line]:
    """Synthesise every turn, one after the other."""
    lines: list[Line] = []
    end = _SILENCE
    with Synthesizer() as synthesizer:
        for turn in dialogue.turns:
            # Punctuation changes espeak-ng's intonation, which would then depend on the text's
            # emotion.
            text = turn.text.translate(str.maketrans("!?", ".."))
            waveform = synthesizer.say(text, PERSONS[turn.person].voice, turn.manner)
            start = round((end + turn.pause) * SAMPLE_RATE) / SAMPLE_RATE
            lines.append(Line(turn, start, waveform))
            end = lines[-1].end
    return lines


def mix(dialogue: Dialogue, lines: list[Line]) -> np.ndarray:
    """Mix the audio: (S, 2) int16, the named person in channel 0, each faintly in both."""
    rng = np.random.default_rng(dialogue.seed)
    audio = rng.normal(0, _NOISE, (round(_duration(lines) * SAMPLE_RATE), 2))
    for line in lines:
        own = dialogue.persons.index(line.turn.person)
        first = round(line.start * SAMPLE_RATE)
        last = first + len(line.waveform)
        audio[first:last, own] += line.waveform
        audio[first + _DELAY : last + _DELAY, 1 - own] += _CROSSTALK * line.waveform
    return np.rint(np.clip(audio, -1, 1) * 32767).astype(np.int16)


def film(dialogue: Dialogue, lines: list[Line]) -> Iterator[np.ndarray]:
    """Draw the frames (480, 720, 3) uint8 RGB, `FPS` a second, the named person on the left."""
    rng = np.random.default_rng(dialogue.seed)
    phases = rng.uniform(0, 60, 2)
    for number in range(int(_duration(lines) * FPS)):
        time = number / FPS
        frame = np.zeros((*FRAME, 3), np.uint8)
        for half, person in enumerate(dialogue.persons):
            image = draw(PERSONS[person].looks, _expression(lines, person, time, phases[half]))
            column = half * WIDTH
            frame[_BAR : _BAR + HEIGHT, column : column + WIDTH] = cv2.warpAffine(
                image,
                sway(time + phases[half]),
                (WIDTH, HEIGHT),
                borderMode=cv2.BORDER_REPLICATE,
            )
            place = (column + 10, FRAME[0] - 12)
            cv2.putText(frame, "synthetic", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (150, 150, 150))
        yield frame


def _duration(lines: list[Line]) -> float:
    return lines[-1].end + _SILENCE


def _expression(lines: list[Line], person: str, time: float, phase: float) -> Expression:
    """Return the turn's expression with a moving mouth, or a listener's who blinks."""
    for line in lines:
        if line.turn.person == person and line.start <= time < line.end:
            typical = line.turn.expression
            opening = 0.2 * round(2 * line.loudness(time))  # in steps: few images to draw
            return replace(typical, mouth=0.8 * typical.mouth + opening)
    return _BLINK if (time + phase) % 3.4 < 0.2 else _REST


def sway(time: float) -> np.ndarray:
    """Give the slight movement of a head at a time (s): an affine map (2, 3) of its image."""
    turn = cv2.getRotationMatrix2D((X, Y), 2.5 * np.sin(0.9 * time), 1 + 0.02 * np.sin(0.4 * time))
    turn[:, 2] += (5 * np.sin(0.7 * time), 3 * np.sin(1.3 * time))
    return turn
