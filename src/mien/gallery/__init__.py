"""Persons enrolled from clips, and who of them a clip shows."""

from importlib.util import find_spec

from mien.errors import MienError

if not all(map(find_spec, ("lancedb", "lance"))):
    raise MienError("a gallery needs an extra: pip install 'mien[gallery]'")

from mien.gallery.gallery import Gallery
from mien.gallery.records import (
    UNKNOWN,
    Candidate,
    Enrolment,
    Identification,
    Record,
    Verification,
)
from mien.gallery.threshold import Calibration, calibrate

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
