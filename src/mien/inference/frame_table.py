"""The frame-wise tables of a recording: faces at each frame, and audio every tenth of a second.

They are for other programs: R, SPSS, data frames. Numbers have a decimal point, what is not known
is empty, and the names of columns are what all of these take.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.files import atomic_write
from mien.inference.audio_frames import AUDIO_STEP, audio_frames
from mien.inference.mouth_observer import MEASURES, FaceSeries

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet")
"""Endings of the files that can be written."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        Letters, digits and underscores, at most 32, beginning with a letter.
    kind : str
        Of values, as pyarrow names it.
    decimals : int
        To which numbers are rounded.
    meaning : str
        What it holds, with its unit.
    """

    name: str
    kind: str
    decimals: int
    meaning: str


FACE_COLUMNS = (
    Column("time", "float64", 3, "seconds from the beginning of the recording"),
    Column("track", "int32", 0, "number of the face"),
    Column("speaker", "string", 0, "whose face it is, if known"),
    Column("left", "float32", 1, "left edge of the face, pixels"),
    Column("top", "float32", 1, "upper edge, pixels"),
    Column("right", "float32", 1, "right edge, pixels"),
    Column("bottom", "float32", 1, "lower edge, pixels"),
    Column("detection_confidence", "float32", 3, "0 to 1; empty between two searches for faces"),
    Column("head_yaw", "float32", 2, "degrees; positive: turned to the right of the image"),
    Column("head_pitch", "float32", 2, "degrees; positive: raised"),
    Column("head_roll", "float32", 2, "degrees; positive: tilted clockwise in the image"),
    Column("mouth_opening", "float32", 4, "distance of the lips, relative to that of the eyes"),
    Column("left_eye_openness", "float32", 4, "eye aspect ratio of the person's left eye"),
    Column("right_eye_openness", "float32", 4, "eye aspect ratio of the person's right eye"),
)
"""A row for each face in each frame."""

AUDIO_COLUMNS = (
    Column("time", "float64", 3, "seconds at which the tenth of a second begins"),
    Column("level_db", "float32", 2, "decibels relative to full scale"),
    Column("pitch_hz", "float32", 2, "fundamental frequency, Hz; empty where nothing is voiced"),
    Column("speech_probability", "float32", 4, "that somebody speaks, 0 to 1"),
)
"""A row for each tenth of a second."""

_ROWS = 10_000


def write_face_table(
    path: Path,
    faces: Mapping[int, FaceSeries],
    speakers: Mapping[int, str] | None = None,
    confidences: Mapping[int, Mapping[float, float]] | None = None,
) -> None:
    """Write what was measured of all faces, in order of time.

    Parameters
    ----------
    path : Path
        Its ending tells the format, one of `FORMATS`.
    faces : mapping of int to FaceSeries
        The measures by track, from a `mien.inference.mouth_observer.MouthObserver`.
    speakers : mapping of int to str, optional
        By track whose face it is.
    confidences : mapping of int to (mapping of float to float), optional
        By track and time how sure the detector was, at the times at which it searched.

    Raises
    ------
    MienError
        The file can't be written, or it has another ending.
    """
    _write(path, FACE_COLUMNS, _face_rows(faces, speakers or {}, confidences or {}))


def write_audio_table(
    path: Path, waveform: np.ndarray, speech: np.ndarray, *, start: float = 0.0
) -> None:
    """Write level, pitch and the probability of speech, every tenth of a second.

    Parameters
    ----------
    path : Path
        Its ending tells the format, one of `FORMATS`.
    waveform : array (S,) int16
        At 16 kHz; a file that is mapped into memory is read block by block.
    speech : array (T,)
        The probability of speech in each 32 ms, as
        `mien.models.pretrained.voice_activity.VoiceActivity` computes it.
    start : float
        Seconds from the beginning of the recording to that of the waveform.

    Raises
    ------
    MienError
        The file can't be written, or it has another ending.
    """
    blocks = audio_frames(waveform, speech)
    rows = (
        {
            "time": start + (first + np.arange(len(values))) * AUDIO_STEP,
            **dict(zip(("level_db", "pitch_hz", "speech_probability"), values.T, strict=True)),
        }
        for first, values in blocks
    )
    _write(path, AUDIO_COLUMNS, rows)


def column_table(columns: Sequence[Column]) -> str:
    """Write columns and their meaning as a Markdown table.

    Examples
    --------
    >>> print(column_table(AUDIO_COLUMNS[1:2]))
    | column | what it holds |
    |---|---|
    | `level_db` | decibels relative to full scale |
    """
    rows = [f"| `{column.name}` | {column.meaning} |" for column in columns]
    return "\n".join(["| column | what it holds |", "|---|---|", *rows])


def _face_rows(
    faces: Mapping[int, FaceSeries],
    speakers: Mapping[int, str],
    confidences: Mapping[int, Mapping[float, float]],
) -> Iterator[dict[str, Any]]:
    """Yield the columns of some thousand rows at a time."""
    tracks = np.repeat(list(faces), [len(one.times) for one in faces.values()])
    times = np.concatenate([np.zeros(0), *(one.times for one in faces.values())])
    none = np.zeros((0, len(MEASURES)), np.float32)
    values = np.concatenate([none, *(one.values for one in faces.values())])
    order = np.lexsort((tracks, times))
    measured = [column.name for column in FACE_COLUMNS if column.name not in _NOT_MEASURED]
    for first in range(0, len(order), _ROWS):
        rows = order[first : first + _ROWS]
        pairs = list(zip(tracks[rows].tolist(), times[rows].tolist(), strict=True))
        yield {
            "time": times[rows],
            "track": tracks[rows],
            "speaker": [speakers.get(track) for track, _ in pairs],
            "detection_confidence": np.array(
                [confidences.get(track, {}).get(time, np.nan) for track, time in pairs]
            ),
            **dict(zip(measured, values[rows].T, strict=True)),
        }


_NOT_MEASURED = ("time", "track", "speaker", "detection_confidence")
"""The other columns are those of a `FaceSeries`, in its order."""


def _write(path: Path, columns: Sequence[Column], blocks: Iterable[Mapping[str, Any]]) -> None:
    """Write blocks of columns, as CSV or Parquet."""
    import pyarrow as pa
    from pyarrow.csv import CSVWriter
    from pyarrow.parquet import ParquetWriter

    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise MienError(f"{path}: a table is written as {' or '.join(FORMATS)}, not as {kind!r}")
    schema = pa.schema([(column.name, column.kind) for column in columns])
    with atomic_write(path) as part, part.open("wb") as file:
        writer = (CSVWriter if kind == ".csv" else ParquetWriter)(file, schema)
        with writer:
            for block in blocks:
                arrays = [_array(block[column.name], column) for column in columns]
                writer.write_batch(pa.record_batch(arrays, schema=schema))


def _array(values: Any, column: Column) -> "pa.Array":
    import pyarrow as pa

    if column.kind == "string":
        # surrogates, which names of files that are not UTF-8 contain, can't be written
        values = [v and v.encode("utf-8", "backslashreplace").decode() for v in values]
        return pa.array(values, pa.string())
    rounded = np.round(values, column.decimals) + 0  # no -0.0
    return pa.array(rounded.astype(column.kind), from_pandas=True)
