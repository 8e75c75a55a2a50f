"""CREMA-D (Cao et al. 2014): 91 actors speak twelve sentences in six emotions; 7,442 clips.

A file name such as ``1001_DFA_ANG_XX`` gives actor, sentence, emotion and intensity. The repository
holds every clip as video (``VideoFlash``) and as audio (``AudioWAV``, ``AudioMP3``).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from mien.corpora.base import Corpus
from mien.corpora.table import Row, RowError, cell_value, read_table, to_int
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgusted",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
"""The emotions by their codes: those that the actor was asked for."""

INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
"""The intensities by their codes."""

SENTENCES = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
"""The sentences by their codes."""

DEMOGRAPHICS = "VideoDemographics.csv"
"""The table of the actors."""

_SUFFIXES = {".flv", ".mp4", ".wav", ".mp3"}
_NAME = re.compile(rf"\d{{4}}_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_(LO|MD|HI|XX?)")
_WRONG_NAME = "the name is not actor, sentence, emotion and intensity, such as 1001_DFA_ANG_XX"
_POINTER = b"version https://git-lfs"
_MAX_AGE = 150

Facts = dict[str, str | int | None]


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the corpus, with video and audio or one of them.

    The audio is that of the WAV file, else of the video, else of the MP3 file, since some of these
    are empty. Labels come from the file names; `DEMOGRAPHICS`, if it exists, adds age, gender, race
    and ethnicity.

    Parameters
    ----------
    source : Path
        The repository, or any folder with its clips in it or in its subfolders.

    Yields
    ------
    Utterance or Skipped
        By actor and name.

    Raises
    ------
    MienError
        There is no clip, or only the pointers that git leaves without git-lfs.
    """
    if not source.is_dir():
        raise MienError(f"{source} is not a folder; give the one that holds AudioWAV or VideoFlash")
    files = [path for path in sorted(source.rglob("[!.]*")) if path.suffix.lower() in _SUFFIXES]
    unnamed: list[Path] = []
    clips: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in files:
        if _NAME.fullmatch(path.stem):
            # One file of older copies lacks its last letter.
            name = path.stem + "X" if path.stem.endswith("_X") else path.stem
            clips[name].setdefault(path.suffix.lower(), path)
        else:
            unnamed.append(path)
    if not clips:
        raise MienError(
            f"{source} holds no clip of CREMA-D: none of its {len(files)} media files has a name"
            " such as 1001_DFA_ANG_XX.wav"
        )
    if all(_is_pointer(path) for paths in clips.values() for path in paths.values()):
        raise MienError(
            f"{source} holds pointers of git-lfs instead of video and audio files: install git-lfs"
            " and run git lfs pull there"
        )
    actors, invalid = _demographics(source)
    return chain(
        (Skipped(path.stem, _WRONG_NAME, str(path)) for path in unnamed),
        invalid,
        _read(clips, actors),
    )


def _is_pointer(path: Path) -> bool:
    return path.stat().st_size < 1024 and path.read_bytes().startswith(_POINTER)


def _read(
    clips: Mapping[str, Mapping[str, Path]], actors: Mapping[str, Facts]
) -> Iterator[Utterance | Skipped]:
    for name in sorted(clips):
        files = {suffix: p for suffix, p in clips[name].items() if not _is_pointer(p)}
        video = files.get(".flv") or files.get(".mp4")
        audio = files.get(".wav") or video or files.get(".mp3")
        if audio is None:
            source = next(iter(clips[name].values()))
            yield Skipped(name, "only pointers of git-lfs, no video and no audio", str(source))
            continue
        if video is None and ".flv" in clips[name]:
            yield Skipped(name, "video: only a pointer of git-lfs", str(clips[name][".flv"]))
        actor, sentence, emotion, intensity = name.split("_")
        yield Utterance(
            id=name,
            corpus="cremad",
            person=actor,
            text=SENTENCES[sentence],
            emotions=(EMOTIONS[emotion],),
            video=video,
            audio=audio,
            attributes={
                "sentence": sentence,
                "intensity": INTENSITIES[intensity],
                **actors.get(actor, {}),
            },
        )


def _demographics(source: Path) -> tuple[dict[str, Facts], list[Skipped]]:
    """Read the table of the actors, and its invalid rows; both are empty without a table."""
    path = next(iter(sorted(source.rglob(DEMOGRAPHICS))), None)
    if path is None:
        return {}, []
    try:
        _, rows = read_table(path.read_bytes().decode("utf-8-sig", "replace"), lenient=True)
    except RowError as error:
        return {}, [error.skipped(DEMOGRAPHICS, f"{path}:1")]
    actors: dict[str, Facts] = {}
    invalid = []
    for line, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            actors[cell_value(row, "ActorID") or ""] = _facts(row)
        except RowError as error:
            invalid.append(error.skipped(f"{DEMOGRAPHICS} line {line}", f"{path}:{line}"))
    return actors, invalid


def _facts(row: Row) -> Facts:
    age = cell_value(row, "Age")
    return {
        "age": None if age is None else to_int(age, "Age", high=_MAX_AGE),
        "gender": (cell_value(row, "Sex") or "").lower() or None,
        "race": cell_value(row, "Race"),
        "ethnicity": cell_value(row, "Ethnicity"),
    }


CORPUS = Corpus(
    about="CREMA-D: the repository with AudioWAV and VideoFlash",
    read=read,
    emotions=tuple(EMOTIONS.values()),
)
