import cv2
import numpy as np
import pytest

from mien.media.crop_codec import decode_crop, encode_crop


def gradient(size: int, seed: int = 0) -> np.ndarray:
    """A crop of smooth colours with some noise, as a picture has."""
    rows, columns = np.mgrid[:size, :size] / size
    smooth = 255 * np.stack([rows, columns, (rows + columns) / 2], axis=2)
    noise = np.random.default_rng(seed).normal(0, 3, (size, size, 3))
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [48, 112, 512])
def test_every_pixel_comes_back(size: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (size, size, 3), dtype=np.uint8)
    for pixels in (gradient(size), noise, np.zeros_like(noise), noise[:, ::-1]):
        found = decode_crop(encode_crop(pixels), size)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, pixels)


def test_red_stays_red_and_other_programs_see_it() -> None:
    red = np.zeros((48, 48, 3), np.uint8)
    red[..., 0] = 200
    data = encode_crop(red)
    assert decode_crop(data, 48)[0, 0].tolist() == [200, 0, 0]
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[0, 0].tolist() == [
        0,
        0,
        200,
    ]


def test_a_file_of_another_size_is_not_unpacked(monkeypatch) -> None:
    monkeypatch.setattr("PIL.Image.open", None)  # calling it would be a TypeError
    data = encode_crop(gradient(112))
    with pytest.raises(ValueError, match="of 112 x 112 pixels, not 48 x 48"):
        decode_crop(data, 48)
    # 16384 x 16384, which would take 800 MB
    with pytest.raises(ValueError, match="of 16384 x 16384 pixels, not 112 x 112"):
        decode_crop(data[:21] + b"\xff\xff\xff\x0f" + data[25:], 112)


def encoded(extension: str, *options: int) -> bytes:
    return cv2.imencode(extension, gradient(112), list(options))[1].tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        encode_crop(gradient(112))[:24],
        encoded(".png"),
        encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 90),
        gradient(112).tobytes(),
    ],
    ids=["nothing", "a word", "a header", "PNG", "lossy", "pixels"],
)
def test_what_is_no_lossless_webp_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a lossless WebP image"):
        decode_crop(data, 112)


def test_a_damaged_crop_is_a_value_error_or_an_image_of_that_size() -> None:
    random = np.random.default_rng(2)
    data = encode_crop(gradient(48))
    refused = 0
    for _ in range(300):
        harmed = bytearray(data)
        for place in random.integers(0, len(data), 3):
            harmed[place] = random.integers(0, 256)
        try:
            found = decode_crop(bytes(harmed[: random.integers(1, len(data) + 1)]), 48)
        except ValueError:
            refused += 1
        else:
            assert (found.shape, found.dtype) == ((48, 48, 3), np.uint8)
    assert refused > 250
