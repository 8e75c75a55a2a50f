"""From a corpus to a prepared folder, on all cores, able to go on after it was stopped."""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby, islice
from operator import length_hint
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mien.dataset.sample import to_samples
from mien.dataset.store import (
    PART,
    SCHEMA_VERSION,
    read_info,
    read_json,
    read_shard,
    utterance_to_row,
    write_shard,
    write_text,
)
from mien.errors import MienError
from mien.media.decode import FRAME_INTERVAL
from mien.media.faces import FaceCropper
from mien.utterance import RATE, Sample, Skipped, Utterance

UNIT = 16
"""Utterances of a unit of work, at least; those that share a recording stay together."""

Unit = list[Utterance]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a prepared folder holds; also the contents of its `dataset.json`.

    Parameters
    ----------
    corpus : str
        Its name.
    synthetic : bool
        True where any utterance was made by a generator.
    utterances, skipped : int
        Samples written, and utterances left out.
    losses : dict of str to int
        Samples that lack their "video" or "audio", wholly or in part, because it cannot be read.
    modalities : dict of str to int
        Samples that have text ("t"), sound ("a"), faces ("v").
    emotions, persons : dict of str to int
        Samples of each; an utterance may have several emotions or none.
    unlabelled : int
        Samples whose emotion nobody judged.
    hours : float
        Of sound.
    faces : int
        Face crops.
    face_found : float or None
        Share of them where a face was detected; the rest are centres of pictures.
    """

    corpus: str
    synthetic: bool
    utterances: int
    skipped: int
    losses: dict[str, int]
    modalities: dict[str, int]
    emotions: dict[str, int]
    unlabelled: int
    persons: dict[str, int]
    hours: float
    faces: int
    face_found: float | None

    def __str__(self) -> str:
        share = "" if self.face_found is None else f", found in {self.face_found:.1%} of pictures"
        emotions = ", ".join(f"{word} {count}" for word, count in self.emotions.items())
        modalities = ", ".join(
            f"{self.modalities[letter]} with {name}"
            for letter, name in (("t", "words"), ("a", "sound"), ("v", "faces"))
        )
        lines = [
            f"{self.corpus}: {self.utterances} utterances of {len(self.persons)} known persons"
            + (" (synthetic)" if self.synthetic else ""),
            f"  modalities  {modalities}",
            f"  sound       {self.hours:.2f} hours",
            f"  faces       {self.faces}{share}",
            f"  emotions    {emotions or 'none'}; {self.unlabelled} unlabelled",
            f"  skipped     {self.skipped} utterances; incomplete: {self.losses['video']} video,"
            f" {self.losses['audio']} audio (reasons in skipped.jsonl)",
        ]
        return "\n".join(lines)


def prepare(
    items: Iterable[Utterance | Skipped],
    out: Path,
    *,
    corpus: str,
    workers: int | None = None,
    frame_interval: float = FRAME_INTERVAL,
    limit: int | None = None,
    progress: bool = True,
    options: Mapping[str, Any] | None = None,
) -> Summary:
    """Decode a corpus into Parquet shards, to be read with `Store`.

    Stopped at any moment, the same call goes on where it was: finished shards stay, and
    `dataset.json`, without which the folder is refused, is written last. What cannot be read is
    listed in `skipped.jsonl`. Works in processes of its own, so a script that calls it needs the
    usual ``if __name__ == "__main__"``.

    Parameters
    ----------
    items : iterable of Utterance or Skipped
        What an importer yields; taken lazily. Turns of one recording should follow one another.
    out : Path
        A new or empty folder, or one that the same call left unfinished.
    corpus : str
        Name of the corpus.
    workers : int, optional
        Processes; by default one for each core.
    frame_interval : float
        Seconds between two pictures.
    limit : int, optional
        Stop after so many utterances.
    progress : bool
        Show a progress bar.
    options : mapping, optional
        The importer's options, plain values; they are part of the settings that must not change.

    Returns
    -------
    Summary
        Counts; `str` of it is for reading.

    Raises
    ------
    MienError
        The folder holds something else or was begun with other settings; or nothing is left of
        the corpus.
    """
    if limit is not None and limit < 1:
        raise MienError(f"the limit must be at least 1, not {limit}")
    settings = json.loads(
        json.dumps(
            {
                "schema": SCHEMA_VERSION,
                "corpus": corpus,
                "frame_interval": frame_interval,
                "limit": limit,
                "options": dict(options or {}),
            },
            default=str,
        )
    )
    _begin(out, settings)
    if (out / "dataset.json").exists():
        if progress:
            print(f"{out}: prepared before, nothing to do", file=sys.stderr)
        return Summary(**{name: read_info(out)[name] for name in Summary.__dataclass_fields__})
    skipped: list[Skipped] = []
    utterances = islice(_distinct(items, skipped), limit)
    total = limit or length_hint(items) or None
    with tqdm(total=total, unit=" utterances", desc=corpus, disable=not progress) as bar:
        jobs = _jobs(utterances, out, settings)
        shards = _run(jobs, frame_interval, workers or len(os.sched_getaffinity(0)), bar)
    return _finish(out, shards, skipped, settings)


def _begin(out: Path, settings: dict[str, Any]) -> None:
    """Make the folder ours, or refuse one that is not."""
    if out.exists() and not out.is_dir():
        raise MienError(f"{out}: is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    for part in out.glob(f"*{PART}"):
        part.unlink(missing_ok=True)
    path = out / "prepare.json"
    if path.is_file():
        before = read_json(path)
        changed = [name for name in settings if before.get(name) != settings[name]]
        if changed:
            was = ", ".join(f"{name} {before.get(name)!r}" for name in changed)
            now = ", ".join(f"{name} {settings[name]!r}" for name in changed)
            raise MienError(
                f"{out}: was begun with {was}, now {now}; name another folder or delete this one"
            )
    elif any(out.iterdir()):
        raise MienError(f"{out}: holds something else; name a new or empty folder")
    else:
        write_text(path, json.dumps(settings, indent=2))


def _distinct(
    items: Iterable[Utterance | Skipped], skipped: list[Skipped]
) -> Iterator[Utterance]:
    """Pass the utterances on, each id once; put aside what the importer skipped."""
    seen = set()
    for item in items:
        if isinstance(item, Skipped):
            skipped.append(item)
        elif item.id in seen:
            skipped.append(Skipped(item.id, "an earlier utterance has the same id"))
        else:
            seen.add(item.id)
            yield item


@dataclass(frozen=True)
class _Job:
    unit: Unit
    shard: Path


def _jobs(utterances: Iterable[Utterance], out: Path, settings: dict[str, Any]) -> Iterator[_Job]:
    """Cut the corpus into units, each with the name of its shard.

    The name depends on everything that decides what the shard will hold, so that one that exists
    can be trusted.
    """
    for number, unit in enumerate(_units(utterances)):
        rows = [utterance_to_row(utterance) for utterance in unit]
        contents = json.dumps([settings, rows], sort_keys=True)
        digest = hashlib.sha256(contents.encode()).hexdigest()[:12]
        yield _Job(unit, out / f"{number:05d}-{digest}.parquet")


def _units(utterances: Iterable[Utterance]) -> Iterator[Unit]:
    unit: Unit = []
    for utterance in utterances:
        if len(unit) >= UNIT and _recording(utterance) not in (_recording(unit[-1]), None):
            yield unit
            unit = []
        unit.append(utterance)
    if unit:
        yield unit


def _recording(utterance: Utterance) -> Path | None:
    return utterance.video or utterance.audio


def _run(jobs: Iterator[_Job], interval: float, workers: int, bar: Any) -> list[Path]:
    """Do every job that is not done yet; a few at a time are held, however many there are."""
    shards: list[Path] = []
    running: dict[Future[None], _Job] = {}
    pool = _pool(workers)
    try:
        while True:
            for job in islice(jobs, 2 * workers - len(running)):
                shards.append(job.shard)
                if job.shard.exists():
                    bar.update(len(job.unit))
                else:
                    running[pool.submit(_work, job, interval)] = job
            if not running:
                return shards
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            ...
    finally:
        pool.shutdown(cancel_futures=True)
