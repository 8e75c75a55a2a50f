"""Films, sounds and pictures with damaged headers and contents."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import av
import cv2
import numpy as np

from fuzz.cases import Target, Wrong, digest
from fuzz.mutate import damage

SECONDS, FPS, RATE = 2, 10, 16_000

MOST = 500
"""Pictures that two seconds of film may become, at two a second: a damaged rate may slow it down,
but no picture stands for more than a few seconds."""

LONGEST = 600 * RATE
"""Samples that two seconds of sound may become."""


@dataclass(frozen=True)
class Format:
    """What a container holds."""

    video: str | None = None
    audio: str | None = None
    pixels: str = "yuv420p"
    rate: int = RATE


FORMATS = {
    "avi": Format("mpeg4", "pcm_s16le"),
    "flv": Format("flv", "libmp3lame", rate=22_050),
    "mkv": Format("libx264", "flac"),
    "webm": Format("libvpx", "libopus", rate=48_000),
    "mp4": Format("libx264", "aac"),
    "mov": Format("mjpeg", "pcm_s16le", "yuvj420p"),
    "ts": Format("mpeg2video", "aac"),
    "gif": Format("gif", pixels="rgb8"),
    "wav": Format(audio="pcm_s16le"),
    "ogg": Format(audio="libopus", rate=48_000),
    "mp3": Format(audio="libmp3lame"),
    "flac": Format(audio="flac"),
}
PICTURES = ("png", "jpg", "webp")


def _picture(number: int) -> np.ndarray:
    """Draw a synthetic picture of its own number."""
    y, x = np.mgrid[:48, :64]
    shades = np.stack([x * 4, y * 5, np.full_like(x, 12 * number)], axis=-1)
    return (shades % 256).astype(np.uint8)


def _build(name: str, format: Format, folder: Path) -> None:
    with av.open(str(folder / f"clip.{name}"), "w", options={"fflags": "+bitexact"}) as file:
        film = sound = None
        if format.video:
            film = file.add_stream(format.video, rate=FPS)
            film.width, film.height, film.pix_fmt = 64, 48, format.pixels
            film.codec_context.thread_count = 1
        if format.audio:
            sound = file.add_stream(format.audio, rate=format.rate, layout="mono")
        for number in range(SECONDS * FPS if film else 0):
            frame = av.VideoFrame.from_ndarray(_picture(number), format="rgb24")
            frame.pts = number
            file.mux(film.encode(frame))
        if film:
            file.mux(film.encode(None))
        if sound:
            _mux(file, sound, format.rate)


def _mux(file, sound, rate: int) -> None:
    wave = np.sin(2 * np.pi * 440 * np.arange(SECONDS * rate) / rate) * 8000
    size = sound.codec_context.frame_size or 1024
    resampler = av.AudioResampler(sound.format, "mono", rate)
    for start in range(0, len(wave), size):
        part = wave[None, start : start + size].astype(np.int16)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, start
        for ready in resampler.resample(frame):
            file.mux(sound.encode(ready))
    file.mux(sound.encode(None))


def _build_picture(name: str, folder: Path) -> None:
    cv2.imwrite(str(folder / f"clip.{name}"), _picture(5))


def _read(path: Path, folder: Path, notes: list[str]) -> object:
    from mien.media.decode import has_audio, has_video, read_audio, read_frames

    def report(damage: object) -> None:
        notes.append(str(damage))

    pictures, waves = [], []
    if has_video(folder / path):
        for _, time, picture in read_frames(folder / path, [(0, None)], report=report):
            pictures.append((time, digest(picture)))
            if len(pictures) > MOST:
                raise Wrong(f"more than {MOST} pictures of a film of {SECONDS} s")
    if has_audio(folder / path):
        waves.append(read_audio(folder / path, report=report))
        if len(waves[0]) > LONGEST:
            raise Wrong(f"{len(waves[0]) / RATE:.0f} s of sound of a file of {SECONDS} s")
    return pictures, [digest(wave) for wave in waves]


DISGUISES = (
    "ffconcat version 1.0\nfile beside.wav\n",
    "ffconcat version 1.0\nfile ../media/beside.wav\nduration 1\nfile beside.wav\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nbeside.wav\n#EXT-X-ENDLIST\n",
    "[playlist]\nFile1=beside.wav\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    "\x1b[2J\x1b[1;1HSynthetic\x1b[5C letters\r\n" * 40,
    "1\n00:00:00,000 --> 00:00:02,000\nSynthetic words.\n" * 3,
    ";FFMETADATA1\ntitle=synthetic\n",
    "<?xml version='1.0'?><MPD><Period><BaseURL>beside.wav</BaseURL></Period></MPD>",
)
"""Texts that FFmpeg would play: lists of other files, and letters that it draws."""


def disguise(data: bytes, random: Random) -> bytes:
    """Put a text in the place of a sound."""
    text = random.choice(DISGUISES).encode()
    return random.choice((text, text, text * 30, b"\xef\xbb\xbf" + text, damage(text, random)))


def _build_disguised(folder: Path) -> None:
    _build("wav", FORMATS["wav"], folder)
    (folder / "beside.wav").write_bytes((folder / "clip.wav").read_bytes()[:20_000])


def _targets() -> Iterator[tuple[str, Target]]:
    for name, format in FORMATS.items():
        read = partial(_read, Path(f"clip.{name}"))
        yield name, Target(partial(_build, name, format), read, "clip.*", damage)
    read = partial(_read, Path("clip.wav"))
    yield "disguised", Target(_build_disguised, read, "clip.wav", disguise, exact=True)
    for name in PICTURES:
        read = partial(_read, Path(f"clip.{name}"))
        yield name, Target(partial(_build_picture, name), read, "clip.*", damage)


TARGETS = dict(_targets())
"""The targets of this family, by name."""
