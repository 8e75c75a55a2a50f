"""From prepared data to the features beside them, for the two-phase baselines."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mien.dataset.cut import cut
from mien.dataset.shard import ShardEntry, drop_damaged, read_entries
from mien.dataset.store import Store, skipped_to_row
from mien.dataset.worker_pool import WorkerPool
from mien.errors import MienError
from mien.features.extractor import FACE_EXTRACTOR, VOICE_EXTRACTOR, WORD_VECTORS, Extractor
from mien.features.precomputed import PrecomputedFeatures, open_precomputed
from mien.features.store import (
    FEATURE_SCHEMA_VERSION,
    FOLDER,
    LETTERS,
    SCHEMA,
    open_features,
    read_features_info,
    write_features,
)
from mien.features.word_vectors import PackagedVectors, VectorTable, save_vectors, split_words
from mien.files import PART, only_one, read_json, write_text
from mien.progress import Progress

logger = logging.getLogger(__name__)

NAMES = {"t": "words", "a": "voice", "v": "face"}


@dataclass(frozen=True, kw_only=True)
class FeatureSummary:
    """What was extracted; `str` of it is for reading.

    Parameters
    ----------
    utterances : int
        Of the data.
    sources : dict of str to str
        For each modality where its features come from.
    sizes, counts : dict of str to int
        Features a step, and utterances that have any.
    unknown : int or None
        Words without a vector; None where the words' features were read from files.
    notes : list of str
        What is to be known of the files that were read.
    """

    utterances: int
    sources: dict[str, str]
    sizes: dict[str, int]
    counts: dict[str, int]
    unknown: int | None
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{NAMES[m]:<6} {self.sizes[m]:>4} numbers a step ({source}), of"
            f" {self.counts[m]} of {self.utterances} utterances"
            for m, source in self.sources.items()
        ]
        if self.unknown:
            lines.append(f"{self.unknown} words have no vector and are left out")
        return "\n".join([*lines, *self.notes])


@dataclass(frozen=True)
class _Job:
    """A shard to be written: of which samples, by which extractor, with what was read."""

    data: Path
    rows: range
    out: Path
    sources: dict[str, str]
    max_seconds: float
    given: list[dict[str, np.ndarray]]


def extract(
    data: str | Path,
    *,
    modalities: str | None = None,
    glove: Path | None = None,
    read: Path | None = None,
    max_seconds: float = 60.0,
    renew: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> FeatureSummary:
    """Extract the features of prepared data into a folder beside the shards.

    Stopped at any moment, the same call goes on where it was.

    Parameters
    ----------
    data : path
        What `mien prepare` wrote.
    modalities : str, optional
        Which features, out of "tav"; by default of what the data and the files read have.
    glove : Path, optional
        Word vectors to take instead of the packaged ones.
    read : Path, optional
        Features computed before; what modalities they hold is taken from there, the rest
        extracted (see `mien.features.precomputed.open_precomputed`).
    max_seconds : float
        Longer utterances are cut to this.
    renew : bool
        Extract anew where there are features made in another way, instead of refusing.
    workers : int, optional
        Processes; by default one for each core.
    progress : bool
        Tell how far it has come (`mien.progress`).

    Raises
    ------
    MienError
        The data are not prepared, there are features made in another way, a file that is needed
        is missing or damaged, or another process extracts features of the same data.
    """
    store = Store(Path(data))
    folder = store.folder / FOLDER
    settings = {
        "schema": FEATURE_SCHEMA_VERSION,
        "data": store.fingerprint,
        "modalities": modalities,
        "glove": None if glove is None else _identity(glove),
        "read": None if read is None else _identity(read),
        "max_seconds": max_seconds,
    }
    folder.mkdir(exist_ok=True)
    with only_one(folder, "mien features"):
        _begin(folder, settings, renew)
        return _extract(store, folder, settings, glove, read, workers, progress)


def _extract(
    store: Store,
    folder: Path,
    settings: dict[str, Any],
    glove: Path | None,
    read: Path | None,
    workers: int | None,
    progress: bool,
) -> FeatureSummary:
    """Make the shards that are not there, and declare the folder whole."""
    done = folder / "features.json"
    info = read_json(done) if done.is_file() else {}
    if info and drop_damaged(folder, read_entries(info, done), SCHEMA):
        logger.info("%s: extracted before, nothing to do", folder)
        return read_summary(store.folder)
    done.unlink(missing_ok=True)  # what was damaged is made anew
    side = store.info.get("options", {}).get("named_side", "left")
    files = None if read is None else open_precomputed(read, side)
    read_letters = files.modalities if files else ""
    had = settings["modalities"] or "".join(store.modalities) + read_letters
    sources = _sources([m for m in LETTERS if m in had], files, glove, store)
    # where there is nothing to compute, other processes would only be handed what was read
    processes = 1 if set(sources) <= set(read_letters) else workers or os.cpu_count() or 1
    with Progress("features", "utterances", len(store), shown=progress) as bar:
        for count in _run(_jobs(store, sources, files, settings["max_seconds"]), processes):
            bar.update(count)
    return _finish(store, folder, settings, sources, files)


def read_summary(data: Path) -> FeatureSummary:
    """Read what was extracted beside prepared data. Raises `MienError` where nothing was."""
    info = read_features_info(data)
    return FeatureSummary(**{n: info[n] for n in FeatureSummary.__dataclass_fields__ if n in info})


def _identity(path: Path) -> dict[str, Any]:
    """Tell a file or folder from others, and from itself after a change."""
    if not path.exists():
        raise MienError(f"{path}: does not exist")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    facts = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return {"path": str(path.resolve()), "files": digest}


def _begin(folder: Path, settings: dict[str, Any], renew: bool) -> None:
    """Make the folder ours; unless they are to be renewed refuse features made in another way.

    What was begun in another way and never finished is thrown away.
    """
    begun = folder / "settings.json"
    if folder.is_dir() and any(folder.iterdir()) and not begun.is_file():
        raise MienError(f"{folder}: holds something else than features; move it away")
    before = read_json(begun) if begun.is_file() else settings
    if before != settings and not renew and (folder / "features.json").is_file():
        changed = " and another ".join(n for n in settings if before.get(n) != settings[n])
        raise MienError(
            f"{folder}: was made with another {changed}; delete it to extract the features anew"
        )
    stale = [
        path
        for path in folder.iterdir()
        if path.name.endswith(PART) or (before != settings and path != begun)
    ]
    # first what declares the folder whole, last what declares it ours
    for path in sorted(stale, key=lambda path: path.name != "features.json"):
        path.unlink(missing_ok=True)
    write_text(begun, json.dumps(settings, indent=2))


def _sources(
    modalities: list[str], files: PrecomputedFeatures | None, glove: Path | None, store: Store
) -> dict[str, str]:
    """Settle where the features of each modality come from."""
    read = set(files.modalities) if files else set()
    if glove is not None and "t" in read:
        raise MienError("the words' features are read from files: leave it out", parameter="glove")
    sources = {"a": VOICE_EXTRACTOR, "v": FACE_EXTRACTOR} | {m: files.name for m in read if files}
    if "t" in modalities and "t" not in read:
        sources["t"] = _vectors(glove, store)
    return {m: sources[m] for m in modalities}


def _vectors(glove: Path | None, store: Store) -> str:
    """Make sure that there are word vectors, and name them."""
    if glove is None:
        return PackagedVectors().name
    table = store.folder / FOLDER / WORD_VECTORS
    if not table.is_file():
        save_vectors(glove, (u.text or "" for u in store.utterances), table)
    return VectorTable(table).name


def _jobs(
    store: Store, sources: dict[str, str], files: PrecomputedFeatures | None, max_seconds: float
) -> Iterator[_Job]:
    """Name the work of each shard."""
    ends = accumulate((shard.samples for shard in store.shards), initial=0)
    for (first, end), shard in zip(pairwise(ends), store.shards, strict=True):
        rows = range(first, end)
        given: list[dict[str, np.ndarray]] = [{} for _ in rows]
        if files is not None:
            read = (files(store.utterances[row]) for row in rows)
            given = [{m: part for m, part in one.items() if m in sources} for one in read]
        out = store.folder / FOLDER / shard.file
        yield _Job(store.folder, rows, out, sources, max_seconds, given)


def _run(jobs: Iterator[_Job], workers: int) -> Iterator[int]:
    """Do the work, and tell how many utterances are done."""
    if workers == 1:
        yield from map(_work, jobs)
        return
    with WorkerPool(workers, _start) as pool:
        yield from pool.map(_work, jobs)


def _start() -> None:
    import torch

    torch.set_num_threads(1)


def _work(job: _Job) -> int:
    if not job.out.is_file():
        store, extractor = Store(job.data), Extractor(job.sources, job.out.parent / WORD_VECTORS)
        rows = []
        for row, given in zip(job.rows, job.given, strict=True):
            sample = cut(store[row], 0.0, job.max_seconds)
            words = len(split_words(sample.text or ""))
            rows.append((sample.utterance.id, words, extractor(sample) | given))
        write_features(job.out, rows)
    return len(job.rows)


def _finish(
    store: Store,
    folder: Path,
    settings: dict[str, Any],
    sources: dict[str, str],
    files: PrecomputedFeatures | None,
) -> FeatureSummary:
    """Count what the shards hold, and declare the folder whole."""
    counts: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    digest = hashlib.sha256()
    entries = []
    for shard in store.shards:
        path = folder / shard.file
        rows = open_features(path).read().to_pylist()
        entries.append(ShardEntry.of(path, len(rows)).model_dump())
        for row in rows:
            counts.update(words=row["words"], vectors=row["t_steps"])
            counts.update(m for m in LETTERS if row[f"{m}_steps"])
            _measure(row, sizes, path)
            digest.update(json.dumps([row[f"{m}_steps"] for m in LETTERS]).encode())
            digest.update(b"".join(row[m] or b"" for m in LETTERS))
    left_out = _note_skipped(folder, files)
    missing = " or ".join(NAMES[m] for m in sources if not counts[m])
    sources = {m: source for m, source in sources.items() if counts[m]}
    if not sources:
        raise MienError(
            f"{store.folder}: no utterance has features of {missing or 'any kind'}: look whether"
            " the ids fit, and name other modalities" + "".join(f"; {line}" for line in left_out)
        )
    notes = [f"no utterance has features of {missing}: the rest is kept"] if missing else []
    notes += left_out
    read = files is not None and "t" in files.modalities
    summary = FeatureSummary(
        utterances=len(store),
        sources=sources,
        sizes={m: sizes[m] for m in sources},
        counts={m: counts[m] for m in sources},
        unknown=counts["words"] - counts["vectors"] if "t" in sources and not read else None,
        notes=notes,
    )
    info = settings | vars(summary) | {"digest": digest.hexdigest()[:16], "shards": entries}
    write_text(folder / "features.json", json.dumps(info, indent=2, ensure_ascii=False))
    return summary


def _note_skipped(folder: Path, files: PrecomputedFeatures | None) -> list[str]:
    """Write down what could not be read of the files, and count it by kind."""
    if files is None:
        return []
    lines = [json.dumps(skipped_to_row(item), ensure_ascii=False) for item in files.skipped]
    write_text(folder / "skipped.jsonl", "".join(f"{line}\n" for line in lines))
    kinds = Counter(item.kind.removeprefix("features: ") for item in files.skipped)
    told = [f"{count} left out: {kind}" for kind, count in kinds.most_common()]
    where = f"(reasons in {folder / 'skipped.jsonl'})"
    return [*files.notes, *(f"{line} {where}" for line in told)]


def _measure(row: dict[str, Any], sizes: dict[str, int], path: Path) -> None:
    """Note the size of each feature of a row; it is the same in all."""
    for m in LETTERS:
        if row[m] is None:
            continue
        size = len(row[m]) // 4 // row[f"{m}_steps"]
        if sizes.setdefault(m, size) != size:
            raise MienError(
                f"{path}: {row['id']} has {size} features of {NAMES[m]} a step, others have"
                f" {sizes[m]}: delete {path.parent}, then 'mien features' again"
            )
