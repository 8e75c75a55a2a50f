"""Extract the features of prepared data into a folder beside them, for the two-phase baselines."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mien.dataset.cut import cut
from mien.dataset.sample_rows import skipped_to_row
from mien.dataset.shard import drop_damaged, read_entries
from mien.dataset.store import Store
from mien.dataset.worker_pool import WorkerPool
from mien.errors import MienError
from mien.features.extractor import FACE_EXTRACTOR, VOICE_EXTRACTOR, WORD_VECTORS, Extractor
from mien.features.precomputed import PrecomputedFeatures, open_precomputed
from mien.features.store import (
    FEATURE_SCHEMA_VERSION,
    FOLDER,
    LETTERS,
    SCHEMA,
    write_features,
)
from mien.features.summary import FeatureCounts, FeatureSummary, read_summary
from mien.features.word_vectors import PackagedVectors, VectorTable, save_vectors, split_words
from mien.files import PART, only_one, read_json, write_text
from mien.modality import Modality
from mien.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _FeatureJob:
    """A shard of features to write: its samples, its extractor, and the features that were read."""

    data: Path
    rows: range
    out: Path
    sources: dict[str, str]
    max_seconds: float
    precomputed: list[dict[str, np.ndarray]]


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

    When it was stopped, the same call resumes.

    Parameters
    ----------
    data : path
        What `mien prepare` wrote.
    modalities : str, optional
        Letters out of "tav"; by default the modalities of the data and of the files read.
    glove : Path, optional
        Word vectors to use instead of the packaged ones.
    read : Path, optional
        Features computed elsewhere. The modalities that they hold are read from there, the others
        are extracted (see `mien.features.precomputed.open_precomputed`).
    max_seconds : float
        Longer utterances are cut to this.
    renew : bool
        Replace features that were made with other settings, instead of refusing.
    workers : int, optional
        Processes; by default one for each core.
    progress : bool
        Report progress (`mien.progress`).

    Raises
    ------
    MienError
        The data are not prepared, there are features made with other settings, a file that is
        needed is missing or damaged, or another process extracts features of the same data.
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
    """Write the missing shards, and complete the folder."""
    done = folder / "features.json"
    info = read_json(done) if done.is_file() else {}
    if info and drop_damaged(folder, read_entries(info, done), SCHEMA):
        logger.info("%s: extracted before, nothing to do", folder)
        return read_summary(store.folder)
    done.unlink(missing_ok=True)  # damaged shards are written again
    side = store.info.get("options", {}).get("named_side", "left")
    files = None if read is None else open_precomputed(read, side)
    read_letters = files.modalities if files else ""
    available = settings["modalities"] or "".join(store.modalities) + read_letters
    sources = _sources([m for m in LETTERS if m in available], files, glove, store)
    # where nothing is computed, other processes would only be handed what was read
    processes = 1 if set(sources) <= set(read_letters) else workers or os.cpu_count() or 1
    with Progress("features", "utterances", len(store), shown=progress) as bar:
        for count in _run(_jobs(store, sources, files, settings["max_seconds"]), processes):
            bar.update(count)
    return _finish(store, folder, settings, sources, files)


def _identity(path: Path) -> dict[str, Any]:
    """Identify a file or folder by its path and the state of its files."""
    if not path.exists():
        raise MienError(f"{path}: does not exist")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    facts = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return {"path": str(path.resolve()), "files": digest}


def _begin(folder: Path, settings: dict[str, Any], renew: bool) -> None:
    """Mark the folder with its settings; refuse finished features of others, unless to be renewed.

    Unfinished features of other settings are deleted.
    """
    begun = folder / "settings.json"
    if folder.is_dir() and any(folder.iterdir()) and not begun.is_file():
        raise MienError(f"{folder}: holds something else than features; move it away")
    before = read_json(begun) if begun.is_file() else settings
    if before != settings and not renew and (folder / "features.json").is_file():
        changed = " and another ".join(n for n in settings if before.get(n) != settings[n])
        raise MienError(
            f"{folder}: was made with another {changed}; delete it to extract the features again"
        )
    stale = [
        path
        for path in folder.iterdir()
        if path.name.endswith(PART) or (before != settings and path != begun)
    ]
    # features.json first, since it marks the folder as complete
    for path in sorted(stale, key=lambda path: path.name != "features.json"):
        path.unlink(missing_ok=True)
    write_text(begun, json.dumps(settings, indent=2))


def _sources(
    modalities: list[str], files: PrecomputedFeatures | None, glove: Path | None, store: Store
) -> dict[str, str]:
    """Decide the source of the features of each modality."""
    read = set(files.modalities) if files else set()
    if glove is not None and "t" in read:
        raise MienError("the text features are read from files: leave it out", parameter="glove")
    sources = {"a": VOICE_EXTRACTOR, "v": FACE_EXTRACTOR} | {m: files.name for m in read if files}
    if "t" in modalities and "t" not in read:
        sources["t"] = _vectors(glove, store)
    return {m: sources[m] for m in modalities}


def _vectors(glove: Path | None, store: Store) -> str:
    """Make sure that there are word vectors, and return their name."""
    if glove is None:
        return PackagedVectors().name
    table = store.folder / FOLDER / WORD_VECTORS
    if not table.is_file():
        save_vectors(glove, (u.text or "" for u in store.utterances), table)
    return VectorTable(table).name


def _jobs(
    store: Store, sources: dict[str, str], files: PrecomputedFeatures | None, max_seconds: float
) -> Iterator[_FeatureJob]:
    """Yield the job of each shard."""
    ends = accumulate((shard.samples for shard in store.shards), initial=0)
    for (first, end), shard in zip(pairwise(ends), store.shards, strict=True):
        rows = range(first, end)
        precomputed: list[dict[str, np.ndarray]] = [{} for _ in rows]
        if files is not None:
            read = (files(store.utterances[row]) for row in rows)
            precomputed = [{m: a for m, a in found.items() if m in sources} for found in read]
        out = store.folder / FOLDER / shard.file
        yield _FeatureJob(store.folder, rows, out, sources, max_seconds, precomputed)


def _run(jobs: Iterator[_FeatureJob], workers: int) -> Iterator[int]:
    """Run the jobs, and yield how many utterances each has done."""
    if workers == 1:
        yield from map(_work, jobs)
        return
    with WorkerPool(workers, _start) as pool:
        yield from pool.map(_work, jobs)


def _start() -> None:
    import torch

    torch.set_num_threads(1)


def _work(job: _FeatureJob) -> int:
    if not job.out.is_file():
        store, extractor = Store(job.data), Extractor(job.sources, job.out.parent / WORD_VECTORS)
        rows = []
        for row, precomputed in zip(job.rows, job.precomputed, strict=True):
            sample = cut(store[row], 0.0, job.max_seconds)
            words = len(split_words(sample.text or ""))
            rows.append((sample.utterance.id, words, extractor(sample) | precomputed))
        write_features(job.out, rows)
    return len(job.rows)


def _finish(
    store: Store,
    folder: Path,
    settings: dict[str, Any],
    sources: dict[str, str],
    files: PrecomputedFeatures | None,
) -> FeatureSummary:
    """Count what the shards hold, and write `features.json`, which completes the folder."""
    counts = FeatureCounts(folder / shard.file for shard in store.shards)
    left_out = _note_skipped(folder, files)
    missing = " or ".join(Modality.of(m) for m in sources if not counts.utterances[m])
    sources = {m: source for m, source in sources.items() if counts.utterances[m]}
    if not sources:
        raise MienError(
            f"{store.folder}: no utterance has features of {missing or 'any kind'}: check that"
            " the ids match, or name other modalities" + "".join(f"; {line}" for line in left_out)
        )
    notes = [f"no utterance has features of {missing}: the rest is kept"] if missing else []
    read = files is not None and "t" in files.modalities
    summary = FeatureSummary(
        utterances=len(store),
        sources=sources,
        sizes={m: counts.sizes[m] for m in sources},
        counts={m: counts.utterances[m] for m in sources},
        unknown=counts.words - counts.vectors if "t" in sources and not read else None,
        notes=notes + left_out,
    )
    entries = [entry.model_dump() for entry in counts.entries]
    info = settings | vars(summary) | {"digest": counts.digest, "shards": entries}
    write_text(folder / "features.json", json.dumps(info, indent=2, ensure_ascii=False))
    return summary


def _note_skipped(folder: Path, files: PrecomputedFeatures | None) -> list[str]:
    """Record what could not be read of the files, and count it by kind."""
    if files is None:
        return []
    lines = [json.dumps(skipped_to_row(item), ensure_ascii=False) for item in files.skipped]
    write_text(folder / "skipped.jsonl", "".join(f"{line}\n" for line in lines))
    kinds = Counter(item.kind.removeprefix("features: ") for item in files.skipped)
    counted = [f"{count} left out: {kind}" for kind, count in kinds.most_common()]
    where = f"(reasons in {folder / 'skipped.jsonl'})"
    return [*files.notes, *(f"{line} {where}" for line in counted)]
