"""The primitive with which faces are drawn: a polygon with a soft edge."""

import cv2
import numpy as np

HEIGHT, WIDTH = 270, 360
"""Size of the image of one person, pixels."""

Colour = tuple[int, int, int]


def paint(
    image: np.ndarray,
    points: np.ndarray,
    colour: Colour | np.ndarray,
    *,
    opacity: float = 1.0,
    blur: float = 0.7,
) -> None:
    """Fill a polygon in place.

    Parameters
    ----------
    image : array (270, 360, 3) float32
        RGB, 0 to 255.
    points : array (N, 2)
        Corners (x, y), pixels.
    colour : RGB
        Colour of the polygon.
    opacity : float
        Share of the colour in the middle of the polygon.
    blur : float
        Width of the soft edge, standard deviation in pixels.
    """
    margin = int(3 * blur) + 2
    low = np.clip(np.floor(points.min(0)).astype(int) - margin, 0, (WIDTH, HEIGHT))
    high = np.clip(np.ceil(points.max(0)).astype(int) + margin, 0, (WIDTH, HEIGHT))
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    corners = ((points - low) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), blur) * (opacity / 255)
    region = image[low[1] : high[1], low[0] : high[0]]
    region += soft[..., None] * (np.asarray(colour, np.float32) - region)


def oval(x: float, y: float, rx: float, ry: float, power: float = 2.0) -> np.ndarray:
    """Outline of a superellipse, (64, 2): an ellipse at power 2, squarer above it."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(unit) * np.abs(unit) ** (2 / power) * (rx, ry) + (x, y)


def band(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Polygon between two curves over the same abscissae (2 N, 2); never inside out."""
    upper, lower = np.stack([x, top], 1), np.stack([x, np.maximum(top, bottom)], 1)
    return np.concatenate([upper, lower[::-1]])


def shade(colour: Colour, factor: float) -> np.ndarray:
    """Make a colour darker (below 1) or lighter; what gets darker keeps more of its red."""
    warm = np.array([0.92, 1.0, 1.06]) if factor < 1 else np.ones(3)
    return np.clip(np.array(colour) * factor**warm, 0, 255)
