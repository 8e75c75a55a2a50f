"""Find the data of a published command, prepare them once, and identify them by content."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mien.corpora import CORPORA
from mien.corpora.published_split import assign, read_split
from mien.dataset.prepare import prepare
from mien.dataset.sample_rows import MEDIA_COLUMNS, SCHEMA_VERSION, utterance_to_row
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extract import extract
from mien.features.store import FOLDER, FeatureStore
from mien.features.summary import read_summary
from mien.files import read_json
from mien.media.faces import PUBLISHED_FACE_SIZE
from mien.utterance import Skipped, Utterance

DATASETS = ("iemocap", "mosei")
"""Names of the corpora in the published code."""

AS_PUBLISHED: dict[str, Any] = {
    "no_face": "centre",
    "max_seconds": 86_400.0,
    "face_size": PUBLISHED_FACE_SIZE,
}
"""Arguments with which `prepare` does what the published code does."""


def short_digest(content: Any) -> str:
    """Return a digest of plain values, of eight letters."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def prepared(datapath: Path, dataset: str, frame_interval: float, savings: Path) -> Path:
    """Return the folder with a command's prepared data; prepare them if needed.

    It is named after the current content of the corpus: utterances, labels, texts and lists, with
    size and time of each audio and video file, and the time of each folder of images.

    Raises
    ------
    MienError
        The data are not found or can't be used.
    """
    if is_prepared(datapath):
        return datapath
    if not datapath.is_dir():
        raise MienError(
            f"--datapath={datapath}: no such folder; give the one with the published processed"
            " data, with a corpus's own release, or one that `mien prepare` wrote"
        )
    corpus, items = _read(datapath, dataset)
    how = {"frame_interval": frame_interval, **AS_PUBLISHED}
    options = {"source": str(datapath.resolve()), "dataset": dataset}
    out = savings / f"data-{short_digest([SCHEMA_VERSION, corpus, how, options, _content(items)])}"
    if (out / "dataset.json").is_file():
        print(f"the data are prepared: {out}")
        return out
    _report_older(savings, options)
    savings.mkdir(parents=True, exist_ok=True)
    print(prepare(items, out, corpus=corpus, options=options, **how))
    return out


def is_prepared(folder: Path) -> bool:
    """Tell whether `mien prepare` wrote a folder, or began to write it."""
    return any((folder / name).is_file() for name in ("dataset.json", "prepare.json"))


def _read(datapath: Path, dataset: str) -> tuple[str, list[Utterance | Skipped]]:
    """Read the corpus in a folder, with the splits of the published lists beside it."""
    reasons = []
    processed = datapath / f"{dataset.upper()}_RAW_PROCESSED"
    for name, folder in (
        ("processed", processed if processed.is_dir() else datapath),
        (dataset, datapath),
    ):
        try:
            items = list(CORPORA[name].read(folder))
        except MienError as error:
            reasons.append(str(error))
        else:
            return name, _assign_splits(datapath / f"{dataset.upper()}_SPLIT", items)
    raise MienError(
        f"--datapath={datapath} holds no data of {dataset} that mien knows: {'; '.join(reasons)}"
    )


def _assign_splits(lists: Path, items: list[Utterance | Skipped]) -> list[Utterance | Skipped]:
    if not lists.is_dir():
        return items
    # the processed data are often there in part
    assigned = assign(items, read_split(lists), name=str(lists), partial=True)
    print(assigned)
    return assigned.items


def _content(items: Iterable[Utterance | Skipped]) -> list[Any]:
    """List what prepared data are made of: the corpus as it is read, and the state of its media."""
    rows: list[Any] = []
    media: set[Path] = set()
    for item in items:
        rows.append(vars(item) if isinstance(item, Skipped) else utterance_to_row(item))
        if isinstance(item, Utterance):
            images = item.video_rate is not None and item.video is not None
            video = item.video.parent if images and item.video else item.video
            media |= {path for path in (video, item.audio) if path is not None}
    return [rows, [_state(path) for path in sorted(media)]]


def _state(path: Path) -> list[Any]:
    """Return the path, size and time of a file or folder."""
    try:
        facts = path.stat()
    except OSError:
        return [str(path), None]
    return [str(path), facts.st_size, facts.st_mtime_ns]


def _report_older(savings: Path, options: dict[str, Any]) -> None:
    """Print where the same data were prepared before a change, or with other settings."""
    for begun in sorted(savings.glob("data-*/prepare.json")):
        if read_json(begun).get("options") == options:
            print(
                f"{begun.parent} was prepared from these data before they changed, or with other"
                " settings: delete it if you no longer need it"
            )


def use_features(datapath: Path, dataset: str, data: Path, max_seconds: float) -> None:
    """Put hand-crafted features beside the data, the published or mien's own, and print which.

    Beside data that a published command prepared, they are made again if the published files have
    appeared, changed or disappeared. Those that `mien features` made elsewhere are kept.
    """
    if data == datapath and (data / FOLDER / "features.json").is_file():
        summary = read_summary(data)
    else:
        published = datapath / f"{dataset.upper()}_HCF_FEATURES"
        read = published if published.is_dir() else None
        summary = extract(data, read=read, max_seconds=max_seconds, renew=data != datapath)
    print(f"the features in {data / FOLDER}:\n{summary}")


def content_digest(store: Store) -> str:
    """Return a digest of all that a model is trained on, whatever the folder of the data."""
    whole = hashlib.sha256(store.fingerprint.encode())
    if isinstance(store, FeatureStore):
        whole.update(store.settings.digest.encode())
        return whole.hexdigest()[:16]
    for shard in store.info["shards"]:
        with pq.ParquetFile(store.folder / shard["file"]) as file:
            for batch in file.iter_batches(batch_size=16, columns=list(MEDIA_COLUMNS)):
                for row in batch.to_pylist():
                    for media in [*(row["faces"] or [b"-"]), row["waveform"] or b"-"]:
                        whole.update(media)
    return whole.hexdigest()[:16]
