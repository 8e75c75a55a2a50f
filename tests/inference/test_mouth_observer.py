"""The observer keeps a few numbers of each face and frame, and follows what it saw before."""

import numpy as np
import pytest

from mien.inference.mouth_observer import MEASURES, FaceSeries, MouthObserver
from mien.models.face_geometry import POINTS, RIGID, RIGID_FACE
from mien.models.pretrained.face_landmarks import Box, FaceLandmarks, Landmarks

IMAGE = np.zeros((90, 120, 3), np.uint8)
BOX: Box = (10, 20, 50, 70)


class Scripted(FaceLandmarks):
    """Finds a face that looks ahead, or none, and notes what it was told of the frame before."""

    def __init__(self, presence: float = 1.0) -> None:
        self.presence = presence
        self.previous: list[bool] = []

    def __call__(self, image: np.ndarray, box: Box, previous: Landmarks | None = None) -> Landmarks:
        self.previous.append(previous is not None)
        points = np.zeros((POINTS, 3))
        points[list(RIGID)] = 40 * RIGID_FACE
        return Landmarks(points, self.presence)


def test_each_face_has_a_series_of_its_measures() -> None:
    observer = MouthObserver(Scripted())
    for n in range(3):
        observer(n / 25, IMAGE, {1: BOX} if n else {1: BOX, 4: (60, 20, 90, 60)})
    observer(0.2, IMAGE, {})
    assert {track: len(one.times) for track, one in observer.faces.items()} == {1: 3, 4: 1}
    one = observer.faces[1]
    assert one.times == pytest.approx([0, 0.04, 0.08])
    assert one.values.shape == (3, len(MEASURES))
    assert one.values[:, :4].tolist() == [list(BOX)] * 3
    assert one["yaw"] == pytest.approx(0, abs=1e-3)
    assert (one["mouth"] == 0).all()


def test_the_box_of_a_face_that_is_not_there_is_kept_without_measures() -> None:
    observer = MouthObserver(Scripted(presence=0.2))
    observer(0.0, IMAGE, {1: BOX})
    assert observer.faces[1].values[0, :4].tolist() == list(BOX)
    assert np.isnan(observer.faces[1].values[0, 4:]).all()


def test_only_the_frame_before_is_a_help() -> None:
    landmarks = Scripted()
    observer = MouthObserver(landmarks)
    frames = [(0.0, {1}), (0.04, {1, 2}), (0.08, {2}), (0.12, {1, 2}), (0.16, {1}), (0.6, {1})]
    for time, tracks in frames:
        observer(time, IMAGE, dict.fromkeys(sorted(tracks), BOX))
    told = [False, True, False, True, False, True, True, False]
    assert landmarks.previous == told


def test_measures_that_are_not_given_are_unknown() -> None:
    series = FaceSeries()
    assert (series.times.shape, series.values.shape) == ((0,), (0, len(MEASURES)))
    series.append(3.25, {"roll": 5.0})
    assert series.times.tolist() == [3.25]
    assert series["roll"].tolist() == [5.0]
    assert np.isnan(np.delete(series.values[0], MEASURES.index("roll"))).all()
