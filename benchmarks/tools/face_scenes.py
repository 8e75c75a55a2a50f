"""Synthetic scenes with several faces, composed of GRID recordings, whose truth is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from mien.media.decode import read_frames
from mien.media.faces import Box, FaceCropper

GRID = Path(__file__).resolve().parents[3] / "shared" / "data" / "grid"

CHOOSING = ("bbaf2n", "brbk7n", "lbax4n", "lbbc2a", "lrwp9a")
"""Clips of the persons by whom thresholds were chosen."""

TESTING = ("id2_vcd_swwp2s", "lwbsza", "sbia1a", "sbwe5n", "swiz3n")
"""Clips of other persons."""

RATE, WIDTH, HEIGHT = 25, 640, 360

Way = Callable[[float], tuple[float, float] | None]
Boxes = Mapping[str, Box]


@dataclass(frozen=True)
class Actor:
    """A person who is cut out of a clip: images (T, H, W, 3), and where the face is in each."""

    person: str
    images: np.ndarray
    boxes: Sequence[Box | None]

    def at(self, time: float) -> tuple[np.ndarray, Box | None]:
        """Give the image and the box at a time; the clip goes on forwards and backwards."""
        last = len(self.images) - 1
        step = round(time * RATE) % (2 * last)
        index = min(step, 2 * last - step)
        return self.images[index], self.boxes[index]


@dataclass(frozen=True)
class Shot:
    """A stretch without a cut: who is where (left, top) in it, the last one in front.

    `hides` covers the face of a person with a grey board; `light` brightens or darkens the image.
    """

    seconds: float
    cast: Sequence[tuple[Actor, Way]]
    hides: Callable[[str, float], bool] = field(default=lambda person, time: False)
    light: Callable[[float], tuple[float, float]] = field(default=lambda time: (1.0, 0.0))


@cache
def _clip(name: str) -> tuple[np.ndarray, tuple[Box | None, ...]]:
    cropper = FaceCropper()
    frames = [image for *_, image in read_frames(GRID / f"{name}.mpg", [(0, 3)], interval=1 / RATE)]
    boxes: list[Box | None] = []
    for index, image in enumerate(frames):
        boxes.append(cropper.crop(image).box if index % 2 == 0 else boxes[-1])
    return np.stack(frames), tuple(boxes)


@cache
def actor(name: str, width: int, height: int) -> Actor:
    """Cut a person out of a clip so that the face is in the middle of (height, width) pixels."""
    frames, boxes = _clip(name)
    rows, columns = frames.shape[1:3]
    across = min(round(rows * width / height), columns)
    middle = np.mean([(box[0] + box[2]) / 2 for box in boxes if box is not None])
    left = int(np.clip(middle - across / 2, 0, columns - across))
    x, y = width / across, height / rows
    images = [cv2.resize(f[:, left : left + across], (width, height)) for f in frames]
    placed = [None if box is None else _scaled(box, left, x, y) for box in boxes]
    return Actor(name, np.stack(images), placed)


def _scaled(box: Box, left: float, x: float, y: float) -> Box:
    return (
        *(round((box[0] - left) * x), round(box[1] * y)),
        *(round((box[2] - left) * x), round(box[3] * y)),
    )


def still(left: float, top: float = 0.0) -> Way:
    """Stay at a place."""
    return lambda time: (left, top)


def moving(start: float, speed: float, begin: float = 0.0, end: float = 1e9) -> Way:
    """Move to the right, in pixels a second, between two times."""
    return lambda time: (start + speed * (min(max(time, begin), end) - begin), 0.0)


def panels(names: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> list:
    """Put persons side by side."""
    each = width // len(names)
    return [(actor(name, each, height), still(i * each)) for i, name in enumerate(names)]


def render(
    shots: Sequence[Shot], width: int = WIDTH, height: int = HEIGHT, seed: int = 0
) -> Iterator[tuple[float, np.ndarray, Boxes]]:
    """Yield the frames of some shots with their times, and the boxes of the faces to be seen."""
    rough = np.random.default_rng(seed).integers(40, 200, (6, 10, 3), dtype=np.uint8)
    background = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    count, begin = 0, 0.0
    for shot in shots:
        while count / RATE < begin + shot.seconds - 1e-6:
            image, boxes = _frame(shot, count / RATE - begin, background)
            yield count / RATE, image, boxes
            count += 1
        begin += shot.seconds


def _frame(shot: Shot, time: float, background: np.ndarray) -> tuple[np.ndarray, Boxes]:
    image, boxes = background.copy(), dict[str, Box]()
    width = image.shape[1]
    for one, way in shot.cast:
        place = way(time)
        if place is None:
            continue
        x, y = map(round, place)
        pixels, box = one.at(time)
        left, right = max(x, 0), min(x + pixels.shape[1], width)
        if left >= right:
            continue
        image[y : y + pixels.shape[0], left:right] = pixels[:, left - x : right - x]
        boxes = {p: b for p, b in boxes.items() if not left < (b[0] + b[2]) / 2 < right}
        if box is None or shot.hides(one.person, time):
            if box is not None:
                image[y + box[1] - 20 : y + box[3] + 20, x + box[0] - 20 : x + box[2] + 20] = 120
            continue
        if x + box[0] >= 0 and x + box[2] <= width:
            boxes[one.person] = (x + box[0], y + box[1], x + box[2], y + box[3])
    gain, offset = shot.light(time)
    if (gain, offset) != (1.0, 0.0):
        image = np.clip(image * gain + offset, 0, 255).astype(np.uint8)
    return image, boxes


def scenes(names: Sequence[str]) -> dict[str, list[Shot]]:
    """Compose the scenes with some persons, five at least."""
    a, b, c, d, *_ = names
    slim = [actor(name, 213, HEIGHT) for name in names]
    two = panels([a, b])
    return {
        "2 side by side": [Shot(8, two)],
        "3 side by side": [Shot(8, panels([a, b, c]))],
        "4 side by side": [Shot(8, panels([a, b, c, d]))],
        "a cut, places swapped": [Shot(4.3, two), Shot(4.3, panels([b, a]))],
        "a cut, others at their places": [Shot(4.3, two), Shot(4.3, panels([c, d]))],
        "cuts to and fro": [Shot(2.7, panels([a])), Shot(2.3, panels([c])), Shot(2.7, two)],
        "one enters late": [Shot(8, [(slim[0], still(0)), (slim[1], moving(640, -213, 2.4, 4.4))])],
        "one moves, slowly": [Shot(8, [(slim[0], moving(0, 50))])],
        "one moves, fast": [Shot(4, [(slim[0], moving(-20, 120))])],
        "two cross": [Shot(8, [(slim[0], moving(0, 60)), (slim[1], moving(427, -60))])],
        "one is covered for 1 s": [
            Shot(8, two, hides=lambda person, time: person == b and 3.1 <= time < 4.1)
        ],
        "one leaves, another comes": [
            Shot(8, [(slim[0], moving(213, -250, 2, 9)), (slim[1], moving(700, -250, 4, 6))])
        ],
        "flashes": [Shot(6, two, light=lambda t: (1.5, 60) if t % 1.7 > 1.62 else (1.0, 0.0))],
        "a fade to black and back": [
            Shot(8, two, light=lambda t: (float(np.clip(abs(t - 4.0) - 0.3, 0, 1)), 0.0))
        ],
    }


def write(path: Path, frames: Iterator[np.ndarray], width: int, height: int) -> Path:
    """Write frames as H.264."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    return path
