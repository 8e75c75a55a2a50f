"""One vector for each utterance: what a baseline of scikit-learn takes as input."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import FeatureStore
from mien.files import atomic_write, check_file, fingerprint
from mien.modality import Modality
from mien.models.encoders.naming import PACKAGED
from mien.progress import follow

if TYPE_CHECKING:
    from mien.models.encoders.pretrained_settings import PretrainedAudioConfig

FUNCTIONALS = {
    "mean": lambda steps: steps.mean(axis=0),
    "deviation": lambda steps: steps.std(axis=0),
    "10 %": lambda steps: np.percentile(steps, 10, axis=0),
    "90 %": lambda steps: np.percentile(steps, 90, axis=0),
}
"""What the steps of hand-crafted features are reduced to."""

IDS = ("id", "name", "file", "filename")
"""Columns of a user's table that may say which utterance a row is of, the first found."""

TABLES = (".csv", ".tsv", ".txt", ".parquet")
"""Endings of the files of tables."""

TIMES = ("start", "end", "frameTime")
"""Columns that opensmile adds to its features."""

SOURCES = ("functionals", "voice")
"""What mien computes itself; anything else is a file."""


@dataclass(frozen=True)
class FeatureTable:
    """Vectors by utterance.

    Parameters
    ----------
    ids : sequence of N str
        The utterances that have one.
    names : sequence of D str
        What each number is.
    values : array (N, D)
        Finite, or NaN where a number is missing.
    """

    ids: Sequence[str]
    names: Sequence[str]
    values: np.ndarray

    def write(self, path: Path) -> None:
        """Write a Parquet file that `read_features` reads. Raises `MienError` where it can't."""
        columns = dict(zip(self.names, self.values.T, strict=True))
        with atomic_write(path) as part:
            pq.write_table(pa.table({"id": pa.array(self.ids, pa.string()), **columns}), part)


def name_of(source: str) -> str:
    """Tell features from others: by their name, or those of a file by its content.

    Raises
    ------
    MienError
        There is no such file.
    """
    if source in SOURCES:
        return source
    if names_encoder(source):
        _described(source)  # before anything is written
        return source
    check_file(Path(source))
    return f"{Path(source).name} {fingerprint(Path(source))[:12]}"


def names_encoder(source: str) -> bool:
    """Return whether features are named by a pretrained audio encoder, and not by a file."""
    if Path(source).is_file():
        return False
    name, layers = encoder_of(source)
    packaged = name in PACKAGED[Modality.AUDIO]
    return packaged or (Path(source).suffix not in TABLES and (layers is not None or "/" in name))


def encoder_of(source: str) -> tuple[str, int | None]:
    """Split ``whisper-tiny.en:3`` into the name of an encoder and a number of layers."""
    name, _, layers = source.rpartition(":")
    return (name, int(layers)) if name and layers.isdecimal() else (source, None)


def compute_features(source: str, data: Path, *, progress: bool = True) -> FeatureTable:
    """Compute or read the vectors of prepared data.

    Parameters
    ----------
    source : {"functionals", "voice"}, name of an audio encoder, or path
        Functionals of what `mien features` wrote; embeddings of the packaged speaker encoder; mean
        and deviation over time of the states of a pretrained audio encoder, of its last layer or,
        as ``whisper-tiny.en:3``, of the first three side by side; or a table, as `read_features`
        takes it.
    data : path
        What `mien prepare` wrote.
    progress : bool
        Tell how far it has come (`mien.progress`).

    Raises
    ------
    MienError
        There are no such features, or they are of other utterances.
    """
    if source == "functionals":
        return _functionals(FeatureStore(data), progress)
    if source == "voice":
        return _voices(Store(data), progress)
    if names_encoder(source):
        return _states(Store(data), source, progress)
    ids = [utterance.id for utterance in Store(data).utterances]
    return read_features(Path(source), ids)


def _functionals(store: FeatureStore, progress: bool) -> FeatureTable:
    sizes = store.settings.sizes
    names = [f"{m} {f} {n}" for m, size in sizes.items() for f in FUNCTIONALS for n in range(size)]
    ids, rows = [], []
    for number in follow(range(len(store)), "functionals", "utterances", shown=progress):
        features = store[number].features
        if not features:
            continue
        ids.append(store.utterances[number].id)
        rows.append(
            np.concatenate(
                [
                    _reduced(features[m]) if m in features else np.full(4 * size, np.nan)
                    for m, size in sizes.items()
                ]
            )
        )
    if not ids:
        raise MienError(f"{store.folder} has features of no utterance: see what mien features says")
    return FeatureTable(ids, names, np.array(rows))


def _reduced(steps: np.ndarray) -> np.ndarray:
    return np.concatenate([reduce(steps.astype(float)) for reduce in FUNCTIONALS.values()])


def _voices(store: Store, progress: bool) -> FeatureTable:
    from mien.identity.resemblyzer import Voiceprint

    voiceprint, ids, rows = Voiceprint(), [], []
    for number in follow(range(len(store)), "voices", "utterances", shown=progress):
        if (waveform := store[number].waveform) is not None:
            ids.append(store.utterances[number].id)
            rows.append(voiceprint(waveform).astype(float))
    if not ids:
        raise MienError(f"{store.folder} has no audio of which a voice can be embedded")
    return FeatureTable(ids, [f"voice {n}" for n in range(voiceprint.dim)], np.array(rows))


def _described(source: str) -> tuple["PretrainedAudioConfig", list[dict[str, Any]]]:
    """Find the encoder that features name, with its settings. Raises `MienError` without one."""
    import torch

    from mien.models.encoders.pretrained import build_trunks, describe_all
    from mien.models.encoders.pretrained_settings import PretrainedAudioConfig

    name, layers = encoder_of(source)
    states: Literal["all", "last"] = "last" if layers is None else "all"
    if layers == 0:
        raise MienError(f"{source}: give 1 layer or more", parameter="features")
    settings = PretrainedAudioConfig(model=name, layers=layers, layer_states=states)
    networks = describe_all(Modality.AUDIO, name)
    with torch.device("meta"):  # so that too many layers are refused
        build_trunks(Modality.AUDIO, networks, settings)
    return settings, networks


def _states(store: Store, source: str, progress: bool) -> FeatureTable:
    import torch

    from mien.models.encoders.pretrained import PretrainedEncoder

    settings, networks = _described(source)
    encoder = settings.build(Modality.AUDIO, pretrained=networks)
    assert isinstance(encoder, PretrainedEncoder)
    encoder.load_pretrained(settings.model)
    encoder.eval()
    ids, rows = [], []
    for number in follow(range(len(store)), "states", "utterances", shown=progress):
        if (waveform := store.waveform(number)) is not None:
            ids.append(store.utterances[number].id)
            steps = torch.from_numpy(waveform.astype(np.float32) / 32768)
            rows.append(torch.cat(encoder.constant(steps), dim=1)[0].double().numpy())
    if not ids:
        raise MienError(f"{store.folder} has no audio to encode")
    return FeatureTable(ids, [f"{settings.model} {n}" for n in range(encoder.dim)], np.array(rows))


def read_features(path: Path, ids: Sequence[str]) -> FeatureTable:
    """Read a table of vectors, a row for each utterance.

    A text file, separated by commas, semicolons (as opensmile writes it) or tabs, or a Parquet
    file. A column id, name, file or filename says which utterance a row is of, by its id or by a
    file name that is the id but for folder and ending. Every column of numbers is a feature; times
    are not.

    Raises
    ------
    MienError
        It can't be read, has no such column, no numbers, no row of these utterances or two of one.
    """
    check_file(path)
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())[:200]
        raise MienError(f"{path} can't be read as a table ({why})") from error
    column = next((name for name in IDS if name in table.column_names), None)
    if column is None:
        raise MienError(f"{path} has none of the columns {', '.join(IDS)} to tell utterances by")
    numeric = [
        field.name
        for field in table.schema
        if field.name not in (column, *TIMES) and _is_number(field.type)
    ]
    if len(set(numeric)) < len(numeric):
        twice = next(name for name in numeric if numeric.count(name) > 1)
        raise MienError(f"{path} has several columns {twice!r}: give each a name of its own")
    if not numeric:
        raise MienError(f"{path} has no column of numbers beside {column}")
    known = set(ids)
    found = [_utterance(str(value), known) for value in table[column].to_pylist()]
    kept = [row for row, id_ in enumerate(found) if id_ is not None]
    if not kept:
        raise MienError(
            f"{path}: its column {column} names none of the utterances; the first ones are"
            f" {_first_cells(table[column])}, and the data have {ids[0]!r}"
        )
    named = [str(found[row]) for row in kept]
    if len(set(named)) < len(named):
        twice = next(id_ for id_ in named if named.count(id_) > 1)
        raise MienError(f"{path} has several rows of {twice!r}: one vector an utterance is needed")
    values = np.stack([pc.cast(table[n], pa.float64()).to_numpy() for n in numeric], axis=1)[kept]
    return FeatureTable(named, numeric, np.where(np.isfinite(values), values, np.nan))


def _read_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig") as file:
        heading = file.readline(2**20)
    delimiter = max(",;\t", key=heading.count)
    return pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(delimiter=delimiter),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(IDS, pa.string())),
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _utterance(value: str, known: set[str]) -> str | None:
    """Find the utterance that a cell names; opensmile puts names in quotes of its own."""
    text = value.strip().strip("'\"")
    file = PureWindowsPath(text)
    return next((name for name in (text, file.name, file.stem) if name in known), None)


def _first_cells(column: pa.ChunkedArray) -> str:
    """Show the first cells of a column."""
    return ", ".join(map(repr, column.slice(0, 2).to_pylist()))
