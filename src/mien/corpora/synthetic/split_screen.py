"""Draw the frames of a conversation: all persons side by side, the one who speaks with their mouth.

A listener's mouth rests, and everybody blinks.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from mien.corpora.synthetic.conversation import Performance
from mien.corpora.synthetic.face import Expression, draw
from mien.corpora.synthetic.paint import HEIGHT, WIDTH
from mien.corpora.synthetic.persons import Person
from mien.corpora.synthetic.stage import sway
from mien.errors import MienError
from mien.utterance import SAMPLE_RATE

Box = tuple[int, int, int, int]

_HEAD = 220  # width of a head with its sway in the image of a person, pixels
_SMALLEST = 120  # pixels of a tile's shorter side, in which the detector still finds the face
_LEVELS = 5  # steps in which a mouth opens: each is drawn once a turn
_SHUT = -1.3  # what the eyes of a blink have
_LOUD = 95  # percentile of a turn's loudness at which the mouth is open


class SplitScreen:
    """Draws the persons of a conversation side by side.

    Parameters
    ----------
    persons : sequence of Person
        From left to right.
    size : (int, int)
        Width and height of a frame, pixels; both even.
    fps : int
        Frames a second.
    seed : int
        Of when they blink and how they move.

    Raises
    ------
    MienError
        The size is odd, or too small for so many persons.
    """

    def __init__(
        self, persons: Sequence[Person], size: tuple[int, int], fps: int, seed: int
    ) -> None:
        width, height = size
        if width % 2 or height % 2 or min(width // len(persons), height) < _SMALLEST:
            raise MienError(
                f"a frame for {len(persons)} persons has an even number of pixels each way, and at"
                f" least {_SMALLEST * len(persons)} x {_SMALLEST}, not {width} x {height}",
                parameter="size",
            )
        self.persons, self.size, self.fps = persons, size, fps
        self._phases = np.random.default_rng(seed).uniform(0, 60, len(persons))

    @property
    def boxes(self) -> list[Box]:
        """The tile of each person: left, top, right, bottom in pixels."""
        width, height = self.size
        edges = [width * place // len(self.persons) for place in range(len(self.persons) + 1)]
        return [(a, 0, b, height) for a, b in pairwise(edges)]

    def frames(self, first: int, last: int, spoken: Performance | None) -> Iterator[np.ndarray]:
        """Draw frames (H, W, 3) uint8 RGB.

        Parameters
        ----------
        first, last : int
            Numbers of the first frame, and of the one behind the last.
        spoken : Performance or None
            The only turn that is spoken in this time, if any.
        """
        mouths = {} if spoken is None else _mouths(spoken, self.fps)
        for number in range(first, last):
            frame = np.empty((self.size[1], self.size[0], 3), np.uint8)
            for place, (left, _, right, _) in enumerate(self.boxes):
                expression = Expression()
                if spoken and spoken.turn.speaker == place and number in mouths:
                    wider = 0.8 * spoken.expression.mouth + mouths[number]
                    expression = replace(spoken.expression, mouth=wider)
                frame[:, left:right] = self._tile(place, number / self.fps, expression)
            yield frame

    def _tile(self, place: int, time: float, expression: Expression) -> np.ndarray:
        """Draw one person at a time, marked as synthetic."""
        left, _, right, height = self.boxes[place]
        width, moved = right - left, time + self._phases[place]
        if moved % 3.4 < 0.2:
            expression = replace(expression, eyes=_SHUT)
        scale = min(width / _HEAD, height / HEIGHT)
        placed = scale * sway(moved)
        placed[:, 2] += ((width - scale * WIDTH) / 2, height - scale * HEIGHT)
        image = draw(self.persons[place].looks, expression)
        tile = cv2.warpAffine(image, placed, (width, height), borderMode=cv2.BORDER_REPLICATE)
        cv2.putText(tile, "synthetic", (8, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (40, 40, 40))
        return np.asarray(tile, np.uint8)


def _mouths(spoken: Performance, fps: int) -> dict[int, float]:
    """Give by number of the frame how wide the mouth is, 0 to 0.6, by the loudness of the voice."""
    turn, waveform = spoken.turn, spoken.waveform
    numbers = range(math.ceil(turn.start * fps), math.ceil(turn.end * fps))
    middles = [round((number / fps - turn.start) * SAMPLE_RATE) for number in numbers]
    half = SAMPLE_RATE // fps // 2
    around = [waveform[max(0, middle - half) : middle + half] for middle in middles]
    loudness = np.array([np.sqrt(np.mean(one**2)) for one in around])
    shares = np.clip(loudness / np.percentile(loudness, _LOUD), 0, 1)
    return dict(zip(numbers, 0.6 * np.round(shares * _LEVELS) / _LEVELS, strict=True))
