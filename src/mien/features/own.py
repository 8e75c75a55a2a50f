"""A user's own features: an .npz file an utterance, or a row of a Parquet file."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.errors import MienError
from mien.utterance import Utterance

NAMES = {"text": "t", "voice": "a", "face": "v"}
"""Names of the arrays and columns, and the modalities they are of."""


class Own:
    """A folder of ``<utterance id>.npz`` with the arrays text, voice, face, or a Parquet file.

    Each array is (steps, numbers). The Parquet file has the column id and any of text, voice,
    face, each a list of lists of numbers.
    """

    name = "own"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._rows = _read_parquet(path) if path.is_file() else None
        present = set(self._rows.column_names) if self._rows else self._names_in_folder()
        self.modalities = "".join(m for name, m in NAMES.items() if name in present)
        if not self.modalities:
            raise MienError(f"{path}: has none of {', '.join(NAMES)}")
        ids = self._rows["id"].to_pylist() if self._rows else []
        self._numbers = {str(name): number for number, name in enumerate(ids)}

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like one."""
        if path.is_dir():
            return any(path.glob("*.npz"))
        return path.is_file() and path.suffix == ".parquet"

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Give the features of an utterance."""
        if self._rows is not None:
            number = self._numbers.get(utterance.id)
            row = {} if number is None else self._rows.slice(number, 1).to_pylist()[0]
            where = f"{self.path}, id {utterance.id}"
        else:
            path = self.path / f"{utterance.id}.npz"
            row, where = _read_npz(path) if path.is_file() else {}, str(path)
        return {
            m: _checked(row[name], f"{where}, {name}")
            for name, m in NAMES.items()
            if row.get(name) is not None and len(row[name])
        }

    def _names_in_folder(self) -> set[str]:
        return {name for path in self.path.glob("*.npz") for name in _read_npz(path)}


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise MienError(f"{path}: cannot be read as Parquet ({error})") from error
    if "id" not in table.column_names:
        raise MienError(f"{path}: has no column id")
    return table


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as content:
            return {name: content[name] for name in content.files if name in NAMES}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise MienError(f"{path}: cannot be read as .npz of plain numbers ({error})") from error


def _checked(values: object, where: str) -> np.ndarray:
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError):
        array = np.empty(0, np.float32)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise MienError(f"{where}: is no table (steps, numbers) of finite numbers")
    return array
