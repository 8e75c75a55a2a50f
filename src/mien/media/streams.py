"""A media file opened, and the streams of it that count."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import av

from mien.errors import MienError

Kind = Literal["video", "audio"]


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a file with PyAV; `MienError` where it is missing or unreadable."""
    try:
        # "file:" keeps a colon in a name from being read as a protocol; the white list keeps a
        # playlist that poses as a clip from fetching anything over the network.
        container = av.open(
            f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
    except FileNotFoundError:
        raise MienError(f"{path}: no such file") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise MienError(f"{path}: cannot be read as a media file ({why})") from error
    with container:
        yield container


def find_stream(container: Any, kind: Kind) -> Any:
    """Find the first stream of a kind that has a decoder; the cover of a song is no video."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams:
        if stream.type == kind and stream.codec_context and not stream.disposition & cover:
            return stream
    return None


def claimed_duration(container: Any) -> float | None:
    """Give the length in seconds that a file claims, or None where it does not say."""
    return None if container.duration is None else container.duration / av.time_base


def has_video(path: Path) -> bool:
    """Tell whether a file holds pictures (the cover of a song does not count)."""
    with open_media(path) as container:
        return find_stream(container, "video") is not None


def has_audio(path: Path) -> bool:
    """Tell whether a file holds sound."""
    with open_media(path) as container:
        return find_stream(container, "audio") is not None
