"""Numbered images are read as the frames of a video."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.media.decode import decode, read_frames
from mien.media.image_sequence import find_images
from mien.media.notes import Damage
from mien.utterance import Utterance


def write(
    folder: Path, numbers, name: str = "image_{}.png", size: tuple[int, int] = (16, 16)
) -> Path:
    """Write grey synthetic pictures, each as bright as its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / name.format(number)), np.full((*size, 3), number, np.uint8))
    return folder / name.replace("{}", "%d")


def seen(pattern: Path, rate: float, *spans, **options) -> list[tuple[int, float, int]]:
    frames = read_frames(pattern, spans or [(0, None)], rate=rate, **options)
    return [(span, round(time, 6), int(picture.mean())) for span, time, picture in frames]


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    pattern = write(tmp_path, range(12))
    assert list(find_images(pattern)) == list(range(12))
    assert [number for _, _, number in seen(pattern, 2)] == list(range(12))


def test_leading_zeros_other_files_and_other_sides(tmp_path: Path) -> None:
    pattern = write(tmp_path, (8, 9, 10), "image_L_{:03d}.png").with_name("image_L_%03d.png")
    write(tmp_path, range(40), "image_R_{}.png")
    for name in ("audio.wav", "._image_L_009.png", "image_L_9.png.txt", "image_L_x.png"):
        (tmp_path / name).write_bytes(b"\0")
    for name in ("image_L_%03d.png", "image_L_%d.png"):
        assert [path.name for path in find_images(pattern.with_name(name)).values()] == [
            "image_L_008.png",
            "image_L_009.png",
            "image_L_010.png",
        ]


@pytest.mark.parametrize("first", [0, 1, 7])
def test_the_first_image_is_at_zero_whatever_its_number(tmp_path: Path, first: int) -> None:
    pattern = write(tmp_path, range(first, first + 4))
    assert seen(pattern, 2) == [(0, i / 2, first + i) for i in range(4)]


def test_images_at_two_a_second_are_all_taken(tmp_path: Path) -> None:
    """A published loader steps 15 through them, as if they were 30 a second."""
    pattern = write(tmp_path, range(20))
    assert [number for _, _, number in seen(pattern, 2, interval=0.5)] == list(range(20))
    assert [number for _, _, number in seen(pattern, 2, interval=0.1)] == list(range(20))
    assert [number for _, _, number in seen(pattern, 2, interval=1.5)] == list(range(0, 20, 3))


def test_images_at_the_rate_of_a_film_are_taken_at_the_interval(tmp_path: Path) -> None:
    pattern = write(tmp_path, range(61))
    assert seen(pattern, 30, interval=0.5) == [
        (0, 0.0, 0),
        (0, 0.5, 15),
        (0, 1.0, 30),
        (0, 1.5, 45),
        (0, 2.0, 60),
    ]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_each_time_shows_the_image_of_that_time(data, tmp_path_factory) -> None:
    rate = data.draw(st.sampled_from([1.0, 2.0, 12.5, 30000 / 1001, 30.0]))
    count = data.draw(st.integers(1, 60))
    interval = data.draw(st.sampled_from([0.04, 0.1, 0.5, 1.7]))
    start = data.draw(st.integers(-500, 3000)) / 1000
    pattern = write(tmp_path_factory.mktemp("film"), range(count), size=(2, 2))
    got = seen(pattern, rate, (start, None), interval=interval)
    step = max(interval, 1 / rate)
    assert [time for _, time, _ in got] == [
        round(max(start, 0) + k * step, 6) for k in range(len(got))
    ]
    for _, time, number in got:
        assert math.floor(time * rate - 1e-4) <= number <= math.floor((time + 0.002) * rate)
    assert abs(len(got) - max(0, math.ceil((count / rate - max(start, 0)) / step))) <= 1


def test_only_the_images_wanted_are_opened(tmp_path: Path) -> None:
    pattern = write(tmp_path, (0, 15, 30))
    for number in set(range(31)) - {0, 15, 30}:
        (tmp_path / f"image_{number}.png").write_bytes(b"no picture")
    damages: list[Damage] = []
    assert [n for _, _, n in seen(pattern, 30, interval=0.5, report=damages.append)] == [0, 15, 30]
    assert damages == []


def test_over_a_gap_the_image_before_stays_and_it_is_reported(tmp_path: Path) -> None:
    pattern = write(tmp_path, (0, 1, 5, 6))
    damages: list[Damage] = []
    got = seen(pattern, 2, report=damages.append)
    assert [number for _, _, number in got] == [0, 1, 1, 1, 1, 5, 6]
    (damage,) = damages
    assert damage.at == 1.0
    assert "3 of the images up to number 6 are missing" in str(damage)


def test_a_broken_image_is_left_out_and_reported(tmp_path: Path) -> None:
    pattern = write(tmp_path, range(4))
    (tmp_path / "image_2.png").write_bytes(b"no picture")
    damages: list[Damage] = []
    assert [n for _, _, n in seen(pattern, 2, report=damages.append)] == [0, 1, 3]
    (damage,) = damages
    assert damage.at == 1.0
    assert "image_2.png" in str(damage)
    assert str(damage).startswith(str(pattern))


def test_a_jpeg_has_its_colours_and_its_half(tmp_path: Path) -> None:
    scene = np.zeros((224, 224, 3), np.uint8)
    scene[:, :112], scene[:, 112:] = (200, 40, 20), (10, 60, 220)
    cv2.imwrite(str(tmp_path / "image_0.jpg"), scene[:, :, ::-1])
    pattern = tmp_path / "image_%d.jpg"
    (_, _, whole), (_, _, right) = read_frames(
        pattern, [(0, None)] * 2, rate=25, side=[None, "right"]
    )
    np.testing.assert_allclose(whole[:, :100].astype(int), scene[:, :100], atol=6)
    np.testing.assert_allclose(right[:, 20:].astype(int), scene[:, 132:], atol=6)
    expected = cv2.imread(str(tmp_path / "image_0.jpg"))[:, :, ::-1]
    inside = np.r_[:108, 116:224]  # libraries differ in how they blend colours at an edge
    np.testing.assert_allclose(whole[:, inside].astype(int), expected[:, inside], atol=3)


def test_an_utterance_of_images_is_decoded(tmp_path: Path) -> None:
    pattern = write(tmp_path, range(5))
    clip = decode(Utterance(id="a", corpus="synthetic", video=pattern, video_rate=2.0))
    assert clip.frames is not None
    assert clip.frames.shape == (5, 16, 16, 3)
    assert clip.times.tolist() == [0, 0.5, 1, 1.5, 2]


@pytest.mark.parametrize(
    ("name", "rate", "message"),
    [
        ("other_%d.png", 2, r"other_%d\.png: no such images"),
        ("image_.png", 2, "one %d"),
        ("%d_%d.png", 2, "one %d"),
        ("image_%d.png", 0, "not 0"),
        ("image_%d.png", float("nan"), "not nan"),
        ("gone/image_%d.png", 2, "no such images"),
    ],
)
def test_what_is_no_pattern_of_images(tmp_path: Path, name: str, rate: float, message: str) -> None:
    write(tmp_path, range(2))
    with pytest.raises(MienError, match=message):
        seen(tmp_path / name, rate)
