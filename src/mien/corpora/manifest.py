"""Your own clips, listed in a CSV file (with a header) or in a JSONL file (an object a line).

======================  ==========================================================================
column                  meaning
======================  ==========================================================================
id                      unique; made from the file's name where it is empty
video, audio            files, relative to the list's own folder or absolute
media                   one file for both
text                    the transcript
person                  the speaker
session, dialogue       recording units that a protocol may hold out
start, end              seconds within the files
emotions (or emotion)   words separated by ``;``, ``,``, ``|`` or ``/`` (JSONL: or a list); empty:
                        not labelled; a lone ``;`` (JSONL: or ``[]``): labelled, none of them
sentiment               from -3 (negative) to 3 (positive); empty: not rated
valence, arousal,       numbers on one scale of your own, such as 1 to 5; empty: not rated
dominance
label:NAME              a label NAME for another task: a number, or else a word; empty: none
split                   train, valid or test
sentence                a name for the sentence, where several clips have the same one; empty:
                        sentences are compared by their text
audio_channel           the channel of the speaker, from 0; empty: the mean of all
video_side              left or right: the half of the video that shows the speaker
video_rate              images per second, where video is not a file but a pattern of numbered
                        images such as ``talk/image_%d.jpg``
any other               an attribute
======================  ==========================================================================

Every column may be left out, but one of video, audio, media and text is needed. A cell that is
empty or marked as missing (`mien.corpora.table.MISSING`) has no value. Names of persons, sessions
and dialogues are normalised (`mien.names.normalise_name`).
"""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import TypeVar, get_args

from mien.corpora.base import Corpus
from mien.corpora.columns import COLUMNS, LABEL
from mien.corpora.label_columns import read_labels
from mien.corpora.manifest_rows import ManifestRow, ManifestRows, read_clip_rows
from mien.corpora.table import MISSING, RowError, cell_value, to_float, to_int
from mien.names import normalise_name
from mien.utterance import MAX_SENTIMENT, SPLITS, Side, Skipped, Utterance

MAX_CHANNEL = 1023
MAX_VIDEO_RATE = 1000

_AUDIO_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"}

Choice = TypeVar("Choice", bound=str)


def read(source: Path) -> Iterator[Utterance | Skipped]:
    r"""Read a list of clips.

    Parameters
    ----------
    source : Path
        A ``.csv`` or ``.jsonl`` file in UTF-8, or in UTF-16 with a byte order mark.

    Yields
    ------
    Utterance or Skipped
        In the order of the list. A row that can't be used is skipped; `Skipped.source` is
        ``file:line``.

    Raises
    ------
    MienError
        The file is missing, empty, not a list of clips, or can't be read; or a column seems to be
        meant for another one (`mien.corpora.columns.misnamed`).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clips = Path(folder) / "clips.csv"
    ...     _ = clips.write_text("id,text,emotion\na,I am glad,happy\n")
    ...     [(item.id, item.emotions) for item in read(clips)]
    [('a', ('happy',))]
    """
    return _read_rows(read_clip_rows(source), source)


def _read_rows(rows: ManifestRows, source: Path) -> Iterator[Utterance | Skipped]:
    # A generated id must not be one that a later row has.
    readable = (row for _, row in rows if not isinstance(row, RowError))
    taken = {normalise_name(str(row.get("id"))) for row in readable}
    used: set[str] = set()
    for line, row in rows:
        name = None
        try:
            if isinstance(row, RowError):
                raise row
            name = _name(row, "id")
            if name in used:
                raise RowError("another row has this id; the first is kept")
            utterance = _utterance(row, source.parent)
        except RowError as error:
            yield error.skipped(name or f"line {line}", f"{source}:{line}")
            continue
        if name is None:
            media = utterance.video or utterance.audio
            name = _unused(media.stem if media else f"{source.stem}-{line}", taken)
            taken.add(name)
        used.add(name)
        yield replace(utterance, id=name)


def _unused(stem: str, taken: Collection[str]) -> str:
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _utterance(row: ManifestRow, folder: Path) -> Utterance:
    """Make an utterance, without its id."""
    rate = _number(row, "video_rate", high=MAX_VIDEO_RATE)
    media = _file(row, "media", folder)
    video = media if media and media.suffix.lower() not in _AUDIO_SUFFIXES else None
    utterance = Utterance(
        id="",
        corpus="manifest",
        person=_name(row, "person"),
        session=_name(row, "session"),
        dialogue=_name(row, "dialogue"),
        start=_number(row, "start"),
        end=_number(row, "end"),
        text=_word(row, "text"),
        emotions=_emotions(row),
        sentiment=_number(row, "sentiment", -MAX_SENTIMENT, MAX_SENTIMENT),
        labels=read_labels(row),
        video=_image_pattern(row, folder) if rate else _file(row, "video", folder) or video,
        video_rate=rate,
        video_side=_choice(row, "video_side", get_args(Side)),
        audio=_file(row, "audio", folder) or media,
        audio_channel=_channel(row),
        split=_choice(row, "split", SPLITS),
        attributes={n: _plain(row, n) for n in row if _is_attribute(n)},
    )
    if not (utterance.video or utterance.audio or utterance.text):
        raise RowError("no video, no audio and no text")
    if utterance.end is not None and utterance.end <= (utterance.start or 0):
        reason = f"end {utterance.end} is not after start {utterance.start or 0}"
        raise RowError(reason, "end is not after start")
    return utterance


def _is_attribute(name: str) -> bool:
    return name == "sentence" or not (name in COLUMNS or name.startswith(LABEL))


def _plain(row: ManifestRow, name: str) -> str | int | float | bool | None:
    value = row.get(name)
    if isinstance(value, list | dict):
        raise RowError(f"{name} must be one value, not a list or an object")
    return cell_value(row, name) if isinstance(value, str) else value


def _word(row: ManifestRow, name: str) -> str | None:
    value = _plain(row, name)
    return None if value is None else str(value)


def _name(row: ManifestRow, name: str) -> str | None:
    word = normalise_name(_word(row, name) or "")
    return None if word in MISSING else word


def _number(row: ManifestRow, name: str, *limits: float, **high: float) -> float | None:
    word = _word(row, name)
    return None if word is None else to_float(word, name, *limits, **high)


def _channel(row: ManifestRow) -> int | None:
    word = _word(row, "audio_channel")
    return None if word is None else to_int(word, "audio_channel", high=MAX_CHANNEL)


def _choice(row: ManifestRow, name: str, choices: tuple[Choice, ...]) -> Choice | None:
    word = _word(row, name)
    for choice in choices:
        if word == choice:
            return choice
    if word is not None:
        allowed = f"must be one of: {', '.join(choices)}"
        raise RowError(f"{name} is {word!r} and {allowed}", f"{name} {allowed}")
    return None


def _emotions(row: ManifestRow) -> tuple[str, ...] | None:
    value = row.get("emotions")
    if isinstance(value, list):
        cells = value
        if not all(isinstance(cell, str) for cell in cells):
            raise RowError("emotions must be words")
    elif (word := _word(row, "emotions")) is None:
        return None
    else:
        cells = [word]
    if all(set(cell) <= {";", " "} for cell in cells):
        return ()
    items = [item.strip() for cell in cells for item in re.split(r"[;,|]", cell)]
    labels = chain.from_iterable(item.split("/") for item in items if item not in MISSING)
    words = dict.fromkeys(filter(None, (normalise_name(word).lower() for word in labels)))
    if not words and not any(item in MISSING for item in items if item):
        raise RowError(f"emotions is {value!r}: there is no word in it", "emotions without a word")
    return tuple(words) or None


def _image_pattern(row: ManifestRow, folder: Path) -> Path:
    pattern = folder / (_word(row, "video") or "")
    if "%" not in pattern.name:
        raise RowError("video_rate needs a video such as talk/image_%d.jpg")
    if not os.path.isdir(pattern.parent):
        raise RowError(f"video folder missing: {pattern.parent}", "video folder missing")
    return pattern


def _file(row: ManifestRow, name: str, folder: Path) -> Path | None:
    word = _word(row, name)
    if word is None:
        return None
    path = folder / word
    # os.path returns False where Path.is_file raises, as for a name that is too long.
    if not os.path.isfile(path):
        raise RowError(f"{name} file missing: {path}", f"{name} file missing")
    return path


CORPUS = Corpus(about="your own clips, listed in a .csv or .jsonl file", read=read)
