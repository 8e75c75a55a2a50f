"""RAVDESS (Livingstone and Russo 2018): 24 actors speak two sentences in eight emotions.

A file name consists of seven codes of two digits:
``modality-channel-emotion-intensity-statement-repetition-actor``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, starmap
from pathlib import Path

from mien.corpora.base import Corpus
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

EMOTION_WORDS = (
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgusted",
    "surprised",
)
"""The emotions with the codes 01 to 08."""

STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
"""The sentences with the statement codes 01 and 02."""

_SUFFIXES = {".wav", ".flac", ".mp4"}
_NAME = re.compile("-".join([r"(\d\d)"] * 7), re.ASCII)
_FIELDS = ("modality", "channel", "emotion", "intensity", "statement", "repetition", "actor")
_HIGHEST = (3, 2, 8, 2, 2, 2, 24)
_BOTH, _VIDEO, _AUDIO = 1, 2, 3
_SPEECH = 1

Codes = tuple[int, ...]


def parse_name(stem: str) -> Codes:
    """Parse a file name.

    Parameters
    ----------
    stem : str
        The name without its suffix.

    Returns
    -------
    tuple of int
        The seven codes.

    Raises
    ------
    MienError
        The name is not of this form, or a code is out of range.

    Examples
    --------
    >>> parse_name("03-01-05-01-02-01-12")
    (3, 1, 5, 1, 2, 1, 12)
    """
    match = _NAME.fullmatch(stem)
    if not match:
        raise MienError("the name is not seven two-digit codes such as 03-01-05-01-02-01-12")
    codes = tuple(map(int, match.groups()))
    for name, code, highest in zip(_FIELDS, codes, _HIGHEST, strict=True):
        if not 1 <= code <= highest:
            raise MienError(f"{name} code {code:02} is not within 01 to {highest:02}")
    return codes


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the speech part of the corpus, from one folder or from subfolders such as ``Actor_01``.

    A take may have several files: video with audio (modality 01), video alone (02), audio alone
    (03). Each take becomes one utterance: from the file that has both if it exists, else from the
    others. The remaining files are skipped as duplicates.

    Parameters
    ----------
    source : Path
        The folder with the .wav, .flac or .mp4 files.

    Yields
    ------
    Utterance or Skipped
        By take. Songs and names that can't be parsed are skipped.

    Raises
    ------
    MienError
        No file in `source` has a name of this corpus.
    """
    if not source.is_dir():
        raise MienError(f"{source} is not a folder; give the one that holds RAVDESS's files")
    files = sorted(
        (path for path in source.rglob("[!.]*") if path.suffix.lower() in _SUFFIXES),
        key=lambda path: (path.name, path),
    )
    skipped: list[Skipped] = []
    takes: dict[Codes, list[tuple[int, Path]]] = defaultdict(list)
    for path in files:
        try:
            modality, take = _take(path)
            takes[take].append((modality, path))
        except MienError as error:
            skipped.append(Skipped(path.stem, str(error), str(path)))
    if not takes:
        raise MienError(
            f"{source} holds no RAVDESS speech: of its {len(files)} .wav, .flac and .mp4 files "
            "none has a name such as 03-01-05-01-02-01-12.wav. Give the folder that holds them."
        )
    return chain(skipped, chain.from_iterable(starmap(_read_take, takes.items())))


def _take(path: Path) -> tuple[int, Codes]:
    """Return the modality of a file, and the codes that identify its take."""
    modality, channel, *take = parse_name(path.stem)
    if channel != _SPEECH:
        raise MienError("song, and only speech is used")
    if modality != _AUDIO and path.suffix.lower() != ".mp4":
        raise MienError(f"modality {modality:02} means video, but the file is {path.suffix}")
    return modality, tuple(take)


def _read_take(codes: Codes, files: list[tuple[int, Path]]) -> Iterator[Utterance | Skipped]:
    emotion, intensity, statement, repetition, actor = codes
    first: dict[int, Path] = {}
    for modality, path in files:
        first.setdefault(modality, path)
    video = first.get(_BOTH) or first.get(_VIDEO)
    audio = first.get(_BOTH) or first.get(_AUDIO)
    main = video or audio
    assert main  # a take exists because of a file
    yield Utterance(
        id=main.stem,
        corpus="ravdess",
        person=f"{actor:02}",
        text=STATEMENTS[statement - 1],
        emotions=(EMOTION_WORDS[emotion - 1],),
        video=video,
        audio=audio,
        attributes={
            "intensity": ("normal", "strong")[intensity - 1],
            "statement": statement,
            "repetition": repetition,
            "gender": "male" if actor % 2 else "female",
        },
    )
    for _, path in files:
        if path not in (video, audio):
            reason, kind = f"the same take as {main.name}", "the same take as another file"
            yield Skipped(path.stem, reason, str(path), kind)


CORPUS = Corpus(
    about="RAVDESS speech, audio or video: files such as 03-01-05-01-02-01-12.wav",
    read=read,
    emotions=EMOTION_WORDS,
)
