"""Following all faces of a video over time, in one pass."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from mien.errors import MienError
from mien.media.crop_store import CropStore, StoredCrops
from mien.media.decode import read_frames
from mien.media.face_matching import Describe, FaceMatcher, LiveFace, Scene
from mien.media.face_observers import FrameRelay, Observer, Seen
from mien.media.face_track import SAME_FACE, FaceTrack
from mien.media.faces import FACE_SIZE, Face, FaceCropper, check_face_size
from mien.media.full_search import FullSearch
from mien.media.notes import Reporter
from mien.media.scene_cuts import Change, CutFinder
from mien.utterance import Media, Side

__all__ = ["Describe", "FaceFollower", "FaceTrack", "Observer", "follow_faces"]

SEARCH_INTERVAL = 0.5
"""Seconds from one search for faces to the next."""

MAX_MISSING = 2.0
"""Seconds without a detection after which a track ends."""

MAX_RECORDING_SECONDS = 4 * 3600.0
"""Longest recording in which faces are followed."""

FRAME_INTERVAL = 0.25
"""Seconds from one frame to the next where there is no observer: as cuts need it."""

# After a cut a frame is searched at once, but no sooner than this share of the interval.
_AFTER_CUT = 0.2
_TOLERANCE = 1e-3


class FaceFollower:
    """Follows all faces of a video: `add` its frames in order, then `finish`.

    A track ends where the scene is cut, or where its face is missing for `MAX_MISSING` seconds. It
    is never given another id afterwards.

    Parameters
    ----------
    cropper : FaceCropper, optional
        Finds the faces.
    interval : float
        Seconds from one search to the next. After a cut, a frame is searched at once.
    size : int
        Edge of the crops, pixels.
    describe : callable, optional
        Describes a face (image, box) by a vector (E,). A few faces of a track are described, and
        those whose place does not tell who it is.
    threshold : float
        Cosine of descriptors from which on two faces are of one person.
    observers : sequence of callable
        Called for every frame with its time, the image and the boxes by track id. They lag behind
        by up to one interval, so that boxes between two searches are interpolated.
    crops : CropStore, optional
        Where the crops are kept (default: one of its own).
    keep_crops : bool
        Keep the crops at all.

    Examples
    --------
    >>> follower = FaceFollower()
    >>> follower.add(0.0, np.zeros((120, 160, 3), np.uint8))
    >>> follower.finish()
    []
    """

    def __init__(
        self,
        cropper: FaceCropper | None = None,
        *,
        interval: float = SEARCH_INTERVAL,
        size: int = FACE_SIZE,
        describe: Describe | None = None,
        threshold: float = SAME_FACE,
        observers: Sequence[Observer] = (),
        crops: CropStore | None = None,
        keep_crops: bool = True,
    ) -> None:
        if not interval > 0:
            raise MienError(f"the interval of the search must be above 0 seconds, not {interval}")
        check_face_size(size)
        self._cropper = cropper or FaceCropper()
        self._interval, self._size = interval, size
        self._matcher = FaceMatcher(describe, threshold)
        self._relay = FrameRelay(observers)
        self._cuts, self._full = CutFinder(), FullSearch(interval / 2)
        self._live: list[LiveFace] = []
        self._ended: list[FaceTrack] = []
        self._crops, self._keep_crops = crops or CropStore(), keep_crops
        self._searched: tuple[np.ndarray, list[Face]] | None = None
        self._time = self._last_search = self._hurried = -np.inf
        self._due = -np.inf
        self._suspect = False
        self._count = 0

    def add(self, time: float, image: np.ndarray) -> None:
        """Take the next frame.

        Parameters
        ----------
        time : float
            Seconds, later than that of the frame before.
        image : array (H, W, 3) uint8
            RGB. It must not be changed afterwards. The same object as before is not searched again.

        Raises
        ------
        ValueError
            The time is not later than that of the frame before.
        """
        if not time > self._time:
            raise ValueError(f"frames must be in order of time: {time} after {self._time}")
        self._time = time
        self._notice(time, self._cuts(time, image))
        if self._cuts.unsure or time < self._due - _TOLERANCE:
            self._relay.hold(time, image, self._seen())
            return
        before = self._seen()
        found, cut = self._search(time, image)
        if cut:
            self._relay.release(before, {})
        self._relay.hold(time, image, before)
        self._relay.release({} if cut else before, found)

    def finish(self) -> list[FaceTrack]:
        """End all tracks and return them, in order of their ids."""
        self._relay.release(self._seen(), {})
        self._end(self._live)
        return sorted(self._ended, key=lambda track: track.id)

    def _notice(self, time: float, change: Change) -> None:
        """Search sooner where the scene is cut, or may be: for a pan that goes on, once."""
        if change == "cut":
            self._relay.release(self._seen(), {})
            self._end(self._live)
        if change == "cut" or (change == "perhaps" and time >= self._hurried + self._interval):
            self._hurried = time
            self._due = min(self._due, self._last_search + _AFTER_CUT * self._interval)
        self._suspect = self._suspect or change is not None

    def _search(self, time: float, image: np.ndarray) -> tuple[Seen, bool]:
        """Search a frame; give where the faces are that are in it, and whether the scene was cut.

        Where that was in doubt, it was cut if no face is still there.
        """
        late = time - self._due > self._interval / 2
        self._due = (time if late else self._due) + self._interval
        self._end([one for one in self._live if time - one.track.end > MAX_MISSING + _TOLERANCE])
        faces = self._faces(time, image)
        scene = Scene(time, image, self._suspect, 1.5 * self._interval)
        matches, descriptors = self._matcher.match(self._live, faces, scene)
        cut = self._suspect and bool(self._live) and not matches
        if cut:
            self._end(self._live)
        self._suspect, self._last_search = False, time
        seen = [
            self._live[matches[number]] if number in matches else self._begin()
            for number in range(len(faces))
        ]
        for number, (one, face) in enumerate(zip(seen, faces, strict=True)):
            descriptor = descriptors.get(number)
            if descriptor is None and one.is_due(face):
                descriptor = self._matcher.describe(image, face)
            one.extend(time, face, descriptor)
        self._live += [one for one in seen if len(one.track.times) == 1]
        return {one.track.id: (time, one.track.boxes[-1]) for one in seen}, cut

    def _faces(self, time: float, image: np.ndarray) -> list[Face]:
        """Find the faces: near those of the last search if these are all there, or in the frame."""
        if self._searched is not None and self._searched[0] is image:
            return self._searched[1]
        faces: list[Face] = []
        near, thumbnail = [one.predict(time) for one in self._live], self._cuts.thumbnail
        scale = np.array(thumbnail.shape[::-1] * 2) / (image.shape[1::-1] * 2)
        places = [tuple((scale * box).tolist()) for box in near]
        if near and not (self._suspect or self._full.is_due(time, thumbnail, places)):
            faces = self._cropper.crop_all(image, self._size, near)
        if not faces or len(faces) < len(near):
            self._full.done(time, thumbnail)
            faces = self._cropper.crop_all(image, self._size)
        self._searched = image, faces
        return faces

    def _begin(self) -> LiveFace:
        self._count += 1
        crops = StoredCrops(self._crops)
        return LiveFace(FaceTrack(self._count, self._size, crops=crops), self._keep_crops)

    def _seen(self) -> Seen:
        return {one.track.id: (one.track.end, one.track.boxes[-1]) for one in self._live}

    def _end(self, ending: Sequence[LiveFace]) -> None:
        self._ended += [one.close() for one in ending]
        self._live = [one for one in self._live if one not in ending]


def follow_faces(
    path: Media,
    *,
    start: float | None = None,
    end: float | None = None,
    side: Side | None = None,
    interval: float = SEARCH_INTERVAL,
    frame_interval: float | None = None,
    size: int = FACE_SIZE,
    describe: Describe | None = None,
    threshold: float = SAME_FACE,
    observers: Sequence[Observer] = (),
    cropper: FaceCropper | None = None,
    crops: CropStore | None = None,
    keep_crops: bool = True,
    max_seconds: float = MAX_RECORDING_SECONDS,
    report: Reporter = warnings.warn,
    progress: Callable[[float], object] | None = None,
) -> list[FaceTrack]:
    """Follow all faces of a video in a single pass.

    Parameters
    ----------
    path : Path or MediaBytes
        The video.
    start, end : float, optional
        Seconds from the beginning of the file; None: its beginning, its end.
    side : {"left", "right", None}
        The half of a split-screen video to look at.
    interval, size, describe, threshold, observers, cropper, crops, keep_crops
        See `FaceFollower`.
    frame_interval : float, optional
        Seconds from one frame to the next that is looked at, for observers. None: `FRAME_INTERVAL`.
    max_seconds : float
        Longest stretch that is used; what comes after is reported and left out.
    report : callable
        Receives notes on what is odd about the file.
    progress : callable, optional
        Receives the time, in seconds, of each frame that is done.

    Returns
    -------
    list of FaceTrack
        In order of their ids.

    Raises
    ------
    MienError
        The file can't be read, or has no video.

    Examples
    --------
    >>> tracks = follow_faces(Path("talk.mp4"))                              # doctest: +SKIP
    >>> [(track.id, track.start, track.end) for track in tracks]             # doctest: +SKIP
    [(1, 0.0, 61.5), (2, 0.5, 60.0)]
    """
    follower = FaceFollower(
        cropper,
        interval=interval,
        size=size,
        describe=describe,
        threshold=threshold,
        observers=observers,
        crops=crops,
        keep_crops=keep_crops,
    )
    for _, time, image in read_frames(
        path,
        [(start or 0.0, end)],
        interval=frame_interval or min(FRAME_INTERVAL, interval),
        side=[side],
        max_seconds=max_seconds,
        report=report,
    ):
        follower.add(time, image)
        if progress is not None:
            progress(time)
    return follower.finish()
