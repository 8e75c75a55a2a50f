"""Prepare a corpus: decode it into a folder of shards, on all cores, resumable at any time."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import asdict, fields
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np

from mien.dataset.sample_rows import SCHEMA, SCHEMA_VERSION, skipped_to_row, utterance_to_row
from mien.dataset.shard import ShardEntry, drop_damaged, read_entries
from mien.dataset.shard_jobs import ShardJob, recording_of, write_shards
from mien.dataset.store import read_info, read_shard
from mien.dataset.summary import DatasetSummary, SummaryCounts
from mien.dataset.turn_media import DecodeOptions
from mien.errors import MienError
from mien.files import PART, only_one, read_json, unwritable, write_text
from mien.media.decode import FRAME_INTERVAL
from mien.media.faces import FACE_SIZE, check_face_size
from mien.media.limits import MAX_SECONDS
from mien.progress import Progress
from mien.utterance import NoFace, Skipped, Utterance

logger = logging.getLogger(__name__)

MIN_JOB_UTTERANCES = 16
"""Utterances with a recording that complete a shard; those that share one stay together."""

MIN_JOB_TEXTS = 1024
"""Utterances that complete a shard, of whatever kind: texts alone take little time and space."""


def prepare(
    items: Iterable[Utterance | Skipped],
    out: Path,
    *,
    corpus: str,
    workers: int | None = None,
    frame_interval: float = FRAME_INTERVAL,
    no_face: NoFace = "leave-out",
    max_seconds: float = MAX_SECONDS,
    face_size: int = FACE_SIZE,
    limit: int | None = None,
    progress: bool = True,
    options: Mapping[str, Any] | None = None,
) -> DatasetSummary:
    """Decode a corpus into Parquet shards, to be read with `Store`.

    When it was stopped, the same call resumes: finished shards are kept, and `dataset.json`,
    without which the folder is refused, is written last. Shards that are missing or damaged are
    written again. What can't be read is listed in `skipped.jsonl`. The work is done in child
    processes, so a script that calls it needs the usual ``if __name__ == "__main__"``.

    Parameters
    ----------
    items : iterable of Utterance or Skipped
        What a corpus yields; consumed lazily. Turns of one recording should follow one another.
    out : Path
        A new or empty folder, or one that the same call left unfinished.
    corpus : str
        Name of the corpus.
    workers : int, optional
        Processes; by default one for each core.
    frame_interval : float
        Seconds between two frames.
    no_face : {"leave-out", "centre"}
        What replaces a frame without a detected face: nothing, or its centre, as published.
    max_seconds : float
        Longer utterances are cut to this many seconds.
    face_size : int
        Edge of the face crops, 48 to 512 pixels; 48 gives the published ones.
    limit : int, optional
        Use this many utterances. Of a list they are spread over all of it, the same ones each time;
        of an iterable of unknown length, which may have no end, they are the first.
    progress : bool
        Report progress (`mien.progress`).
    options : mapping, optional
        The options of the corpus, plain values; they are part of the settings that must not change.

    Returns
    -------
    DatasetSummary
        Counts; `str` of it is for reading.

    Raises
    ------
    MienError
        The face size is out of range; the folder holds something else, was begun with other
        settings, or is in use by another process; or no utterance can be used.
    """
    if limit is not None and limit < 1:
        raise MienError(f"the limit must be at least 1, not {limit}")
    check_face_size(face_size)
    settings = {
        "schema": SCHEMA_VERSION,
        "corpus": corpus,
        "frame_interval": frame_interval,
        "no_face": no_face,
        "max_seconds": max_seconds,
        "face_size": face_size,
        "limit": limit,
        "options": json.loads(json.dumps(dict(options or {}), default=str)),
    }
    _make(out)
    with only_one(out, "mien prepare"):
        _begin(out, settings)
        if before := _finished(out):
            logger.info("%s: prepared before, nothing to do", out)
            return before
        return _prepare(items, out, settings, workers or os.cpu_count() or 1, progress)


def _prepare(
    items: Iterable[Utterance | Skipped],
    out: Path,
    settings: dict[str, Any],
    workers: int,
    progress: bool,
) -> DatasetSummary:
    """Write the missing shards, and complete the folder."""
    limit, corpus = settings["limit"], settings["corpus"]
    skipped: list[Skipped] = []
    utterances = _limited(_distinct(items, skipped), limit, whole=isinstance(items, Sized))
    total = min(filter(None, (limit, length_hint(items))), default=None)
    with Progress(corpus, "utterances", total, shown=progress) as bar:
        jobs = _jobs(utterances, out, settings)
        decode = DecodeOptions(**{f.name: settings[f.name] for f in fields(DecodeOptions)})
        shards = write_shards(jobs, decode, workers, bar)
    return _finish(out, shards, skipped, settings)


def _make(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise MienError(f"{out}: is a file; name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from error


def _finished(out: Path) -> DatasetSummary | None:
    """Return the summary of a finished folder; remove the damaged files of any other."""
    done = out / "dataset.json"
    try:
        info = read_info(out)
        entries = read_entries(info, done)
    except MienError:  # not finished, or the list is lost: the shards have their own checksums
        drop_damaged(out, None, SCHEMA)
        done.unlink(missing_ok=True)
        return None
    if not drop_damaged(out, entries, SCHEMA):
        done.unlink()
        return None
    return DatasetSummary(**{f: info[f] for f in DatasetSummary.__dataclass_fields__ if f in info})


def _begin(out: Path, settings: dict[str, Any]) -> None:
    """Mark the folder with its settings, or refuse one with others."""
    begun = out / "prepare.json"
    if begun.is_file():
        _compare(out, read_json(begun, "delete the folder, then prepare again"), settings)
    elif any(not path.match(f"prepare.json.*{PART}") for path in out.iterdir()):
        raise MienError(f"{out}: holds something else; name a new or empty folder")
    else:
        write_text(begun, json.dumps(settings, indent=2))
    for unfinished in out.glob(f"*{PART}"):
        unfinished.unlink(missing_ok=True)


def _compare(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changes = [
        f"{name} {before.get(name)!r}, not {now[name]!r}"
        for name in now
        if before.get(name) != now[name]
    ]
    if changes:
        raise MienError(
            f"{out}: was begun with {' and '.join(changes)}; name another folder or delete this one"
        )


def _distinct(items: Iterable[Utterance | Skipped], skipped: list[Skipped]) -> Iterator[Utterance]:
    """Yield the utterances, each id once; append what the corpus skipped to a list."""
    seen = set()
    for item in items:
        if isinstance(item, Skipped):
            skipped.append(item)
        elif item.id in seen:
            skipped.append(Skipped(item.id, "an earlier utterance has the same id"))
        else:
            seen.add(item.id)
            yield item


def _limited(
    utterances: Iterator[Utterance], limit: int | None, *, whole: bool
) -> Iterator[Utterance]:
    """Limit the number of utterances: of a `whole` corpus a spread, else the first ones.

    One utterance is drawn at random from each of equal stretches of the corpus: at equal distances,
    a corpus in the order of, say, persons and emotions could give a single emotion.
    """
    if limit is None or not whole:
        return islice(utterances, limit)
    listed = list(utterances)
    if limit >= len(listed):
        return iter(listed)
    edges = np.linspace(0, len(listed), limit + 1).astype(int)
    places = np.random.default_rng(0).integers(edges[:-1], edges[1:])
    return (listed[place] for place in places)


def _jobs(
    utterances: Iterable[Utterance], out: Path, settings: dict[str, Any]
) -> Iterator[ShardJob]:
    """Name each shard by a digest of all that decides its content.

    So one that exists can be trusted, and one of a corpus that has changed since is not used.
    """
    for number, group in enumerate(_grouped(utterances)):
        rows = [utterance_to_row(utterance) for utterance in group]
        contents = json.dumps([settings, rows], sort_keys=True)
        digest = hashlib.sha256(contents.encode()).hexdigest()[:12]
        yield ShardJob(group, out / f"{number:05d}-{digest}.parquet")


def _grouped(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """Group the corpus into the utterances of each shard, without splitting recordings."""
    group: list[Utterance] = []
    recorded = 0
    for utterance in utterances:
        source = recording_of(utterance)
        full = recorded >= MIN_JOB_UTTERANCES or len(group) >= MIN_JOB_TEXTS
        if full and (source is None or source != recording_of(group[-1])):
            yield group
            group, recorded = [], 0
        group.append(utterance)
        recorded += source is not None
    if group:
        yield group


def _finish(
    out: Path, shards: list[Path], skipped: list[Skipped], settings: dict[str, Any]
) -> DatasetSummary:
    """Count what the shards hold, and write `dataset.json`, which completes the folder."""
    count = SummaryCounts(skipped)
    for shard in shards:
        count.add(*read_shard(shard))
    lines = [json.dumps(skipped_to_row(item), ensure_ascii=False) for item in count.skipped]
    write_text(out / "skipped.jsonl", "".join(f"{line}\n" for line in lines))
    for stale in {*out.glob("*.parquet"), *out.glob(f"*{PART}")} - set(shards):
        stale.unlink()
    summary = count.summary(settings["corpus"])
    if not summary.utterances:
        raise MienError(
            f"{out}: no utterance of the corpus can be used; {summary.skipped} were skipped"
            " for the reasons in skipped.jsonl"
        )
    entries = [ShardEntry.of(s, n).model_dump() for s, n in zip(shards, count.sizes, strict=True)]
    info = {**settings, **asdict(summary), "shards": entries}
    write_text(out / "dataset.json", json.dumps(info, indent=2, ensure_ascii=False))
    return summary
