"""Open a media file, and find the streams of it that are used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal

import av

from mien.errors import MienError
from mien.media.limits import MAX_CHANNELS, MAX_PIXELS, SAMPLE_RATE_RANGE
from mien.utterance import Media, MediaBytes

Kind = Literal["video", "audio"]

# Demuxers that recognise recordings and images by their content. Left out on purpose is whatever
# opens other files or addresses (concat, hls, dash, sdp, vobsub, ...), whatever draws text as
# images (tty, bin, xbin, svg_pipe, xpm_pipe, ...), subtitles, devices, and raw samples without
# a header, for which any file could be taken.
_FORMATS = (
    "asf,avi,dhav,dv,flv,gif,gxf,ivf,kux,matroska,mov,mpeg,mpegts,mxf,nsv,nut,nuv,ogg,pva,rm,wtv,"
    "yuv4mpegpipe,av1,dirac,h263,h264,hevc,m4v,mjpeg,mpegvideo,obu,vc1,vvc,"
    "aac,ac3,aiff,amr,ape,au,caf,dsf,dss,dts,dtshd,eac3,flac,iff,ircam,loas,mlp,mp3,mpc,mpc8,"
    "nistsphere,oma,pvf,qcp,shn,sox,tak,truehd,tta,voc,w64,wav,wv,xwma,"
    "image2,apng,bmp_pipe,dpx_pipe,exr_pipe,gif_pipe,hdr_pipe,ico,j2k_pipe,jpeg_pipe,jpegls_pipe,"
    "jpegxl_anim,jpegxl_pipe,pam_pipe,pbm_pipe,pcx_pipe,pgm_pipe,png_pipe,ppm_pipe,psd_pipe,"
    "qoi_pipe,sgi_pipe,sunrast_pipe,tiff_pipe,webp_pipe"
)

_OPTIONS = {
    "format_whitelist": _FORMATS,
    "protocol_whitelist": "file",
    # "100%d.jpg" is a name, not a pattern of many files.
    "pattern_type": "none",
    # FFmpeg takes timestamps that go back for a counter overflow; see `mien.media.timestamps`.
    "correct_ts_overflow": "0",
    "max_pixels": str(MAX_PIXELS),
}

# In memory there is no other file to open, and image2 would open its own, by name.
_MEMORY_OPTIONS = _OPTIONS | {
    "format_whitelist": ",".join(name for name in _FORMATS.split(",") if name != "image2"),
    "protocol_whitelist": "none",
}

# Text drawn as an image, in whatever container.
_TEXT_CODECS = {"ansi", "bintext", "idf", "svg", "xbin", "xbm", "xface", "xpm"}

_Flag = av.stream.Disposition
_NO_VIDEO = _Flag.attached_pic | _Flag.timed_thumbnails
_SECONDARY = (
    _Flag.comment
    | _Flag.descriptions
    | _Flag.visual_impaired
    | _Flag.hearing_impaired
    | _Flag.clean_effects
    | _Flag.karaoke
    | _Flag.non_diegetic
    | _Flag.dependent
)


@contextmanager
def open_media(media: Media) -> Iterator[Any]:
    """Open a file, on the disk or in memory, with PyAV, for as long as the context lasts.

    Only demuxers of recordings and images are allowed, and no other file is opened, whatever the
    file refers to.

    Raises
    ------
    MienError
        The file is missing or unreadable, at once or within the context.
    """
    source: Any
    if isinstance(media, MediaBytes):
        # without a name, by whose suffix FFmpeg would choose the demuxer
        source, options = media.open(), _MEMORY_OPTIONS
    else:
        if media.exists() and not media.is_file():
            raise MienError(f"{media}: is not a file")
        # "file:" keeps a colon in a name from being read as a protocol.
        source, options = f"file:{media}", _OPTIONS
    with (
        media_errors(media),
        av.open(source, metadata_errors="replace", options=options) as container,
    ):
        yield container


def open_bytes(media: Media) -> BinaryIO:
    """Open a file, on the disk or in memory, to read its bytes."""
    return media.open() if isinstance(media, MediaBytes) else media.open("rb")


def byte_size(media: Media) -> int:
    """Return the size of a file, on the disk or in memory."""
    return len(media.data) if isinstance(media, MediaBytes) else media.stat().st_size


@contextmanager
def media_errors(path: Media) -> Iterator[None]:
    """Turn what PyAV raises for a bad file into a `MienError` that names it."""
    try:
        yield
    except FileNotFoundError:
        raise MienError(f"{path}: no such file") from None
    except (av.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, av.ArgumentError):
            why = "it is text, a playlist, or of a format that is not read"
        raise MienError(f"{path}: cannot be read as a media file ({why})") from error


def find_streams(container: Any, kind: Kind) -> list[Any]:
    """List the streams of a kind that have a decoder, the one to use first.

    That is the one that the file marks as the default; of several, or without any such mark, one
    that is neither a commentary nor an audio description; then the first. Cover art is no video,
    nor are thumbnails.
    """
    found = [
        stream
        for stream in container.streams
        if stream.type == kind
        and stream.codec_context
        and not stream.disposition & _NO_VIDEO
        and stream.codec_context.name not in _TEXT_CODECS
    ]
    return sorted(found, key=_rank)


def _rank(stream: Any) -> tuple[bool, bool]:
    return not stream.disposition & _Flag.default, bool(stream.disposition & _SECONDARY)


def demux(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield the packets of some streams, or of all, in the order of the file."""
    try:
        yield from container.demux(*streams)
    except IndexError:
        # At the end PyAV 18 fails on streams that appeared on the way. All has been read then.
        return


def limit_fault(stream: Any) -> str | None:
    """Say which limit a stream exceeds; None where it exceeds none."""
    context = stream.codec_context
    if stream.type == "video":
        if context.width * context.height > MAX_PIXELS:
            size = f"{context.width} x {context.height}"
            return f"its frames of {size} have more than {MAX_PIXELS} pixels; scale them down"
        return None
    if not SAMPLE_RATE_RANGE[0] <= context.sample_rate <= SAMPLE_RATE_RANGE[1]:
        lowest, highest = SAMPLE_RATE_RANGE
        return f"its audio has {context.sample_rate} samples a second, not {lowest} to {highest}"
    if not 0 < context.channels <= MAX_CHANNELS:
        return f"its audio has {context.channels} channels, not 1 to {MAX_CHANNELS}"
    return None


def has_video(path: Media) -> bool:
    """Tell whether a file holds video (cover art does not count)."""
    with open_media(path) as container:
        return bool(find_streams(container, "video"))


def has_audio(path: Media) -> bool:
    """Tell whether a file holds audio."""
    with open_media(path) as container:
        return bool(find_streams(container, "audio"))


def stated_seconds(media: Media) -> float | None:
    """Return the length that a file states, to show progress by; None if it states none.

    It may be wrong, so nothing else relies on it.
    """
    with open_media(media) as container:
        return float(container.duration / av.time_base) if container.duration else None
