"""Find the clips that a user names: files, folders, patterns and lists, with what lies beside."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from glob import glob, has_magic
from pathlib import Path

from mien.errors import MienError
from mien.files import check_file
from mien.inference.clip_list import READERS, ListedClip, read_list

AUDIO_SUFFIXES = (
    ".wav .wave .w64 .flac .mp3 .mp2 .m4a .m4b .aac .ac3 .ogg .oga .opus .spx .wma .aif .aiff .aifc"
    " .au .amr .caf .mka .weba .wv .ape .tta .sph"
)
VIDEO_SUFFIXES = (
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m1v .m2v .ts .mts .m2ts .flv .f4v .wmv .asf .3gp"
    " .3g2 .ogv .vob .mxf .dv .h264 .264 .h265 .hevc"
)
IMAGE_SUFFIXES = ".jpg .jpeg .png .bmp .webp .gif .tif .tiff"

RECORDINGS = frozenset(f"{AUDIO_SUFFIXES} {VIDEO_SUFFIXES}".split())
IMAGES = frozenset(IMAGE_SUFFIXES.split())

SIGNATURES = (
    *((0, sign) for sign in (b"RIFF", b"fLaC", b"OggS", b"ID3", b"FLV\x01", b"\x1aE\xdf\xa3")),
    *((0, sign) for sign in (b"FORM", b"\0\0\1\xba", b"\xff\xd8\xff", b"\x89PNG")),
    (4, b"ftyp"),
)
"""Where the first bytes of media files are, and what: for files whose name has no suffix."""

TRANSCRIPTS = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".json", ".tsv", ".txt")
"""Suffixes of transcripts that are found beside a clip, in the order in which they are tried."""

RUN_FILES = ("config.yaml", "joined.json")
"""Files of which a run folder has one."""


@dataclass(frozen=True)
class FoundClips:
    """The clips that were found.

    Parameters
    ----------
    clips : list of ListedClip
        In the order in which they were named; those of a folder in the order of their paths.
    notes : list of str
        What was found, and what was skipped.
    """

    clips: list[ListedClip]
    notes: list[str]


def is_run_folder(path: str | Path) -> bool:
    """Tell a run folder from any other."""
    return any(Path(path, name).is_file() for name in RUN_FILES)


def is_pattern(name: str) -> bool:
    """Tell whether a name that is no file is a pattern such as ``clips/*.mp4``."""
    return has_magic(name) and not os.path.lexists(name)


def find_clips(names: Iterable[str], *, beside: bool = True) -> FoundClips:
    """Find the clips that a user names.

    Parameters
    ----------
    names : iterable of str
        For each a media file, which need not exist; a folder, searched with those in it; a pattern
        such as ``clips/*.mp4``, where ``**`` stands for any folders; or a list as
        `mien.inference.clip_list.read_list` takes it.
    beside : bool
        Whether to look for a transcript beside each clip that comes without text: a file with the
        name of the clip and a suffix of `TRANSCRIPTS`.

    Raises
    ------
    MienError
        A folder or a pattern gives no clips, a folder is a run, or a list can't be read.

    Examples
    --------
    >>> find_clips(["recordings", "more/*.mp4"]).notes                # doctest: +SKIP
    ['recordings: 20 clips; skipped 3 files that are no media (2 .csv, 1 .DS_Store)']
    """
    clips: list[ListedClip] = []
    notes: list[str] = []
    for name in names:
        clips += _found(name, notes)
    if beside:
        clips = list(_with_transcripts(clips))
    return FoundClips(clips, notes)


def _found(name: str, notes: list[str]) -> list[ListedClip]:
    path = Path(name)
    if path.is_dir():
        if is_run_folder(path):
            raise MienError(
                f"{name} is a run folder: name it first, as the model", parameter="clip"
            )
        return _of_files(name, sorted(_walk(path)), notes)
    if is_pattern(name):
        files = [Path(one) for one in glob(name, recursive=True)]
        return _of_files(name, sorted(one for one in files if one.is_file()), notes)
    if path.suffix.lower() in READERS:
        check_file(path)
        return read_list(path)
    return [ListedClip(name)]


def _walk(folder: Path) -> Iterator[Path]:
    """List the files of a folder and of those in it; links to folders are not followed."""
    for place, _, names in os.walk(folder, onerror=_unreadable):
        yield from (Path(place, name) for name in names)


def _unreadable(error: OSError) -> None:
    raise MienError(f"{error.filename}: can't be searched ({error.strerror})") from error


def _of_files(name: str, files: Sequence[Path], notes: list[str]) -> list[ListedClip]:
    """Choose the media files; note how many others are skipped."""
    recordings = {path.with_suffix("") for path in files if _is_recording(path)}
    chosen = [path for path in files if _is_media(path, recordings)]
    if not chosen:
        what = "matches" if is_pattern(name) else "is no run folder, and holds"
        raise MienError(f"{name} {what} no media file: check the name", parameter="clip")
    taken = {path.with_suffix("") for path in chosen}
    others = {*files} - {*chosen}
    skipped = [path for path in others if not _may_be_beside(path, taken)]
    counts = Counter(path.suffix.lower() or path.name for path in sorted(skipped)).most_common()
    note = f"{name}: {len(chosen):,} clips"
    if skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts[:5])
        more = ", …" if len(counts) > 5 else ""
        note += f"; skipped {len(skipped):,} files that are no recordings ({kinds}{more})"
    notes.append(note)
    return [ListedClip(str(path)) for path in chosen]


def _is_recording(path: Path) -> bool:
    return path.suffix.lower() in RECORDINGS and not path.name.startswith(".")


def _is_media(path: Path, recordings: set[Path]) -> bool:
    """Tell a clip from other files; a picture beside a recording of its name shows its title."""
    if path.name.startswith("."):  # of the system, such as the ._clip.mp4 of macOS
        return False
    if path.suffix.lower() in IMAGES:
        return path.with_suffix("") not in recordings
    return _is_recording(path) or (not path.suffix and _begins_as_media(path))


def _begins_as_media(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    return any(head[at:].startswith(sign) for at, sign in SIGNATURES)


def _may_be_beside(path: Path, taken: set[Path]) -> bool:
    return path.suffix.lower() in TRANSCRIPTS and path.with_suffix("") in taken


def _with_transcripts(clips: Iterable[ListedClip]) -> Iterator[ListedClip]:
    """Add the files beside each clip that may be its transcript."""

    @cache
    def names(folder: Path) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(_names(folder)):
            if Path(name).suffix.lower() in TRANSCRIPTS:
                found.setdefault(Path(name).stem, []).append(name)
        return found

    for clip in clips:
        if clip.clip is None or clip.text or clip.transcript:
            yield clip
            continue
        path = Path(clip.clip)
        there = [name for name in names(path.parent).get(path.stem, ()) if name != path.name]
        there.sort(key=lambda name: TRANSCRIPTS.index(Path(name).suffix.lower()))
        yield replace(clip, beside=tuple(str(path.parent / name) for name in there))


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except (OSError, ValueError):  # its clips will be told to be missing
        return []
