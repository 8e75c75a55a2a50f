import itertools

import cv2
import numpy as np
import pytest

from mien.media.decode import read_frames
from mien.media.scene_cuts import CutFinder


def smooth(seed: int, width: int = 320, height: int = 180) -> np.ndarray:
    """Make an image with large patches of colour."""
    rough = np.random.default_rng(seed).integers(30, 200, (6, 10, 3), dtype=np.uint8)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)


def found(images, step: float = 0.04) -> list:
    """Tell what is found at each of some images."""
    find = CutFinder()
    return [find(number * step, image) for number, image in enumerate(images)]


def lit(image: np.ndarray, gain: float, offset: float = 0.0) -> np.ndarray:
    return np.clip(float(gain) * image + offset, 0, 255).astype(np.uint8)


def test_another_image_is_or_may_be_a_cut():
    """Large patches of two images may resemble each other; what is fine does not."""
    one, other = smooth(1), smooth(2)
    told = found([one, one.copy(), other, other.copy(), one])
    assert [change is not None for change in told] == [False, False, True, False, True]
    one, other = np.random.default_rng(0).integers(0, 256, (2, 27, 48, 3), dtype=np.uint8)
    assert found([one, one.copy(), other]) == [None, None, "cut"]


def test_a_change_of_size_is_a_cut():
    assert found([smooth(1), smooth(1, 160, 90)]) == [None, "cut"]


def test_a_fade_to_black_and_back_is_none_but_to_another_scene_it_is_one():
    one, other = smooth(1), smooth(2)
    down = [lit(one, gain) for gain in np.linspace(1, 0, 20)]
    assert set(found([*down, *down[::-1]])) == {None}
    up = [lit(other, gain) for gain in np.linspace(0, 1, 20)]
    assert found([*down, *up]).count("perhaps") == 1


@pytest.mark.parametrize("light", [(1, 255), (1.6, 90), (3, 60)])
def test_a_flash_is_none_and_a_cut_to_a_bright_scene_is_told_late(light):
    one, bright = smooth(1), lit(smooth(2), 1, 55)
    assert set(found([one, one, lit(one, *light), lit(one, *light), one, one])) == {None}
    told = found([one, one, *[bright.copy() for _ in range(6)]])
    assert told == [None] * 5 + ["perhaps", None, None], "0.16 s after the last frame before it"


def test_a_slow_pan_is_none():
    wide = smooth(1, 640)
    assert set(found([wide[:, x : x + 320] for x in range(0, 320, 8)])) == {None}


def test_real_recordings_are_whole_and_differ_from_each_other(shared_data):
    """Of one recording nothing half a second apart may be a cut; of two, everything."""
    clips = [
        [image for *_, image in read_frames(path, [(0, 3)])]
        for path in sorted((shared_data / "grid").glob("*.mpg"))
        if path.stem != "pwij3p"  # the person of another clip
    ]
    assert len(clips) == 10
    assert {change for clip in clips for change in found(clip, 0.5)} == {None}
    for one, other in itertools.pairwise(clips):
        assert found([one[-1], other[0]], 0.5)[1] in ("perhaps", "cut")
