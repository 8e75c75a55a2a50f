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


def levels(path: Path, spans=((0, None),), **options) -> dict[float, int]:
    """Read the grey level of each picture that is yielded, by its time."""
    from mien.media.decode import read_frames

    frames = read_frames(path, list(spans), **options)
    return {round(seconds, 3): round(float(picture.mean())) for _, seconds, picture in frames}


def tones(wave: np.ndarray) -> list[int]:
    """Find the strongest frequency in the first half of each second of sound, 0 where silent."""
    found = []
    for first in range(0, len(wave) - 4000, 16_000):
        part = wave[first : first + 8000].astype(float)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 16_000))
        found.append(0 if np.abs(part).max() < 100 else int(np.argmax(spectrum)))
    return [round(hertz / 20) * 20 for hertz in found]


def sing(first: int, seconds: int) -> np.ndarray:
    """Make synthetic sound at 16 kHz: second k, from `first` on, has 300 + 100 k Hz for 0.5 s."""
    time = np.arange(8000) / 16_000
    rest = np.zeros(8000)
    parts = [
        0.5 * np.sin(2 * np.pi * (300 + 100 * k) * time) for k in range(first, first + seconds)
    ]
    return np.concatenate([np.concatenate([part, rest]) for part in parts])


def write_tracks(
    path: Path,
    greys: dict[float, int],
    sounds: dict[float, np.ndarray] | None = None,
    *,
    video: str = "ffv1",
    audio: str = "pcm_s16le",
    fps: int = 10,
    container: str | None = None,
) -> Path:
    """Write a synthetic video: grey pictures and stretches of mono sound, each from its time on."""
    with av.open(str(path), "w", format=container) as file:
        tracks = []
        if greys:
            track = file.add_stream(video, rate=fps, options={"bf": "0"})
            track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
            tracks.append(track)
        if sounds:
            sound = file.add_stream(audio, rate=16_000)
            sound.layout = "mono"
            tracks.append(sound)
        packets = []
        for seconds, grey in greys.items():
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey, np.uint8), format="rgb24")
            frame.pts = round(seconds * fps)
            packets += tracks[0].encode(frame)
        packets += tracks[0].encode(None) if greys else []
        for seconds, wave in (sounds or {}).items():
            packets += _sound_packets(sound, wave, round(seconds * 16_000))
        packets += sound.encode(None) if sounds else []
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            file.mux(packet)
    return path


def _sound_packets(track, wave: np.ndarray, first: int) -> list:
    planar = track.codec_context.format.is_planar
    packets = []
    for start in range(0, len(wave), 1024):
        part = np.float32(wave[start : start + 1024])
        if not planar:
            part = np.rint(part * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            part[None], format="fltp" if planar else "s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, first + start
        packets += track.encode(frame)
    return packets


def seconds_of(count: int, first: int = 0, fps: int = 10, begin: float = 0.0) -> dict[float, int]:
    """Give the grey pictures of some seconds: second k has level 20 + 20 k."""
    return {begin + i / fps: 20 + 20 * (first + i // fps) for i in range(count * fps)}


def stamp_flv(source: Path, change) -> Path:
    """Change the time stamps (s) of an FLV: `change` gets "video" or "audio", a number, a time."""
    data = bytearray(source.read_bytes())
    place, numbers = 13, {"video": 0, "audio": 0}
    while place + 11 < len(data):
        kind = {8: "audio", 9: "video"}.get(data[place])
        size = int.from_bytes(data[place + 1 : place + 4])
        if kind:
            time = int.from_bytes(bytes([data[place + 7]]) + data[place + 4 : place + 7])
            time = round(change(kind, numbers[kind], time / 1000) * 1000)
            numbers[kind] += 1
            data[place + 4 : place + 7] = (time & 0xFFFFFF).to_bytes(3)
            data[place + 7] = time >> 24
        place += 11 + size + 4
    changed = source.with_name(f"stamped-{source.name}")
    changed.write_bytes(data)
    return changed


def set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write the (a, b, c, d) of a display matrix, in whole numbers, into an MP4."""
    a, b, c, d = (part * 0x10000 for part in matrix)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
