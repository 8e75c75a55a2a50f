"""A frame is rotated, mirrored, widened and tone-mapped as it is meant to be displayed."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media_files import set_display_matrix, write_video

from mien.media.decode import read_frames
from mien.media.notes import Note
from mien.media.rgb import to_rgb

# What each EXIF orientation asks for: the stored rows and columns of the picture as it was seen.
STORED = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.swapaxes(0, 1),
    6: lambda seen: np.rot90(seen),
    7: lambda seen: seen[::-1, ::-1].swapaxes(0, 1),
    8: lambda seen: np.rot90(seen, -1),
}
# The display matrix (a, b, c, d) that undoes each of them.
MATRIX = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


@pytest.fixture
def scene() -> np.ndarray:
    """A synthetic picture without any symmetry: a red corner and a green edge on grey."""
    picture = np.full((48, 80, 3), 120, np.uint8)
    picture[:16, :24] = (220, 30, 30)
    picture[:, 64:] = (30, 200, 30)
    return picture


def first(path: Path, **options) -> np.ndarray:
    return next(read_frames(path, [(0, None)], **options))[2]


def write_exif(path: Path, pixels: np.ndarray, orientation: int) -> None:
    """Write a picture with an EXIF orientation, as a camera does."""
    entry = struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0)
    exif = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    ok, data = cv2.imencode(path.suffix, pixels[..., ::-1])
    assert ok
    data = data.tobytes()
    if path.suffix == ".png":
        chunk = b"eXIf" + exif
        data = (
            data[:33]
            + struct.pack(">I", len(exif))
            + chunk
            + struct.pack(">I", zlib.crc32(chunk))
            + data[33:]
        )
    else:
        segment = b"Exif\0\0" + exif
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_exif_orientation_is_upright(tmp_path, scene, suffix, orientation):
    path = tmp_path / f"a{suffix}"
    write_exif(path, np.ascontiguousarray(STORED[orientation](scene)), orientation)
    picture = first(path)
    assert picture.shape == scene.shape
    assert np.abs(picture.astype(int) - scene).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_display_matrix_is_obeyed(tmp_path, scene, orientation):
    stored = np.ascontiguousarray(STORED[orientation](scene))
    height, width = stored.shape[:2]
    path = write_video(
        tmp_path / "a.mp4", 3, picture=stored, size=(width, height), pix_fmt="yuv444p"
    )
    set_display_matrix(path, MATRIX[orientation])
    picture = first(path)
    assert picture.shape == scene.shape
    assert np.abs(picture.astype(int) - scene).mean() < 6


def test_a_matrix_of_zeros_leaves_the_frame_as_it_is(tmp_path, scene):
    path = write_video(tmp_path / "a.mp4", 3, picture=scene, size=(80, 48), pix_fmt="yuv444p")
    set_display_matrix(path, (0, 0, 0, 0))
    assert np.abs(first(path).astype(int) - scene).mean() < 6


def test_the_half_is_cut_from_the_upright_frame(tmp_path, scene):
    path = tmp_path / "a.jpg"
    write_exif(path, np.ascontiguousarray(STORED[6](scene)), 6)
    left = first(path, side=["left"])
    assert np.abs(left.astype(int) - scene[:, :40]).mean() < 6


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [
        (Fraction(2), (48, 160)),
        (Fraction(1, 2), (96, 80)),
        (Fraction(16, 15), (48, 85)),
        (Fraction(1001, 1000), (48, 80)),
        (Fraction(100), (48, 80)),
        (None, (48, 80)),
    ],
)
def test_pixels_become_square(scene, aspect, shape):
    frame = av.VideoFrame.from_ndarray(scene, format="rgb24")
    picture = to_rgb(frame, aspect)
    assert picture.shape == (*shape, 3)
    expected = cv2.resize(scene, shape[::-1], interpolation=cv2.INTER_LINEAR)
    assert np.abs(picture.astype(int) - expected).mean() < 4


def test_the_aspect_of_a_file_is_that_of_its_pixels_before_it_is_turned(tmp_path, scene):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        track = file.add_stream("libx264", rate=25, options={"qp": "0"})
        track.width, track.height, track.pix_fmt = 80, 48, "yuv444p"
        track.codec_context.sample_aspect_ratio = Fraction(2)
        file.mux(track.encode(av.VideoFrame.from_ndarray(scene, format="rgb24")))
        file.mux(track.encode(None))
    assert first(path).shape == (48, 160, 3)
    set_display_matrix(path, MATRIX[6])
    assert first(path).shape == (160, 48, 3)


@pytest.mark.parametrize("curve", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_mapped_and_noted(tmp_path, curve):
    """A fifth of the light of white on the left and white on the right, in 10 bits."""
    luma = np.empty((48, 64), np.uint16)
    luma[:, :32] = 64 + round(876 * pq_or_hlg(curve, 0.2))
    luma[:, 32:] = 64 + round(876 * pq_or_hlg(curve, 1.0))
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        track = file.add_stream("ffv1", rate=25)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p10le"
        track.codec_context.color_trc = curve
        track.codec_context.color_range = 1
        frame = av.VideoFrame(64, 48, "yuv420p10le")
        for plane, values in zip(frame.planes, (luma, 512, 512), strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : plane.width] = values
            plane.update(rows.tobytes())
        frame.color_trc, frame.color_range = curve, 1
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    notes: list[Note] = []
    picture = first(path, report=notes.append)
    # A fifth of the light of white is 124 in sRGB.
    assert picture[:, 4:28].mean() == pytest.approx(124, abs=2)
    assert picture[:, 36:60].mean() == pytest.approx(255, abs=2)
    assert [note.kind for note in notes] == ["high dynamic range"]


def pq_or_hlg(curve: int, share: float) -> float:
    """Give the signal of a share of white of 203 cd/m² (BT.2100; HLG on a screen of 1000)."""
    light = 203 * share
    if curve == 16:
        root = (light / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** 78.84375
    scene = (light / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return (3 * scene) ** 0.5
    return 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073
