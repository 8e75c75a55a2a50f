"""Media files made for tests: synthetic pictures and sound whose contents are known."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

LEVELS = 4
"""Grey levels from one frame number to the next."""


def murmur(count: int, channels: int = 1, rate: int = 16_000) -> np.ndarray:
    """Make synthetic sound (count, channels) whose level goes up and down as syllables do."""
    loudness = 0.55 - 0.45 * np.cos(2 * np.pi * 4 * np.arange(count) / rate)
    return np.random.default_rng(0).normal(0, 0.1, (count, channels)) * loudness[:, None]


def write_video(
    path: Path,
    frames: int = 60,
    *,
    fps: Fraction | int = 30,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    sound: np.ndarray | None = None,
    sound_starts: float = 0.0,
    picture: np.ndarray | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a synthetic video; the brightness of its left half is 4 x the number of the frame.

    The right half is 255 minus that. `picture` is shown throughout instead; `sound` is mono at
    16 kHz, float.
    """
    width, height = size
    quality = {"qp": "0"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=options or {}) as file:
        video = file.add_stream(codec, rate=fps, options=quality)
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        track = None
        if sound is not None:
            track = file.add_stream("aac" if path.suffix == ".mp4" else "flac", rate=16_000)
            track.layout = "mono"
        for number in range(frames):
            if picture is None:
                pixels = np.full((height, width, 3), LEVELS * number % 256, np.uint8)
                pixels[:, width // 2 :] = 255 - pixels[:, : width // 2]
            else:
                pixels = picture
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if track is not None:
            _mux_sound(file, track, sound, round(sound_starts * 16_000))
    return path


def _mux_sound(file, track, sound: np.ndarray, first: int) -> None:
    planar = track.codec_context.format.is_planar
    for start in range(0, len(sound), 1024):
        part = np.float32(sound[start : start + 1024])
        if not planar:
            part = np.rint(part * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            part[None], format="fltp" if planar else "s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, first + start
        file.mux(track.encode(frame))
    file.mux(track.encode(None))


def number_of(picture: np.ndarray) -> int:
    """Read the number of a frame back."""
    return round(float(picture[:, : picture.shape[1] // 2].mean()) / LEVELS)


def rotate_clockwise(path: Path, height: int) -> None:
    """Mark an MP4 as filmed with the camera turned, as phones do."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    one = 0x10000
    turned = (0, one, 0, -one, 0, 0, height * one, 0, 0x40000000)
    data[matrix : matrix + 36] = struct.pack(">9i", *turned)
    path.write_bytes(data)


def truncate(source: Path, share: float) -> Path:
    """Cut the end of a file off, as an interrupted download does."""
    data = source.read_bytes()
    cut = source.with_name(f"cut-{source.name}")
    cut.write_bytes(data[: int(len(data) * share)])
    return cut


def damage(source: Path, at: float = 0.5, share: float = 0.1) -> Path:
    """Overwrite a part of a file with noise, as a bad disk does."""
    data = bytearray(source.read_bytes())
    first, length = int(len(data) * at), int(len(data) * share)
    data[first : first + length] = np.random.default_rng(0).bytes(length)
    broken = source.with_name(f"hole-{source.name}")
    broken.write_bytes(data)
    return broken
