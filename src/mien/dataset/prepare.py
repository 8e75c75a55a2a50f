"""From a corpus to a prepared folder, on all cores, able to go on after it was stopped."""

import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import asdict, dataclass
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from mien.dataset.pool import Job, recording, run
from mien.dataset.store import (
    SCHEMA_VERSION,
    read_info,
    read_json,
    read_shard,
    utterance_to_row,
)
from mien.errors import MienError
from mien.files import PART, write_text
from mien.media.decode import FRAME_INTERVAL
from mien.utterance import RATE, Skipped, Utterance

UNIT = 16
"""Utterances of a unit of work, at least; those that share a recording stay together."""


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
    sentiment : int
        Samples whose sentiment somebody judged.
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
    sentiment: int = 0

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
            *([f"  sentiment   of {self.sentiment} utterances"] if self.sentiment else []),
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
        Take so many utterances. Of a list they are spread over all of it, the same ones each time;
        of an iterable whose length is not known, which may have no end, they are the first.
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
    settings = {
        "schema": SCHEMA_VERSION,
        "corpus": corpus,
        "frame_interval": frame_interval,
        "limit": limit,
        "options": json.loads(json.dumps(dict(options or {}), default=str)),
    }
    _begin(out, settings)
    if (out / "dataset.json").exists():
        if progress:
            print(f"{out}: prepared before, nothing to do", file=sys.stderr)
        info = read_info(out)
        return Summary(**{f: info[f] for f in Summary.__dataclass_fields__ if f in info})
    skipped: list[Skipped] = []
    utterances = _limited(_distinct(items, skipped), limit, whole=isinstance(items, Sized))
    total = min(filter(None, (limit, length_hint(items))), default=None)
    with tqdm(total=total, unit=" utterances", desc=corpus, disable=not progress) as bar:
        jobs = _jobs(utterances, out, settings)
        shards = run(jobs, frame_interval, workers or os.cpu_count() or 1, bar)
    return _finish(out, shards, skipped, settings)


def _begin(out: Path, settings: dict[str, Any]) -> None:
    """Make the folder ours, or refuse one that is not."""
    if out.exists() and not out.is_dir():
        raise MienError(f"{out}: is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    begun = out / "prepare.json"
    if begun.is_file():
        _compare(out, read_json(begun), settings)
    elif any(not path.match(f"prepare.json.*{PART}") for path in out.iterdir()):
        raise MienError(f"{out}: holds something else; name a new or empty folder")
    else:
        write_text(begun, json.dumps(settings, indent=2))
    for part in out.glob(f"*{PART}"):
        part.unlink(missing_ok=True)


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


def _limited(
    utterances: Iterator[Utterance], limit: int | None, *, whole: bool
) -> Iterator[Utterance]:
    """Take at most so many utterances: of a `whole` corpus a spread, else the first ones.

    Of equal stretches of the corpus each gives one, at a place drawn by chance: at equal distances
    a corpus in the order of, say, persons and emotions could give one emotion alone.
    """
    if limit is None or not whole:
        return islice(utterances, limit)
    listed = list(utterances)
    if limit >= len(listed):
        return iter(listed)
    edges = np.linspace(0, len(listed), limit + 1).astype(int)
    places = np.random.default_rng(0).integers(edges[:-1], edges[1:])
    return (listed[place] for place in places)


def _jobs(utterances: Iterable[Utterance], out: Path, settings: dict[str, Any]) -> Iterator[Job]:
    """Name the shard of each unit after all that decides what it will hold.

    So one that exists can be trusted, and one of a corpus that has changed since is not taken.
    """
    for number, unit in enumerate(_units(utterances)):
        rows = [utterance_to_row(utterance) for utterance in unit]
        contents = json.dumps([settings, rows], sort_keys=True)
        digest = hashlib.sha256(contents.encode()).hexdigest()[:12]
        yield Job(unit, out / f"{number:05d}-{digest}.parquet")


def _units(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    """Cut the corpus into units of work, between recordings."""
    unit: list[Utterance] = []
    for utterance in utterances:
        source = recording(utterance)
        if len(unit) >= UNIT and (source is None or source != recording(unit[-1])):
            yield unit
            unit = []
        unit.append(utterance)
    if unit:
        yield unit


def _finish(
    out: Path, shards: list[Path], skipped: list[Skipped], settings: dict[str, Any]
) -> Summary:
    """Count what the shards hold, and declare the folder whole."""
    count = _Count(skipped)
    for shard in shards:
        count.add(*read_shard(shard))
    lines = [json.dumps(asdict(item), ensure_ascii=False) for item in count.skipped]
    write_text(out / "skipped.jsonl", "".join(f"{line}\n" for line in lines))
    for stale in {*out.glob("*.parquet"), *out.glob(f"*{PART}")} - set(shards):
        stale.unlink()
    summary = count.summary(settings["corpus"])
    if not summary.utterances:
        raise MienError(
            f"{out}: nothing of the corpus can be used; {summary.skipped} utterances were skipped"
            " for the reasons in skipped.jsonl"
        )
    names = [{"file": s.name, "samples": n} for s, n in zip(shards, count.sizes, strict=True)]
    info = {**settings, **asdict(summary), "shards": names}
    write_text(out / "dataset.json", json.dumps(info, indent=2, ensure_ascii=False))
    return summary


class _Count:
    """Adds up shards."""

    def __init__(self, skipped: list[Skipped]) -> None:
        self.skipped = list(skipped)
        self.sizes: list[int] = []
        self.totals: Counter[str] = Counter()
        self.emotions: Counter[str] = Counter()
        self.persons: Counter[str] = Counter()

    def add(self, table: pa.Table, skipped: list[Skipped]) -> None:
        self.skipped += skipped
        self.sizes.append(table.num_rows)
        for row in table.to_pylist():
            self.totals["synthetic"] += row["synthetic"]
            self.totals["t"] += bool(row["text"] and row["text"].strip())
            self.totals["a"] += row["num_samples"] > 0
            self.totals["v"] += row["num_faces"] > 0
            self.totals["samples"] += row["num_samples"]
            self.totals["faces"] += row["num_faces"]
            self.totals["found"] += sum(row["face_found"] or ())
            self.totals["unlabelled"] += row["emotions"] is None
            self.totals["sentiment"] += row["sentiment"] is not None
            self.emotions.update(row["emotions"] or ())
            self.persons.update([row["person"]] if row["person"] else ())

    def summary(self, corpus: str) -> Summary:
        kinds = Counter(item.reason.partition(":")[0] for item in self.skipped)
        losses = {kind: kinds[kind] for kind in ("video", "audio")}
        faces = self.totals["faces"]
        return Summary(
            corpus=corpus,
            synthetic=self.totals["synthetic"] > 0,
            utterances=sum(self.sizes),
            skipped=len(self.skipped) - sum(losses.values()),
            losses=losses,
            modalities={letter: self.totals[letter] for letter in "tav"},
            emotions=dict(self.emotions.most_common()),
            unlabelled=self.totals["unlabelled"],
            persons=dict(sorted(self.persons.items())),
            hours=round(self.totals["samples"] / RATE / 3600, 4),
            faces=faces,
            face_found=round(self.totals["found"] / faces, 4) if faces else None,
            sentiment=self.totals["sentiment"],
        )
