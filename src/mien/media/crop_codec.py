"""Lossless compression of face crops as WebP, which takes a third of the space of the pixels.

Pillow is used since OpenCV has no setting for effort, and prints faults of a file on the terminal.
"""

import io

import numpy as np

_SIGNATURE = b"WEBPVP8L"  # bytes 8 to 16 of a file with one lossless image and nothing else
_MARK = 0x2F  # byte 20, before the sizes

# 2 % more bytes than with the encoder's default effort, in a quarter of the time
# (benchmarks/crops.md)
_EFFORT = {"quality": 25, "method": 2}


def encode_crop(pixels: np.ndarray) -> bytes:
    """Compress a face crop (S, S, 3) uint8, RGB; `decode_crop` gives the same pixels back."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, exact=True, **_EFFORT)
    return file.getvalue()


def decode_crop(data: bytes, size: int) -> np.ndarray:
    """Read what `encode_crop` wrote.

    Parameters
    ----------
    data : bytes
        The file.
    size : int
        Edge of the crop, pixels. A file that states another is not decompressed.

    Returns
    -------
    array (size, size, 3) uint8
        RGB.

    Raises
    ------
    ValueError
        It is not a lossless WebP image of that size, or is damaged.

    Examples
    --------
    >>> decode_crop(encode_crop(np.full((48, 48, 3), 7, np.uint8)), 48).max()
    np.uint8(7)
    """
    from PIL import Image

    if (found := _size(data)) != (size, size):
        raise ValueError(f"a face crop of {found[0]} x {found[1]} pixels, not {size} x {size}")
    try:
        pixels = np.array(Image.open(io.BytesIO(data), formats=["WEBP"]))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ValueError("a face crop that can't be decoded") from error
    if pixels.shape != (size, size, 3):
        raise ValueError("a face crop that can't be decoded")
    return pixels


def _size(data: bytes) -> tuple[int, int]:
    """Read width and height from the header of a lossless WebP file."""
    if data[:4] != b"RIFF" or data[8:16] != _SIGNATURE or len(data) < 25 or data[20] != _MARK:
        raise ValueError("a face crop that is not a lossless WebP image")
    bits = int.from_bytes(data[21:25], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
