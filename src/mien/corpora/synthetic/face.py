"""A drawn person: looks that stay, an expression that changes, soft shading as in a photograph.

Everything is one primitive, a polygon painted with a soft edge. The shading is not decoration:
face detectors are trained on photographs and miss flat cartoons.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

HEIGHT, WIDTH = 270, 360
"""Size of the picture of one person, pixels."""

Colour = tuple[int, int, int]
_X, _Y = 180.0, 134.0  # middle of the face; all other places are offsets from it, in pixels
_EYES, _BROWS, _NOSE, _MOUTH = _Y - 8, _Y - 29, _Y + 22, _Y + 45


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What tells one face from another; colours are RGB, sizes are factors around 1."""

    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    wall: Colour
    style: Literal["short", "long", "bob", "bun", "receding"]
    width: float = 1.0
    spacing: float = 1.0
    nose: float = 1.0
    lips: float = 1.0
    brows: float = 1.0
    jaw: float = 1.0
    beard: float = 0.0
    glasses: bool = False


@dataclass(frozen=True, kw_only=True)
class Expression:
    """What the face does; all about -1 to 1, 0 at rest, `eyes` and `mouth` 0 (closed) to 1."""

    smile: float = 0.0
    mouth: float = 0.0
    skew: float = 0.0
    brow_tilt: float = 0.0
    brow_lift: float = 0.0
    eyes: float = 0.6


def draw(looks: Looks, expression: Expression) -> np.ndarray:
    """Draw the person, head and shoulders before a wall.

    Returns
    -------
    array (270, 360, 3) uint8
        RGB.
    """
    image = _bust(looks).copy()
    for side in (-1, 1):
        _eye(image, looks, expression, side)
        _brow(image, looks, expression, side)
        _cheek(image, looks, expression, side)
    _lips(image, looks, expression)
    if looks.glasses:
        _glasses(image, looks)
    return np.clip(image, 0, 255).astype(np.uint8)


def _paint(
    image: np.ndarray,
    points: np.ndarray,
    colour: Colour | np.ndarray,
    *,
    opacity: float = 1.0,
    blur: float = 0.7,
) -> None:
    """Fill a polygon (N, 2) in place; `blur` is the width of its edge in pixels."""
    margin = int(3 * blur) + 2
    low = np.clip(np.floor(points.min(0)).astype(int) - margin, 0, (WIDTH, HEIGHT))
    high = np.clip(np.ceil(points.max(0)).astype(int) + margin, 0, (WIDTH, HEIGHT))
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.int32((points - low) * 16)], 255, cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), blur) * (opacity / 255)
    region = image[low[1] : high[1], low[0] : high[0]]
    region += soft[..., None] * (np.asarray(colour, np.float32) - region)


def _oval(x: float, y: float, rx: float, ry: float, power: float = 2.0) -> np.ndarray:
    """Outline of a superellipse: a power over 2 is squarer."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    bend = 2 / power
    return np.stack(
        [x + rx * np.sign(cos) * np.abs(cos) ** bend, y + ry * np.sign(sin) * np.abs(sin) ** bend],
        axis=1,
    )


def _band(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Polygon between two curves over the same abscissae."""
    upper, lower = np.stack([x, top], 1), np.stack([x, np.maximum(top, bottom)], 1)
    return np.concatenate([upper, lower[::-1]])


def _shade(colour: Colour, factor: float) -> np.ndarray:
    """Darker (below 1) or lighter; shadows of skin keep more of their red."""
    warm = np.array([0.92, 1.0, 1.06]) if factor < 1 else np.ones(3)
    return np.clip(np.array(colour) * factor**warm, 0, 255)


def _outline(looks: Looks) -> np.ndarray:
    """Contour of the face: an oval above, narrowing to the chin below."""
    points = _oval(0, 0, 57 * looks.width, 80, 2.25)
    below = np.clip(points[:, 1] / 80, 0, 1)
    points[:, 0] *= 1 - (0.36 - 0.2 * (looks.jaw - 0.5)) * below**1.8
    return points + (_X, _Y)


@lru_cache(maxsize=32)
def _bust(looks: Looks) -> np.ndarray:
    """All that no expression changes, as float32."""
    ramp = np.linspace(1.12, 0.82, HEIGHT)[:, None] * np.linspace(1.06, 0.94, WIDTH)[None]
    image = (ramp[..., None] * looks.wall).astype(np.float32)
    _hair_behind(image, looks)
    _body(image, looks)
    _skull(image, looks)
    _nose(image, looks)
    if looks.beard:
        _beard(image, looks)
    _hair_before(image, looks)
    return cv2.GaussianBlur(image, (0, 0), 0.6)


def _body(image: np.ndarray, looks: Looks) -> None:
    neck = np.array([[-27, 50], [27, 50], [30, 105], [52, 122], [-52, 122], [-30, 105]], float)
    _paint(image, _oval(_X, _Y + 165, 128, 72, 2.6), looks.clothes, blur=1.5)
    _paint(
        image, _oval(_X - 60, _Y + 135, 50, 26), _shade(looks.clothes, 1.2), opacity=0.5, blur=14
    )
    _paint(image, neck + (_X, _Y), _shade(looks.skin, 0.86), blur=1.5)
    _paint(image, _oval(_X + 4, _Y + 78, 38, 22), _shade(looks.skin, 0.45), opacity=0.75, blur=8)


def _skull(image: np.ndarray, looks: Looks) -> None:
    """Ears, the face itself, and the light on it (from the upper left)."""
    for side in (-1, 1):
        x = _X + side * 57 * looks.width
        _paint(image, _oval(x, _Y + 2, 9, 17), _shade(looks.skin, 0.88), blur=1)
        _paint(image, _oval(x, _Y + 2, 4, 10), _shade(looks.skin, 0.6), opacity=0.6, blur=2)
    face = _outline(looks)
    _paint(image, face, _shade(looks.skin, 0.72), blur=1.2)
    _paint(image, (face - (_X, _Y)) * 0.86 + (_X - 3, _Y - 3), looks.skin, blur=9)
    light = _shade(looks.skin, 1.16)
    _paint(image, _oval(_X - 8, _Y - 46, 30, 13), light, opacity=0.6, blur=9)
    blush = _shade(looks.skin, 1.0) + (14, -8, -8)
    for side in (-1, 1):
        eye, cheek = _X + side * 26 * looks.spacing, _X + side * 33 * looks.width
        _paint(
            image,
            _oval(eye - side * 2, _EYES - 5, 17, 11),
            _shade(looks.skin, 0.6),
            opacity=0.6,
            blur=5,
        )
        _paint(
            image,
            _oval(eye - side * 14, _EYES - 2, 6, 12),
            _shade(looks.skin, 0.55),
            opacity=0.45,
            blur=4,
        )
        _paint(
            image, _oval(cheek, _Y + 16, 13, 10), light if side < 0 else blush, opacity=0.5, blur=7
        )
        _paint(
            image,
            _oval(cheek + side * 12, _Y + 42, 9, 24),
            _shade(looks.skin, 0.7),
            opacity=0.45,
            blur=8,
        )
    _paint(image, _oval(_X, _MOUTH + 16, 15, 4), _shade(looks.skin, 0.6), opacity=0.6, blur=4)
    _paint(image, _oval(_X - 2, _MOUTH + 27, 12, 7), light, opacity=0.4, blur=5)


def _nose(image: np.ndarray, looks: Looks) -> None:
    width = 11 * looks.nose
    dark, light = _shade(looks.skin, 0.55), _shade(looks.skin, 1.2)
    ridge = np.array([[3, -30], [8, -26], [width + 1, 0], [3, 2]], float)
    _paint(image, ridge + (_X, _NOSE), dark, opacity=0.45, blur=4)
    _paint(image, _oval(_X - 2, _NOSE - 18, 3.5, 22), light, opacity=0.6, blur=3)
    _paint(image, _oval(_X, _NOSE + 5, width + 3, 5), dark, opacity=0.65, blur=3)
    _paint(image, _oval(_X, _NOSE - 2, width * 0.75, 6), looks.skin, opacity=0.9, blur=3)
    _paint(image, _oval(_X - 2, _NOSE - 4, 4, 3), light, opacity=0.6, blur=2.5)
    for side in (-1, 1):
        x = _X + side * width * 0.55
        _paint(image, _oval(x + side * 5, _NOSE + 1, 3, 6), dark, opacity=0.5, blur=2)
        _paint(image, _oval(x, _NOSE + 5, 3.4, 2), _shade(looks.skin, 0.25), opacity=0.85, blur=1)
    _paint(image, _oval(_X, _NOSE + 13, 4, 6), dark, opacity=0.3, blur=3)


def _beard(image: np.ndarray, looks: Looks) -> None:
    face = _outline(looks) - (_X, _Y)
    lower = face[face[:, 1] > 14]
    inner = np.stack([lower[::-1, 0] * 0.62, np.minimum(lower[::-1, 1] * 0.3 + 16, 32)], 1)
    _paint(
        image,
        np.concatenate([lower * 0.98, inner]) + (_X, _Y),
        looks.hair,
        opacity=looks.beard,
        blur=4,
    )
    _paint(image, _oval(_X, _MOUTH - 11, 24, 4), looks.hair, opacity=looks.beard, blur=2.5)


def _hair_behind(image: np.ndarray, looks: Looks) -> None:
    dark = _shade(looks.hair, 0.7)
    reach = {"long": 118, "bob": 66}.get(looks.style)
    if looks.style == "bun":
        _paint(image, _oval(_X, _Y - 100, 26, 24), dark, blur=2)
    if reach:
        x = 74 * looks.width
        sides = np.array([[-x, -30], [x, -30], [x + 6, reach], [-x - 6, reach]], float)
        _paint(image, sides + (_X, _Y), dark, blur=5)
    if looks.style != "receding":
        _paint(image, _oval(_X, _Y - 34, 66 * looks.width, 66, 2.3), dark, blur=2)


def _hair_before(image: np.ndarray, looks: Looks) -> None:
    """The hair over the forehead and beside the face, with a few streaks of light."""
    x = np.linspace(-1, 1, 41)
    low, high, part = {
        "short": (-50, -98, 0.15),
        "long": (-44, -100, 0.5),
        "bob": (-34, -98, 0.1),
        "bun": (-56, -96, 0.0),
        "receding": (-66, -88, -0.25),
    }[looks.style]
    half = 62 * looks.width
    crown = high + (low + 40 - high) * np.abs(x) ** 3.2
    hairline = low - 10 * (1 - np.abs(x - part) ** 0.8) + 34 * np.abs(x) ** 5
    _paint(image, _band(_X + half * x, _Y + crown, _Y + hairline), looks.hair, blur=2)
    for step in np.linspace(-0.6, 0.5, 7):
        streak = _oval(
            _X + half * step, _Y + (high + low) / 2 - 4 + 16 * step**2, 3, (low - high) / 3
        )
        _paint(image, streak, _shade(looks.hair, 1.45), opacity=0.35, blur=3)
    if looks.style in ("long", "bob"):
        reach = 100 if looks.style == "long" else 58
        for side in (-1, 1):
            y = np.linspace(-48, reach, 20)
            inner = half * (0.9 + 0.12 * np.sin((y + 48) / 50))
            lock = np.concatenate([np.stack([inner, y], 1), np.stack([inner + 19, y], 1)[::-1]])
            _paint(image, lock * (side, 1) + (_X, _Y), looks.hair, blur=3)


def _eye(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """Lids, white, iris; a smile pushes the lower lid up."""
    x, y = _X + side * 26 * looks.spacing, _EYES
    u = np.linspace(-1, 1, 25)
    arch = (1 - u**2) ** 0.75
    opening = 10.5 * np.clip(expression.eyes, 0, 1.15)
    slant = -side * 1.2 * u
    top = y + slant + 2.5 - opening * arch
    bottom = np.maximum(y + slant + 2.5 + (3.5 - 2 * max(expression.smile, 0)) * arch, top)
    across = x + 13.5 * u
    if expression.eyes > 0.1:
        _paint(image, _band(across, top, bottom), (226, 220, 214), blur=0.7)
        _paint(
            image,
            _band(across, top, np.minimum(top + 3, bottom)),
            (90, 78, 74),
            opacity=0.6,
            blur=1,
        )
        for radius, colour in (
            (6.4, _shade(looks.iris, 0.55)),
            (5.2, looks.iris),
            (2.6, (14, 10, 10)),
        ):
            v = np.linspace(-1, 1, 21)
            disc = radius * np.sqrt(1 - v**2)
            here = x + radius * v
            upper = np.maximum(y - 1 - disc, np.interp(here, across, top))
            lower = np.minimum(y - 1 + disc, np.interp(here, across, bottom))
            _paint(image, _band(here, np.minimum(upper, lower), lower), colour, blur=0.6)
        if expression.eyes > 0.35:
            _paint(image, _oval(x - 2, y - 3, 1.5, 1.5), (250, 250, 250), opacity=0.9, blur=0.6)
    lash = 1.4 + 1.2 * arch
    _paint(
        image,
        _band(across, top - lash, top + 0.8),
        _shade(looks.skin, 0.16),
        opacity=0.95,
        blur=0.7,
    )
    _paint(
        image, _band(across, bottom, bottom + 1.2), _shade(looks.skin, 0.4), opacity=0.6, blur=0.9
    )
    _paint(
        image, _band(across, top - 6.5, top - 4.5), _shade(looks.skin, 0.5), opacity=0.5, blur=1.2
    )
    _paint(
        image,
        _band(across, bottom + 5, bottom + 6.5),
        _shade(looks.skin, 0.55),
        opacity=0.4,
        blur=1.6,
    )


def _brow(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """Drawn from the nose outwards; a negative tilt lowers the inner end (anger)."""
    u = np.linspace(0, 1, 20)
    x = _X + side * (26 * looks.spacing + (u - 0.45) * 37)
    y = _BROWS - 7 * expression.brow_lift - 5 * np.sin(np.pi * u * 0.9)
    y = y - 11 * expression.brow_tilt * (0.55 - u) + 3 * u
    thick = (3.4 - 2.4 * u) * looks.brows
    colour = np.minimum(_shade(looks.hair, 0.55), _shade(looks.skin, 0.42))
    _paint(image, _band(x, y - thick, y + thick * 0.8), colour, opacity=0.92, blur=1.1)
    if expression.brow_tilt < -0.3:
        frown = np.array([[5, -8], [7, -8], [6, 6], [4, 6]], float) * (side, 1)
        strength = min(1.0, -expression.brow_tilt) * 0.6
        _paint(
            image, frown + (_X, _BROWS + 4), _shade(looks.skin, 0.45), opacity=strength, blur=1.3
        )


def _cheek(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """The fold from nose to mouth, deeper with a smile and with a drawn-down mouth."""
    u = np.linspace(0, 1, 12)
    reach = 20 + 7 * max(expression.smile, 0)
    x = _X + side * (15 * looks.nose + (reach - 6) * u**1.3)
    y = _NOSE + 2 + 22 * u - 3 * expression.smile * u
    depth = 0.18 + 0.4 * abs(expression.smile)
    line = np.concatenate([np.stack([x - 1.2, y], 1), np.stack([x + 1.2, y], 1)[::-1]])
    _paint(image, line, _shade(looks.skin, 0.5), opacity=min(depth, 0.6), blur=1.6)
    if expression.smile > 0.2:
        apple = _oval(_X + side * 34 * looks.width, _Y + 15, 13, 8)
        _paint(
            image, apple, _shade(looks.skin, 1.2), opacity=0.5 * min(expression.smile, 1), blur=5
        )


def _lips(image: np.ndarray, looks: Looks, expression: Expression) -> None:
    """Both lips about an opening; the corners rise with a smile and one of them with `skew`."""
    smile, mouth = expression.smile, max(expression.mouth, 0.0)
    u = np.linspace(-1, 1, 41)
    arch = 1 - u**2
    half = 23 + 5 * max(smile, 0) - 3 * mouth + 1.5 * min(smile, 0)
    x = _X + half * u + 3 * expression.skew
    corner = -9 * smile * (u**2 - 0.45) - 5 * expression.skew * u
    middle = _MOUTH + corner
    top = middle - 3.0 * mouth * arch
    bottom = middle + (15 * mouth) * arch**0.8
    red = np.array(looks.skin) * (0.80, 0.56, 0.56) + (14, 4, 6)
    bow = (4.6 - 1.3 * np.exp(-((u / 0.16) ** 2))) * arch**0.7 * looks.lips
    under = 6.2 * arch**0.8 * looks.lips
    _paint(
        image,
        _band(x, bottom + under - 1, bottom + under + 3),
        _shade(looks.skin, 0.5),
        opacity=0.45,
        blur=2.5,
    )
    _paint(image, _band(x, top - bow, bottom + under), red, blur=1.1)
    _paint(
        image,
        _band(x, bottom + under * 0.3, bottom + under * 0.7),
        red * 1.3,
        opacity=0.5,
        blur=1.5,
    )
    _paint(image, _band(x, top - bow, top), red * 0.78, opacity=0.7, blur=1)
    _paint(image, _band(x, top - 0.8, bottom + 0.8), (46, 16, 18), blur=0.7)
    if mouth > 0.12:
        inside = np.abs(u) < 0.82
        teeth = np.minimum(top + 1.5 + 5 * min(mouth, 0.8), bottom)
        _paint(image, _band(x[inside], top[inside] + 0.5, teeth[inside]), (228, 222, 212), blur=0.8)
        tongue = np.maximum(bottom - 5 * mouth, teeth)
        _paint(
            image,
            _band(x[inside], tongue[inside], bottom[inside]),
            (150, 70, 74),
            opacity=0.8,
            blur=1.2,
        )
    for end in (0, -1):
        _paint(
            image,
            _oval(x[end], middle[end], 3, 2.5),
            _shade(looks.skin, 0.4),
            opacity=0.6,
            blur=1.5,
        )


def _glasses(image: np.ndarray, looks: Looks) -> None:
    frame = (38, 32, 34)
    for side in (-1, 1):
        x = _X + side * 26 * looks.spacing
        for outer, inner in ((_oval(x, _EYES + 2, 21, 16, 3), _oval(x, _EYES + 2, 19, 14, 3)),):
            _paint(
                image,
                np.concatenate([outer, outer[:1], inner[:1], inner[::-1], inner[-1:]]),
                frame,
                blur=0.7,
            )
        arm = _band(
            np.array([0.0, 1.0]) * side * 14 + x + side * 20,
            np.full(2, _EYES - 4),
            np.full(2, _EYES - 1),
        )
        _paint(image, arm, frame, blur=0.7)
    bridge = _X + np.linspace(-1, 1, 9) * (26 * looks.spacing - 20)
    _paint(image, _band(bridge, np.full(9, _EYES - 4), np.full(9, _EYES - 1.5)), frame, blur=0.7)
