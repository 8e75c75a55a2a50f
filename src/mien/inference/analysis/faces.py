"""The faces of a recording: followed in one pass, kept in files so that it can be resumed."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from mien.errors import MienError
from mien.inference.analysis.background import InBackground
from mien.inference.mouth_observer import FaceSeries, MouthObserver
from mien.media.crop_store import CropStore, StoredCrops
from mien.media.face_track import FaceTrack
from mien.media.face_tracking import follow_faces
from mien.media.faces import FACE_SIZE
from mien.models.pretrained.face_descriptor import FaceDescriptor
from mien.tensor_file import read_tensors, write_tensors
from mien.utterance import Media, Side

Tool = TypeVar("Tool")

MOUTH_INTERVAL = 0.1
"""Seconds from one look at the mouths to the next."""


@dataclass(frozen=True)
class SeenFaces:
    """The faces of a recording; times are seconds from the beginning of the file.

    Parameters
    ----------
    tracks : list of FaceTrack
        Each face, for as long as it is seen without a gap.
    series : mapping of int to FaceSeries
        By track what its mouth and eyes do.
    end : float
        When the last frame is on the screen.
    notes : list of str
        What is odd about the video, and what could not be measured.
    """

    tracks: list[FaceTrack] = field(default_factory=list)
    series: Mapping[int, FaceSeries] = field(default_factory=dict)
    end: float = 0.0
    notes: list[str] = field(default_factory=list)


def find_faces(
    media: Media,
    crops: Path,
    *,
    start: float | None,
    end: float | None,
    side: Side | None,
    max_seconds: float,
    size: int | None,
    keep_crops: bool,
    progress: Callable[[float], object],
) -> SeenFaces:
    """Follow the faces of a video, and what their mouths do.

    Parameters
    ----------
    media : Path or MediaBytes
        The video.
    crops : Path
        File for the crops.
    start, end, side, max_seconds
        What is looked at, as `mien.media.face_tracking.follow_faces` takes it.
    size : int or None
        Edge of the crops, pixels; None: that of `mien.media.faces.FACE_SIZE`.
    keep_crops : bool
        Write the crops.
    progress : callable
        Receives the time of each frame that is done.

    Raises
    ------
    MienError
        The file can't be read.
    """
    notes: list[str] = []
    describe = _available(FaceDescriptor, "faces of one person are not linked over cuts", notes)
    mouths = _available(MouthObserver, "which face speaks is not told", notes)
    last = start or 0.0

    def follow(time: float) -> None:
        nonlocal last
        last = time
        progress(time)

    with ExitStack() as stack:
        observers = [] if mouths is None else [stack.enter_context(InBackground(mouths))]
        tracks = follow_faces(
            media,
            start=start,
            end=end,
            side=side,
            frame_interval=None if mouths is None else MOUTH_INTERVAL,
            size=size or FACE_SIZE,
            describe=describe,
            observers=observers,
            max_seconds=max_seconds,
            crops=CropStore(crops),
            keep_crops=keep_crops,
            report=lambda note: notes.append(str(note)),
            progress=follow,
        )
    return SeenFaces(tracks, {} if mouths is None else mouths.faces, last, notes)


def _available(make: Callable[[], Tool], without: str, notes: list[str]) -> Tool | None:
    """Make what needs a package that may not be installed; note what is lost without it."""
    try:
        return make()
    except MienError as error:
        notes.append(f"{without}: {error}")
        return None


def save_faces(path: Path, seen: SeenFaces) -> None:
    """Write faces to a file; their crops are in a file already."""
    tensors: dict[str, Tensor] = {}
    for track in seen.tracks:
        assert isinstance(track.crops, StoredCrops)
        tensors |= {
            f"{track.id}.times": torch.tensor(track.times, dtype=torch.float64),
            f"{track.id}.boxes": torch.tensor(track.boxes).reshape(-1, 4),
            f"{track.id}.confidences": torch.tensor(track.confidences, dtype=torch.float64),
            f"{track.id}.crops": torch.tensor(track.crops.places).reshape(-1, 2),
        }
        if track.embedding is not None:
            tensors[f"{track.id}.embedding"] = torch.from_numpy(track.embedding)
        if (series := seen.series.get(track.id)) is not None:
            tensors[f"{track.id}.series_times"] = torch.from_numpy(series.times)
            tensors[f"{track.id}.series_values"] = torch.from_numpy(series.values)
    about = {"ids": [track.id for track in seen.tracks], "end": seen.end, "notes": seen.notes}
    about["size"] = seen.tracks[0].size if seen.tracks else FACE_SIZE
    write_tensors(path, tensors, {"about": json.dumps(about)})


def load_faces(path: Path, crops: Path) -> SeenFaces:
    """Read what `save_faces` wrote. Raises `MienError` if the file is damaged."""
    tensors, texts = read_tensors(path)
    try:
        about = json.loads(texts["about"])
        store = CropStore(crops)
        tracks = [
            FaceTrack(
                number,
                about["size"],
                tensors[f"{number}.times"].tolist(),
                [tuple(box) for box in tensors[f"{number}.boxes"].tolist()],
                StoredCrops(store, tensors[f"{number}.crops"].tolist()),
                tensors[f"{number}.confidences"].tolist(),
                tensors[f"{number}.embedding"].numpy()
                if f"{number}.embedding" in tensors
                else None,
            )
            for number in about["ids"]
        ]
        series = {
            number: FaceSeries.of(
                tensors[f"{number}.series_times"].numpy(),
                tensors[f"{number}.series_values"].numpy(),
            )
            for number in about["ids"]
            if f"{number}.series_times" in tensors
        }
    except (KeyError, ValueError, TypeError) as error:
        raise MienError(f"{path} is damaged ({error}): begin anew, without resuming") from error
    return SeenFaces(tracks, series, about["end"], about["notes"])
