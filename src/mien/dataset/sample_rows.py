"""Rows of prepared data: the columns of a shard, and utterances and samples as plain values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mien.encoding import readable
from mien.media.crop_codec import decode_crop, encode_crop
from mien.utterance import Sample, Skipped, Utterance

SCHEMA_VERSION = 3
"""Raised whenever the columns or their meaning change."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("corpus", pa.string()),
        ("person", pa.string()),
        ("session", pa.string()),
        ("dialogue", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("text", pa.string()),
        ("emotions", pa.list_(pa.string())),
        ("sentiment", pa.float64()),
        ("labels", pa.string()),  # JSON
        ("video", pa.string()),
        ("video_rate", pa.float64()),
        ("video_side", pa.string()),
        ("audio", pa.string()),
        ("audio_channel", pa.int32()),
        ("synthetic", pa.bool_()),
        ("split", pa.string()),
        ("attributes", pa.string()),  # JSON
        ("seconds", pa.float64()),  # of the media, as decoded
        ("frame_times", pa.list_(pa.float32())),  # of the frames that were searched for a face
        ("num_faces", pa.int32()),
        ("num_samples", pa.int64()),  # of the waveform, at 16 kHz
        ("face_times", pa.list_(pa.float32())),
        ("face_found", pa.list_(pa.bool_())),
        ("faces", pa.list_(pa.binary())),  # num_faces lossless WebP images, RGB
        ("waveform", pa.binary()),  # int16, little endian
    ],
    metadata={"mien_schema": str(SCHEMA_VERSION)},
)

MEDIA_COLUMNS = ("faces", "waveform")
INDEX_COLUMNS = [name for name in SCHEMA.names if name not in MEDIA_COLUMNS]
SAMPLE_COLUMNS = [
    *MEDIA_COLUMNS,
    "num_faces",
    "seconds",
    "frame_times",
    "face_times",
    "face_found",
]


def utterance_to_row(utterance: Utterance) -> dict[str, Any]:
    """Convert an utterance to plain values, one for each of its columns.

    A path is stored as readable text: one that is not UTF-8 can't be stored as it is.
    """
    row = dict(vars(utterance))
    row["emotions"] = None if utterance.emotions is None else list(utterance.emotions)
    row["video"] = None if utterance.video is None else str(utterance.video)
    row["audio"] = None if utterance.audio is None else str(utterance.audio)
    row["labels"] = json.dumps(dict(utterance.labels), ensure_ascii=False, allow_nan=False)
    row["attributes"] = json.dumps(dict(utterance.attributes), ensure_ascii=False)
    return {name: readable(v) if isinstance(v, str) else v for name, v in row.items()}


def row_to_utterance(row: dict[str, Any]) -> Utterance:
    """Convert such a row back to the utterance."""
    fields = dict(row)
    fields["emotions"] = None if row["emotions"] is None else tuple(row["emotions"])
    fields["video"] = None if row["video"] is None else Path(row["video"])
    fields["audio"] = None if row["audio"] is None else Path(row["audio"])
    fields["labels"] = json.loads(row["labels"])
    fields["attributes"] = json.loads(row["attributes"])
    return Utterance(**fields)


def skipped_to_row(item: Skipped) -> dict[str, str]:
    """Convert a `Skipped` to plain values that can be written."""
    return {name: readable(value) for name, value in vars(item).items()}


def sample_to_row(sample: Sample) -> dict[str, Any]:
    """Convert a sample to plain values, one for each column; its face crops are compressed."""
    row = utterance_to_row(sample.utterance)
    faces, times, found, wave = sample.faces, sample.face_times, sample.face_found, sample.waveform
    row["num_faces"] = 0 if faces is None else len(faces)
    row["num_samples"] = 0 if wave is None else len(wave)
    row["seconds"] = sample.seconds
    row["frame_times"] = None if sample.frame_times is None else sample.frame_times.tolist()
    row["face_times"] = None if times is None else times.tolist()
    row["face_found"] = None if found is None else found.tolist()
    row["faces"] = None if faces is None else [encode_crop(face) for face in faces]
    row["waveform"] = None if wave is None else wave.astype("<i2", copy=False).tobytes()
    return row


def row_to_sample(utterance: Utterance, decoded: dict[str, Any], face_size: int) -> Sample:
    """Convert columns to a sample. Raises `ValueError` where these are damaged."""
    encoded, times, found, wave, frames = (
        decoded[name] for name in ("faces", "face_times", "face_found", "waveform", "frame_times")
    )
    faces = [decode_crop(face or b"", face_size) for face in encoded or ()]
    if len(faces) != decoded["num_faces"]:
        raise ValueError(f"{len(faces)} face crops, not {decoded['num_faces']}")
    return Sample(
        utterance=utterance,
        seconds=decoded["seconds"],
        frame_times=None if frames is None else np.array(frames, np.float32),
        faces=np.stack(faces) if faces else None,
        face_times=None if times is None else np.array(times, np.float32),
        face_found=None if found is None else np.array(found, bool),
        waveform=decode_waveform(wave),
    )


def decode_waveform(stored: bytes | None) -> np.ndarray | None:
    """Read a stored waveform. Raises `ValueError` where it is damaged."""
    return None if stored is None else np.frombuffer(stored, "<i2").astype(np.int16)


def media_bytes(row: dict[str, Any]) -> int:
    """Return the bytes of a row's media."""
    return sum(map(len, row["faces"] or ())) + len(row["waveform"] or b"")
