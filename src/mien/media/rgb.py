"""Convert a decoded frame to RGB: upright, with square pixels, in standard dynamic range."""

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from av.sidedata import sidedata

from mien.media.limits import MAX_PIXELS

HDR = {16: "PQ", 18: "HLG"}
"""Transfer functions of high dynamic range, by their numbers in ITU-T H.273."""

# Candela per square metre that are white in standard dynamic range (ITU-R BT.2408).
_WHITE = 203.0
# Pixels this much wider than high, or less, are believed; others are faults of a header.
_MAX_ASPECT = 4


def to_rgb(frame: Any, pixel_aspect: Fraction | None = None) -> np.ndarray:
    """Convert a frame of any pixel format to RGB, as it is meant to be displayed.

    Parameters
    ----------
    frame : av.VideoFrame
        Its display matrix, which cameras write and FFmpeg makes of EXIF orientations, is applied:
        quarter turns and mirroring. High dynamic range is mapped to standard dynamic range.
    pixel_aspect : Fraction, optional
        Width of a pixel by its height. Frames are enlarged so that pixels become square.

    Returns
    -------
    array (H, W, 3) uint8
    """
    width, height = _square(frame.width, frame.height, pixel_aspect)
    curve = HDR.get(frame.color_trc)
    # 8 bits are too few to stretch the range.
    kind = "rgb24" if curve is None else "rgb48le"
    pixels = frame.to_ndarray(format=kind, width=width, height=height)
    if curve is not None:
        pixels = _to_srgb(curve)[pixels]
    return np.ascontiguousarray(_upright(pixels, _display_matrix(frame)))


def _square(width: int, height: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    aspect = float(pixel_aspect or 1)
    if not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT or abs(aspect - 1) < 0.01:
        return width, height
    if (aspect > 1) == (width * height * max(aspect, 1 / aspect) <= MAX_PIXELS):
        return max(1, round(width * aspect)), height
    return width, max(1, round(height / aspect))


def _upright(pixels: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Mirror and rotate by a display matrix, to the nearest quarter turn.

    A point (x, y) of the frame, y downwards, goes to x (a, b) + y (c, d).
    """
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].astype(float)
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _display_matrix(frame: Any) -> np.ndarray | None:
    for data in _SideData(frame):
        if data.type is sidedata.Type.DISPLAYMATRIX and len(bytes(data)) == 36:
            return np.frombuffer(bytes(data), np.int32).reshape(3, 3)
    return None


# `frame.side_data` would keep the frame in memory for ever: the two reference each other.
_SideData: Any = sidedata.SideDataContainer


def _unknown(kinds: Any, value: int) -> Any:
    member = object.__new__(kinds)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return member


# PyAV 18 knows fewer kinds of side data than FFmpeg (it lacks EXIF), and refuses to list any of a
# frame that has an unknown one.
setattr(sidedata.Type, "_missing_", classmethod(_unknown))  # noqa: B010, mypy refuses it plain


@cache
def _to_srgb(curve: str) -> np.ndarray:
    """Map 16-bit values of a transfer function to sRGB, white to white."""
    signal = np.linspace(0, 1, 65_536)
    light = np.minimum((_pq(signal) if curve == "PQ" else _hlg(signal)) / _WHITE, 1)
    low, high = 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    return np.rint(255 * np.where(light <= 0.0031308, low, high)).astype(np.uint8)


def _pq(signal: np.ndarray) -> np.ndarray:
    """Candela per square metre of a signal (SMPTE ST 2084)."""
    root = signal ** (1 / 78.84375)
    light: np.ndarray = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return 10_000 * light ** (1 / 0.1593017578125)


def _hlg(signal: np.ndarray) -> np.ndarray:
    """Candela per square metre of a signal, on a display with a peak of 1000 (ITU-R BT.2100)."""
    scene = np.where(
        signal <= 0.5,
        signal**2 / 3,
        (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12,
    )
    return 1000 * scene**1.2
