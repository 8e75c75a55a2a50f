"""The files that a timeline is written to."""

import logging
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mien.errors import MienError, did_you_mean
from mien.files import atomic_write, check_file, unwritable, write_text
from mien.inference.timeline import Timeline
from mien.report.timeline.elan import eaf
from mien.report.timeline.praat import write_textgrid
from mien.report.timeline.rttm import rttm
from mien.report.timeline.subtitles import srt, vtt
from mien.report.timeline.tables import courses_csv, segments_csv, words_csv, write_parquet

logger = logging.getLogger(__name__)

Writer = Callable[[Timeline, Path, str | None], None]
"""Writes a timeline to a path, whole or not at all; given the relative URL of the recording."""


@dataclass(frozen=True)
class Format:
    """A format: what it is for, and what writes each of its files."""

    about: str
    files: Mapping[str, Writer]


def _text(make: Callable[[Timeline], str]) -> Writer:
    return lambda timeline, path, _: write_text(path, make(timeline))


def _file(write: Callable[[Timeline, Path], None]) -> Writer:
    return lambda timeline, path, _: write(timeline, path)


def _eaf(timeline: Timeline, path: Path, media: str | None) -> None:
    write_text(path, eaf(timeline, media))


def _page(timeline: Timeline, path: Path, media: str | None) -> None:
    from mien.report.timeline.page import page  # as the figure, it loads what is heavy

    write_text(path, page(timeline, media))


def _figure(timeline: Timeline, path: Path, _: str | None) -> None:
    from mien.report.timeline.figure import write_figure

    write_figure(timeline, path)


FORMATS = {
    "json": Format("everything, for programs", {"timeline.json": _text(Timeline.model_dump_json)}),
    "csv": Format(
        "tables of segments, words and courses",
        {
            "segments.csv": _text(segments_csv),
            "words.csv": _text(words_csv),
            "courses.csv": _text(courses_csv),
        },
    ),
    "parquet": Format("a table of segments", {"segments.parquet": _file(write_parquet)}),
    "srt": Format("subtitles with speakers and labels", {"timeline.srt": _text(srt)}),
    "vtt": Format("subtitles for web pages", {"timeline.vtt": _text(vtt)}),
    "eaf": Format("annotation for ELAN", {"timeline.eaf": _eaf}),
    "textgrid": Format("annotation for Praat", {"timeline.TextGrid": _file(write_textgrid)}),
    "rttm": Format("who speaks when", {"timeline.rttm": _text(rttm)}),
    "html": Format("a page to look at and listen to", {"timeline.html": _page}),
    "png": Format("a figure for a paper", {"timeline.png": _figure}),
    "svg": Format("the same figure as vectors", {"timeline.svg": _figure}),
}
"""The formats by name, in the order in which they are listed and written."""


def write_timeline(
    timeline: Timeline,
    folder: Path,
    *,
    formats: Collection[str] = tuple(FORMATS),
    media: Path | None = None,
    copy_media: bool = False,
) -> list[Path]:
    """Write a timeline to files, each whole or not at all.

    Parameters
    ----------
    timeline : Timeline
        What to write.
    folder : Path
        Where to; made if need be.
    formats : collection of str
        Names from `FORMATS`; all of them by default.
    media : Path or None
        The audio or video, which the page plays and ELAN opens: linked by its relative path, so
        that a folder can be moved with what lies beside it.
    copy_media : bool
        Copy the audio or video into the folder, and link the copy.

    Returns
    -------
    list of Path
        The files, in the order of `FORMATS`.

    Raises
    ------
    MienError
        There is no such format, the media file is missing, or a file can't be written.
    """
    for name in formats:
        if name not in FORMATS:
            known = f"{did_you_mean(name, FORMATS)}: choose from {', '.join(FORMATS)}"
            raise MienError(f"no format {name[:40]!r}{known}", parameter="formats")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    url = None if media is None else _linked_media(media, folder, copy_media)
    written = []
    for name, one in FORMATS.items():
        for file, write in one.files.items() if name in formats else ():
            write(timeline, folder / file, url)
            written.append(folder / file)
            logger.info("wrote %s", folder / file)
    return written


def _linked_media(media: Path, folder: Path, copy: bool) -> str:
    """Give the relative URL of the media file, or of a copy of it in the folder."""
    check_file(media)
    if copy and media.resolve().parent != folder.resolve():
        with atomic_write(folder / media.name) as part:
            shutil.copyfile(media, part)
        media = folder / media.name
    relative = Path(os.path.relpath(media.resolve(), folder.resolve())).as_posix()
    return quote(os.fsencode(relative))
