"""A decoded frame as the picture that was seen."""

from typing import Any

import numpy as np


def to_rgb(frame: Any) -> np.ndarray:
    """Turn a frame of any pixel format into RGB, upright as the phone was held."""
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
