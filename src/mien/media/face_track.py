"""A face that is followed from frame to frame."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.media.crop_codec import decode_crop
from mien.media.crop_store import StoredCrops
from mien.media.faces import FACE_SIZE, Box
from mien.resize import resize_faces

SAME_FACE = 0.916
"""Cosine of two embeddings from which on two tracks are of one person.

That of dlib's descriptor, by its author's distance of 0.6 (benchmarks/face_identity.md)."""


@dataclass(eq=False)
class FaceTrack:
    """One face, from where it appears until it leaves or the scene is cut.

    Parameters
    ----------
    id : int
        Number within the recording, from 1.
    size : int
        Edge of the crops, pixels.
    times : list of float
        Seconds from the beginning of the recording, ascending: where the face was detected.
    boxes : list of (left, top, right, bottom)
        Where it was detected at each of these times, in pixels of the image.
    crops : list of bytes, or StoredCrops
        The crop at each of these times, as `mien.media.faces.FaceCropper` cuts it, compressed by
        `mien.media.crop_codec`; those of hours are kept on the disk. `faces_between` decodes them.
        None, where they were not asked for.
    confidences : list of float
        Of the detector, at each of these times, 0.7 to 1.
    embedding : array (E,) float32 or None
        The mean face descriptor, of unit length; None: faces were not described.
    """

    id: int
    size: int = FACE_SIZE
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    crops: list[bytes] | StoredCrops = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    embedding: np.ndarray | None = None

    @property
    def start(self) -> float:
        """Seconds at which it is first seen."""
        return self.times[0]

    @property
    def end(self) -> float:
        """Seconds at which it is last seen."""
        return self.times[-1]


def faces_between(
    track: FaceTrack, start: float, end: float, size: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Decode the crops of a stretch of time.

    Parameters
    ----------
    track : FaceTrack
        The face.
    start, end : float
        Seconds from the beginning of the recording, the end excluded.
    size : int, optional
        Edge of the crops, pixels: another than the track's is resized from it. None: the track's.

    Returns
    -------
    faces : array (T, S, S, 3) uint8
        RGB; T is 0 where the face is not seen in that time.
    times : array (T,) float32
        Seconds from the beginning of the recording.
    """
    chosen = slice(bisect_left(track.times, start), bisect_left(track.times, end))
    crops = [decode_crop(crop, track.size) for crop in track.crops[chosen]]
    faces = np.stack(crops) if crops else np.empty((0, track.size, track.size, 3), np.uint8)
    return resize_faces(faces, size or track.size), np.array(track.times[chosen], np.float32)


def same_person(tracks: Sequence[FaceTrack], threshold: float = SAME_FACE) -> list[list[int]]:
    """Group the tracks of each person, by their embeddings.

    Tracks are linked by the mean cosine (average linkage). Two that are seen at one time are never
    of one person.

    Parameters
    ----------
    tracks : sequence of FaceTrack
        All of one recording. One without an embedding is a group by itself.
    threshold : float
        Mean cosine from which on two groups are of one person.

    Returns
    -------
    list of list of int
        The ids of each group, ascending; the groups in order of their first id.
    """
    described = [track for track in tracks if track.embedding is not None]
    groups = [[track.id] for track in tracks if track.embedding is None]
    if len(described) > 1:
        by_label: dict[int, list[int]] = {}
        for label, track in zip(_clusters(described, threshold), described, strict=True):
            by_label.setdefault(int(label), []).append(track.id)
        groups += by_label.values()
    else:
        groups += [[track.id] for track in described]
    return sorted(sorted(group) for group in groups)


def _clusters(tracks: Sequence[FaceTrack], threshold: float) -> np.ndarray:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    units = np.stack([track.embedding for track in tracks if track.embedding is not None])
    distances = np.maximum(1 - (units @ units.T).astype(float), 0)
    starts = np.array([track.start for track in tracks])
    ends = np.array([track.end for track in tracks])
    together = (starts[:, None] <= ends) & (starts <= ends[:, None])
    # So far apart that no mean over a group comes below the threshold.
    distances[together] = 1e9
    np.fill_diagonal(distances, 0)
    found: np.ndarray = fcluster(
        linkage(squareform(distances, checks=False), "average"), 1 - threshold, "distance"
    )
    return found
