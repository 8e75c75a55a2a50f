"""Draw what no expression changes in a person: wall, clothes, hair, head and nose.

The shading is needed since face detectors are trained on photographs and miss flat cartoons. Light
comes from the upper left. Positions are offsets in pixels from the middle of the face.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from mien.corpora.synthetic.paint import HEIGHT, WIDTH, Colour, band, oval, paint, shade

X, Y = 180.0, 134.0
"""Middle of the face in the image."""
MIDDLE = np.array([X, Y])
EYES, BROWS, NOSE, MOUTH = Y - 8, Y - 29, Y + 22, Y + 45
"""Heights of the features."""

_LOOSE = {"long": (12, 120), "bob": (-10, 92)}  # middle and half height of the hair behind


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The looks of a person; colours are RGB, sizes are factors around 1."""

    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    wall: Colour
    style: Literal["short", "cropped", "long", "bob", "bun", "bald"]
    width: float = 1.0
    spacing: float = 1.0
    nose: float = 1.0
    lips: float = 1.0
    brows: float = 1.0
    jaw: float = 1.0
    beard: float = 0.0
    glasses: bool = False


@lru_cache(maxsize=32)
def bust(looks: Looks) -> np.ndarray:
    """Draw head and shoulders without eyes, brows and mouth: (270, 360, 3) float32; copy it."""
    ramp = np.linspace(1.12, 0.82, HEIGHT)[:, None] * np.linspace(1.06, 0.94, WIDTH)[None]
    image = (ramp[..., None] * looks.wall).astype(np.float32)
    _hair_behind(image, looks)
    _body(image, looks)
    if looks.style not in _LOOSE:
        _ears(image, looks)
    _head(image, looks)
    _sockets_and_cheeks(image, looks)
    _nose(image, looks)
    if looks.beard:
        _beard(image, looks)
    _hair_before(image, looks)
    return cv2.GaussianBlur(image, (0, 0), 0.6)


def _hair_behind(image: np.ndarray, looks: Looks) -> None:
    dark = shade(looks.hair, 0.72)
    if looks.style == "bun":
        paint(image, oval(X, Y - 100, 26, 24), dark, blur=2)
    if looks.style in _LOOSE:
        middle, height = _LOOSE[looks.style]
        paint(image, oval(X, Y + middle, 77 * looks.width, height, 3), dark, blur=3)
    if looks.style == "bald":
        paint(image, oval(X, Y - 18, 62 * looks.width, 44, 2.6), dark, blur=3)
    else:
        paint(image, oval(X, Y - 34, 66 * looks.width, 66, 2.3), dark, blur=2)


def _body(image: np.ndarray, looks: Looks) -> None:
    neck = np.array([[-1, 50], [1, 50], [1.1, 105], [2, 124], [-2, 124], [-1.1, 105]])
    neck = neck * (25 + 4 * looks.jaw, 1) + MIDDLE
    paint(image, oval(X, Y + 165, 128, 72, 2.6), looks.clothes, blur=1.5)
    paint(image, oval(X - 60, Y + 135, 50, 22), shade(looks.clothes, 1.2), opacity=0.5, blur=12)
    paint(image, neck, shade(looks.skin, 0.86), blur=1.5)
    paint(image, oval(X + 2, Y + 80, 24, 18), shade(looks.skin, 0.45), opacity=0.75, blur=5)


def _ears(image: np.ndarray, looks: Looks) -> None:
    for side in (-1, 1):
        x = X + side * 57 * looks.width
        paint(image, oval(x, Y + 2, 9, 17), shade(looks.skin, 0.88), blur=1)
        paint(image, oval(x, Y + 2, 4, 10), shade(looks.skin, 0.6), opacity=0.6, blur=2)


def _outline(looks: Looks) -> np.ndarray:
    """Contour of the face about (0, 0): an oval above, narrowing to the chin below."""
    points = oval(0, 0, 57 * looks.width, 80, 2.25)
    below = np.clip(points[:, 1] / 80, 0, 1)
    points[:, 0] *= 1 - (0.46 - 0.2 * looks.jaw) * below**1.8
    return points


def _head(image: np.ndarray, looks: Looks) -> None:
    face, light = _outline(looks), shade(looks.skin, 1.16)
    paint(image, face + MIDDLE, shade(looks.skin, 0.72), blur=1.2)
    paint(image, face * 0.86 + MIDDLE - 3, looks.skin, blur=9)
    paint(image, oval(X - 8, Y - 46, 30, 13), light, opacity=0.6, blur=9)
    paint(image, oval(X, MOUTH + 16, 15, 4), shade(looks.skin, 0.6), opacity=0.6, blur=4)
    paint(image, oval(X - 2, MOUTH + 27, 12, 7), light, opacity=0.4, blur=5)


def _sockets_and_cheeks(image: np.ndarray, looks: Looks) -> None:
    dark, light = shade(looks.skin, 0.58), shade(looks.skin, 1.16)
    blush = shade(looks.skin, 1) + np.array([14, -8, -8])
    for side, glow in ((-1, light), (1, blush)):
        eye, cheek = X + side * 26 * looks.spacing, X + side * 33 * looks.width
        paint(image, oval(eye - side * 2, EYES - 5, 17, 11), dark, opacity=0.6, blur=5)
        paint(image, oval(eye - side * 14, EYES - 2, 6, 12), dark, opacity=0.45, blur=4)
        paint(image, oval(cheek, Y + 16, 13, 10), glow, opacity=0.5, blur=7)
        hollow = oval(cheek + side * 9, Y + 42, 8, 22)
        paint(image, hollow, shade(looks.skin, 0.7), opacity=0.45, blur=6)


def _nose(image: np.ndarray, looks: Looks) -> None:
    width = 11 * looks.nose
    dark, light = shade(looks.skin, 0.55), shade(looks.skin, 1.2)
    ridge = np.array([[3, -30], [8, -26], [width + 1, 0], [3, 2]]) + np.array([X, NOSE])
    paint(image, ridge, dark, opacity=0.45, blur=4)
    paint(image, oval(X - 2, NOSE - 18, 3.5, 22), light, opacity=0.6, blur=3)
    paint(image, oval(X, NOSE + 5, width + 3, 5), dark, opacity=0.65, blur=3)
    paint(image, oval(X, NOSE - 2, width * 0.75, 6), looks.skin, opacity=0.9, blur=3)
    paint(image, oval(X - 2, NOSE - 4, 4, 3), light, opacity=0.6, blur=2.5)
    for side in (-1, 1):
        x = X + side * width * 0.55
        paint(image, oval(x + side * 5, NOSE + 1, 3, 6), dark, opacity=0.5, blur=2)
        paint(image, oval(x, NOSE + 5, 3.4, 2), shade(looks.skin, 0.25), opacity=0.85, blur=1)
    paint(image, oval(X, NOSE + 13, 4, 6), dark, opacity=0.3, blur=3)


def _beard(image: np.ndarray, looks: Looks) -> None:
    lower = _outline(looks)
    lower = lower[lower[:, 1] > 14]
    inner = np.stack([lower[::-1, 0] * 0.62, np.minimum(lower[::-1, 1] * 0.3 + 16, 32)], 1)
    cheeks_and_chin = np.concatenate([lower * 0.94, inner]) + MIDDLE
    paint(image, cheeks_and_chin, looks.hair, opacity=looks.beard, blur=4)
    paint(image, oval(X, MOUTH - 11, 24, 4), looks.hair, opacity=looks.beard, blur=2.5)


def _hair_before(image: np.ndarray, looks: Looks) -> None:
    """Draw the hair over the forehead and beside the face, with a few streaks of light."""
    if looks.style == "bald":
        return
    low, high, parting = {
        "short": (-50, -98, 0.15),
        "cropped": (-62, -92, 0.0),
        "long": (-46, -102, 0.3),
        "bob": (-36, -100, 0.1),
        "bun": (-56, -96, 0.0),
    }[looks.style]
    half = 61 * looks.width
    u = np.linspace(-1, 1, 41)
    crown = high + (low + 40 - high) * np.abs(u) ** 3.2
    hairline = low - 10 * (1 - np.abs(u - parting) ** 0.8) + 34 * np.abs(u) ** 5
    paint(image, band(X + half * u, Y + crown, Y + hairline), looks.hair, blur=2)
    for place in np.linspace(-0.6, 0.5, 7):
        y = (high + low) / 2 - 4 + 16 * place**2
        streak = oval(X + half * place, Y + y, 3, (low - high) / 3)
        paint(image, streak, shade(looks.hair, 1.45), opacity=0.3, blur=3)
    if looks.style in _LOOSE:
        _locks(image, looks, half)


def _locks(image: np.ndarray, looks: Looks, half: float) -> None:
    """Loose hair hanging in front of both cheeks."""
    middle, height = _LOOSE[looks.style]
    y = np.linspace(low := -62.0, middle + height - 6, 24)
    down = (y - low) / (y[-1] - low)
    inner = half * (0.88 + 0.1 * np.sin(np.pi * down))
    outer = inner + 18 * np.sin(np.pi * np.clip(down + 0.02, 0, 1)) ** 0.5
    lock = np.concatenate([np.stack([inner, y], 1), np.stack([outer, y], 1)[::-1]])
    for side in (-1, 1):
        paint(image, lock * (side, 1) + MIDDLE, looks.hair, blur=2.5)
