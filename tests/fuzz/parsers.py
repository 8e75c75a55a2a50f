"""Transcripts, lists, corpora's tables, recipes and other people's features."""

import argparse
import json
import math
import pickle
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.cases import Target, Wrong, digest
from fuzz.examples import (
    ACTORS,
    JSONL,
    MANIFEST,
    MELD,
    MOSEI,
    RECIPE,
    SEGMENTS,
    SPOKEN,
    SRT,
    TURNS,
    VTT,
)
from fuzz.mutate import damage, edit_csv, edit_jsonl, edit_text, one_of
from fuzz.structured import edit_pickle, edit_yaml, edit_zip
from mien.corpora import CORPORA
from mien.corpora.goemotions import MAPPING
from mien.corpora.published_split import read_split
from mien.dataset.sample_rows import SCHEMA, utterance_to_row
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

TEXT = one_of(damage, edit_text, edit_text)
TABLE = one_of(damage, edit_text, edit_csv, edit_csv, edit_csv)
PICKLE = one_of(damage, edit_pickle)

# transcripts


def _write(**files: str | bytes) -> Callable[[Path], None]:
    """Give what writes files, named with one underscore for the dot and two for a slash."""

    def build(folder: Path) -> None:
        for name, content in files.items():
            path = folder / name.replace("__", "/")
            stem, _, suffix = path.name.rpartition("_")
            path = path.with_name(f"{stem}.{suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return build


def _transcript(name: str) -> Callable[[Path, list[str]], object]:
    def read(folder: Path, notes: list[str]) -> object:
        from mien.media.transcript import read_transcript

        found = read_transcript(folder / name)
        cues = found.cues
        notes += found.notes
        for cue in cues:
            times = [time for word in cue.timed_words for time in (word.start, word.end)]
            if not all((cue.start or 0) <= time <= (cue.end or 0) for time in times):
                raise Wrong("a word outside its cue")
            if not cue.text.strip():
                raise Wrong("a cue without words")
            cue.text.encode()
            if cue.start is not None and not 0 <= cue.start <= (cue.end or 0) < math.inf:
                raise Wrong(f"a cue from {cue.start} to {cue.end}")
        return cues

    return read


# corpora


def checked(items: Iterable[Utterance | Skipped], notes: list[str]) -> list[Utterance]:
    """Make sure that utterances can be stored, and collect what was skipped."""
    found: list[Utterance] = []
    for item in items:
        if isinstance(item, Skipped):
            try:
                json.dumps(vars(item), ensure_ascii=False).encode()
            except (UnicodeError, TypeError) as error:
                raise Wrong(f"what was skipped cannot be written: {error}") from error
            notes.append(f"{item.id}: {item.reason}")
            continue
        rated = [value for value in item.labels.values() if not isinstance(value, str)]
        for number in (item.start, item.end, item.sentiment, item.video_rate, *rated):
            if number is not None and not math.isfinite(number):
                raise Wrong(f"{item.id} has the number {number}")
        if item.end is not None and item.end <= (item.start or 0):
            raise Wrong(f"{item.id} ends at {item.end}, before it begins")
        if not item.id.strip():
            raise Wrong("an utterance without an id")
        found.append(item)
    for item in found:
        row = utterance_to_row(item)
        try:
            pa.Table.from_pylist([row], SCHEMA)
            json.dumps(row, ensure_ascii=False).encode()
        except (pa.ArrowException, OverflowError, UnicodeError, TypeError) as error:
            raise Wrong(f"{item.id!r} cannot be stored: {error}") from error
    return found


def _corpus(name: str, place: str = "", **options: Any) -> Callable[[Path, list[str]], object]:
    def read(folder: Path, notes: list[str]) -> object:
        return checked(CORPORA[name].read(folder / place, **options), notes)

    return read


_IEMOCAP = "Session1__dialog__"


def _meta(kind: str) -> bytes:
    if kind == "iemocap":
        entry = {"start_time": 6.29, "end_time": 8.24, "label": "neu", "sr": 16_000, "fps": 29.97}
        names = ("Ses01F_impro01_F000", "Ses01F_impro01_M001")
        entries = {name: entry | {"text": f"Synthetic {name}"} for name in names}
    else:
        names = ("synth_1_0", "-synth2_3")
        entries = {name: {"label": [0, 1, 0, 2.0, 0, 0], "text": "Synthetic."} for name in names}
    return pickle.dumps(entries, protocol=4)


def _build_processed(kind: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        root = folder / f"{kind.upper()}_RAW_PROCESSED"
        content = _meta(kind)
        for name in pickle.loads(content):
            place = root / "Ses01F_impro01" / name if kind == "iemocap" else root / name
            place.mkdir(parents=True)
            (place / "audio.wav").write_bytes(b"synthetic")
        (root / "meta.pkl").write_bytes(content)

    return build


def _split(folder: Path, notes: list[str]) -> object:
    return read_split(folder)


# settings


def _recipe(folder: Path, notes: list[str]) -> object:
    from mien.cli.recipe import read_recipe
    from mien.cli.settings import validated
    from mien.models.config import ModelConfig
    from mien.training.config import TrainConfig

    content = read_recipe(folder / "recipe.yaml")
    parser = argparse.ArgumentParser(exit_on_error=False)
    try:
        model = validated(parser, "model", ModelConfig, content.get("model", {}), {})
        training = validated(parser, "training", TrainConfig, content.get("training", {}), {})
    except SystemExit as end:
        raise MienError("a wrong command") from end
    return model, training


# features

UNITS = [f"AU{n:02}_{kind}" for kind in "rc" for n in (1, 2, 4, 45)]


def _openface(folder: Path) -> None:
    lines = [", ".join(["frame", "face_id", "timestamp", "confidence", "success", *UNITS])]
    for frame in range(4):
        lines.append(", ".join(map(str, [frame, 0, frame / 4, 0.9, 1, *range(len(UNITS))])))
    (folder / "u.csv").write_text("\n".join(lines) + "\n")


def _own_npz(folder: Path) -> None:
    arrays = {"text": np.ones((3, 4), np.float32), "voice": np.zeros((2, 5))}
    with ZipFile(folder / "u.npz", "w") as archive:
        for name, array in arrays.items():  # np.savez would write the time of day
            content = BytesIO()
            np.save(content, array)
            archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())


def _own_parquet(folder: Path) -> None:
    rows = [{"id": "u", "text": [[0.5, 1.0], [0.25, 2.0]], "face": [[1.0]]}]
    pq.write_table(pa.Table.from_pylist(rows), folder / "features.parquet")


def _published(folder: Path) -> None:
    place = folder / "MOSEI_HCF_FEATURES"
    place.mkdir()
    for number, phase in enumerate(("train", "valid", "test")):
        sizes = {"text": 300, "audio": 74, "vision": 35}
        content = {key: np.full((1, 2, size), 0.5) for key, size in sizes.items()}
        content["id"] = np.array([["u" if phase == "train" else f"other_{number}"]])
        (place / f"mosei_senti_hcf_{phase}.pkl").write_bytes(pickle.dumps(content, protocol=4))


def _features(place: str = "") -> Callable[[Path, list[str]], object]:
    def read(folder: Path, notes: list[str]) -> object:
        from mien.features.precomputed import open_precomputed

        files = open_precomputed(folder / place)
        found = files(Utterance(id="u", corpus="synthetic"))
        for part in found.values():
            if part.ndim != 2 or not np.isfinite(part).all():
                raise Wrong(f"features of shape {part.shape} with numbers that are none")
        notes += files.notes
        return {m: digest(part) for m, part in found.items()}

    return read


def _targets() -> Iterator[tuple[str, Target]]:
    for suffix, content in (("srt", SRT), ("vtt", VTT), ("txt", "Synthetic words.\nTwo lines.")):
        build = _write(**{f"words_{suffix}": content})
        yield suffix, Target(build, _transcript(f"words.{suffix}"), "words.*", TEXT)
    media = {"a_wav": "", "b_mp4": ""}
    build = _write(list_csv=MANIFEST, **media)
    yield "manifest-csv", Target(build, _corpus("manifest", "list.csv"), "*.csv", TABLE)
    lines = one_of(damage, edit_text, edit_jsonl, edit_jsonl)
    build = _write(list_jsonl=JSONL, **media)
    yield "manifest-jsonl", Target(build, _corpus("manifest", "list.jsonl"), "*.jsonl", lines)
    build = _write(
        train_sent_emo_csv=MELD,
        dev_sent_emo_csv=MELD,
        test_sent_emo_csv=MELD,
        train_splits__dia2_utt0_mp4="synthetic",
    )
    yield "meld", Target(build, _corpus("meld"), "*.csv", TABLE)
    build = _write(
        **{
            "Labels__batch_csv": MOSEI,
            "Transcript__Segmented__Combined__-synth_1_txt": SEGMENTS,
            "Audio__Full__WAV_16000__-synth_1_wav": "synthetic",
            "Audio__Full__WAV_16000__synth2_wav": "synthetic",
        }
    )
    yield "mosei-labels", Target(build, _corpus("mosei"), "Labels/*", TABLE)
    yield "mosei-words", Target(build, _corpus("mosei"), "Transcript/*/*/*", TEXT)
    build = _write(
        VideoDemographics_csv=ACTORS,
        AudioWAV__1001_DFA_ANG_XX_wav="synthetic",
        AudioWAV__1002_IEO_HAP_HI_wav="synthetic",
    )
    yield "cremad", Target(build, _corpus("cremad"), "*.csv", TABLE)
    comments = "So glad.\t17\tsyn1\nWhat now?!\t26,2\tsyn2\n"
    named = "\n".join(MAPPING)
    build = _write(train_tsv=comments, dev_tsv="No.\t2\tsyn3\n", emotions_txt=named)
    yield "goemotions", Target(build, _corpus("goemotions"), "*.t*", TEXT)
    build = _write(
        **{
            f"{_IEMOCAP}EmoEvaluation__Ses01F_impro01_txt": TURNS,
            f"{_IEMOCAP}transcriptions__Ses01F_impro01_txt": SPOKEN,
            f"{_IEMOCAP}wav__Ses01F_impro01_wav": "synthetic",
        }
    )
    yield "iemocap-turns", Target(build, _corpus("iemocap"), "*/*/EmoEvaluation/*", TEXT)
    yield "iemocap-words", Target(build, _corpus("iemocap"), "*/*/transcriptions/*", TEXT)
    for kind in ("iemocap", "mosei"):
        build = _build_processed(kind)
        yield f"meta-{kind}", Target(build, _corpus("processed"), "*/meta.pkl", PICKLE)
    parts = {f"{part}_split_txt": f"{part}_1\n{part}_2\n" for part in ("train", "valid", "test")}
    yield "splits", Target(_write(**parts), _split, "*.txt", TEXT)
    recipe = one_of(damage, edit_yaml, edit_yaml, edit_yaml)
    yield "recipe", Target(_write(recipe_yaml=RECIPE), _recipe, "*.yaml", recipe)
    yield "openface", Target(_openface, _features(), "*.csv", TABLE)
    yield "own-npz", Target(_own_npz, _features(), "*.npz", one_of(damage, edit_zip))
    parquet = _features("features.parquet")
    yield "own-parquet", Target(_own_parquet, parquet, "*.parquet", damage)
    yield "published-features", Target(_published, _features(), "*/*.pkl", PICKLE)


TARGETS = dict(_targets())
"""The targets of this family, by name."""
