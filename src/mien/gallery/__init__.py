"""A gallery of enrolled persons: who of them, if any, is in a clip."""

from importlib.util import find_spec

from mien.errors import MienError

if not all(map(find_spec, ("lancedb", "lance"))):
    raise MienError("a gallery needs an extra: pip install 'mien[gallery]'")

from mien.gallery.gallery import Gallery
from mien.gallery.threshold import Calibration, calibrate
from mien.gallery.types import (
    UNKNOWN,
    Candidate,
    Enrolment,
    Identification,
    Record,
    Verification,
)

__all__ = [
    "UNKNOWN",
    "Calibration",
    "Candidate",
    "Enrolment",
    "Gallery",
    "Identification",
    "Record",
    "Verification",
    "calibrate",
]
