"""A face that is followed from frame to frame."""

from dataclasses import dataclass, field

import numpy as np

from mien.media.faces import Box


@dataclass
class FaceTrack:
    """One face, from where it appears until it leaves or the scene is cut.

    Parameters
    ----------
    id : int
        Number within the recording, from 1.
    times : list of float
        Seconds from the beginning of the recording, ascending.
    boxes : list of (left, top, right, bottom)
        Where the face was detected at each of these times, in pixels of the image.
    crops : list of bytes
        The crop at each of these times, compressed by `mien.media.crop_codec`: hours of crops are
        too many for the memory otherwise.
    embedding : array (E,) or None
        The mean face descriptor, of unit length; None: no face encoder is installed.
    """

    id: int
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    crops: list[bytes] = field(default_factory=list)
    embedding: np.ndarray | None = None
