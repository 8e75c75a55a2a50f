"""Draw a person with an expression."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mien.corpora.synthetic.bust import BROWS, EYES, MOUTH, NOSE, Looks, X, Y, bust
from mien.corpora.synthetic.paint import band, oval, paint, shade

_SIDES = (-1, 1)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression of the face; all values are 0 at rest.

    `mouth` opens from 0 to 1, the others go from about -1 to 1; `eyes` of -1.2 are closed. A
    negative `brow_tilt` lowers the inner ends of the brows (anger), a positive one raises them
    (grief); `skew` lifts one corner of the mouth.
    """

    smile: float = 0.0
    mouth: float = 0.0
    skew: float = 0.0
    brow_tilt: float = 0.0
    brow_lift: float = 0.0
    eyes: float = 0.0


@lru_cache(maxsize=128)
def draw(looks: Looks, expression: Expression) -> np.ndarray:
    """Draw a person, head and shoulders before a wall.

    Parameters
    ----------
    looks : Looks
        The person.
    expression : Expression
        Expression of the face.

    Returns
    -------
    array (270, 360, 3) uint8
        RGB; read-only, since recent images are cached.
    """
    image = bust(looks).copy()
    for side in _SIDES:
        _eye(image, looks, expression, side)
        _brow(image, looks, expression, side)
        _cheek(image, looks, expression, side)
    _lips(image, looks, expression)
    if expression.mouth > 0.12:
        _teeth(image, expression)
    if looks.glasses:
        _glasses(image, looks)
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def _eye(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """White, iris and lids; a smile pushes the lower lid up."""
    x = X + side * 26 * looks.spacing
    u = np.linspace(-1, 1, 25)
    arch = (1 - u**2) ** 0.75
    corner = EYES + 2.5 - side * 1.2 * u
    opening = np.clip(0.6 + 0.5 * expression.eyes, 0, 1.15)
    top = corner - 10.5 * opening * arch
    bottom = np.maximum(corner + (3.5 - 2 * np.clip(expression.smile, 0, 1)) * arch, top)
    across = x + 13.5 * u
    if opening > 0.1:
        paint(image, band(across, top, bottom), (226, 220, 214))
        _iris(image, looks, x, band(across, top, bottom))
        shadow = band(across, top, np.minimum(top + 3, bottom))
        paint(image, shadow, (60, 48, 46), opacity=0.5, blur=1)
    lash = band(across, top - 1.4 - 1.2 * arch, top + 0.8)
    paint(image, lash, shade(looks.skin, 0.16), opacity=0.95)
    for y, width, depth in ((bottom, 1.2, 0.6), (top - 6.5, 2, 0.5), (bottom + 5, 1.5, 0.35)):
        paint(image, band(across, y, y + width), shade(looks.skin, 0.45), opacity=depth, blur=1.2)


def _iris(image: np.ndarray, looks: Looks, x: float, opening: np.ndarray) -> None:
    """Rings about the pupil, as far as the lids (the two halves of `opening`) let them be seen."""
    upper, lower = opening[:25], opening[:24:-1]
    v = np.linspace(-1, 1, 21)
    for radius, colour in ((6.4, shade(looks.iris, 0.55)), (5.2, looks.iris), (2.6, (14, 10, 10))):
        here, disc = x + radius * v, radius * np.sqrt(1 - v**2)
        top = np.maximum(EYES - 1 - disc, np.interp(here, *upper.T))
        bottom = np.minimum(EYES - 1 + disc, np.interp(here, *lower.T))
        paint(image, band(here, np.minimum(top, bottom), bottom), colour, blur=0.6)
    paint(image, oval(x - 2, EYES - 2, 1.4, 1.4), (250, 250, 250), opacity=0.8, blur=0.6)


def _brow(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """From beside the nose outwards; anger cuts a furrow at the inner end."""
    u = np.linspace(0, 1, 20)
    x = X + side * (26 * looks.spacing + (u - 0.45) * 37)
    y = BROWS - 7 * expression.brow_lift - 5 * np.sin(np.pi * u * 0.9) + 3 * u
    y = y - 11 * expression.brow_tilt * (0.55 - u)
    thickness = (3.4 - 2.4 * u) * looks.brows
    colour = np.minimum(shade(looks.hair, 0.55), shade(looks.skin, 0.42))
    brow = band(x, y - thickness, y + thickness * 0.8)
    paint(image, brow, colour, opacity=0.92, blur=1.1)
    furrow = np.array([[5, -4], [7, -4], [6, 10], [4, 10]]) * (side, 1) + np.array([X, BROWS])
    depth = 0.6 * np.clip(-expression.brow_tilt, 0, 1)
    paint(image, furrow, shade(looks.skin, 0.45), opacity=depth, blur=1.3)


def _cheek(image: np.ndarray, looks: Looks, expression: Expression, side: int) -> None:
    """Draw the fold from nose to mouth, and the apple of the cheek when smiling."""
    u, smile = np.linspace(0, 1, 12), float(np.clip(expression.smile, 0, 1))
    x = X + side * (15 * looks.nose + (14 + 7 * smile) * u**1.3)
    y = NOSE + 2 + (22 - 3 * expression.smile) * u
    fold = np.concatenate([np.stack([x - 1.2, y], 1), np.stack([x + 1.2, y], 1)[::-1]])
    depth = min(0.18 + 0.4 * abs(expression.smile), 0.6)
    paint(image, fold, shade(looks.skin, 0.5), opacity=depth, blur=1.6)
    apple = oval(X + side * 34 * looks.width, Y + 15, 13, 8)
    paint(image, apple, shade(looks.skin, 1.2), opacity=0.5 * smile, blur=5)


def _mouth(expression: Expression) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Place the opening: abscissae from -1 to 1, the same in pixels, its upper and lower edge."""
    smile, opening = expression.smile, max(expression.mouth, 0)
    u = np.linspace(-1, 1, 41)
    half = 23 + 5 * max(smile, 0) + 1.5 * min(smile, 0) - 3 * opening
    middle = MOUTH - 9 * smile * (u**2 - 0.45) - 5 * expression.skew * u
    arch = 1 - u**2
    x = X + half * u + 3 * expression.skew
    return u, x, middle - 3 * opening * arch, middle + 15 * opening * arch**0.8


def _lips(image: np.ndarray, looks: Looks, expression: Expression) -> None:
    u, x, top, bottom = _mouth(expression)
    red = np.array(looks.skin) * (0.80, 0.56, 0.56) + (14, 4, 6)
    arch = (1 - u**2) ** 0.75 * looks.lips
    upper, lower = top - (4.6 - 1.3 * np.exp(-((u / 0.16) ** 2))) * arch, bottom + 6.2 * arch
    shadow = band(x, lower - 1, lower + 3)
    paint(image, shadow, shade(looks.skin, 0.5), opacity=0.45, blur=2.5)
    paint(image, band(x, upper, lower), red, blur=1.1)
    gloss = band(x, bottom + 1.9 * arch, bottom + 4.3 * arch)
    paint(image, gloss, red * 1.3, opacity=0.5, blur=1.5)
    paint(image, band(x, upper, top), red * 0.78, opacity=0.7, blur=1)
    paint(image, band(x, top - 0.8, bottom + 0.8), (46, 16, 18))
    for end in (0, -1):
        dimple = oval(x[end], top[end], 3, 2.5)
        paint(image, dimple, shade(looks.skin, 0.4), opacity=0.6, blur=1.5)


def _teeth(image: np.ndarray, expression: Expression) -> None:
    """Upper teeth and tongue inside an open mouth."""
    u, x, top, bottom = _mouth(expression)
    inside = np.abs(u) < 0.82
    x, top, bottom = x[inside], top[inside], bottom[inside]
    teeth = np.minimum(top + 1.5 + 5 * min(expression.mouth, 0.8), bottom)
    paint(image, band(x, top + 0.5, teeth), (228, 222, 212), blur=0.8)
    tongue = np.maximum(bottom - 5 * expression.mouth, teeth)
    paint(image, band(x, tongue, bottom), (150, 70, 74), opacity=0.8, blur=1.2)


def _glasses(image: np.ndarray, looks: Looks) -> None:
    rim = (38, 32, 34)
    for side in _SIDES:
        x = X + side * 26 * looks.spacing
        outer, inner = oval(x, EYES + 2, 21, 16, 3), oval(x, EYES + 2, 19, 14, 3)
        ring = [outer, outer[:1], inner[:1], inner[::-1]]
        paint(image, np.concatenate(ring), rim)
        arm = band(x + side * np.array([20.0, 34.0]), np.full(2, EYES - 4), np.full(2, EYES - 1))
        paint(image, arm, rim)
    bridge = X + np.linspace(-1, 1, 9) * (26 * looks.spacing - 20)
    paint(image, band(bridge, np.full(9, EYES - 4), np.full(9, EYES - 1.5)), rim)
