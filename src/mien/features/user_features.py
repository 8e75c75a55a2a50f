"""Features of the user: an .npz file or a row of a Parquet file for each utterance."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.errors import MienError
from mien.features.widths import OTHER_WIDTH, Widths
from mien.utterance import Skipped, Utterance

ARRAYS = {"text": "t", "voice": "a", "face": "v"}
"""Letters of the modalities by the names of the arrays and columns."""


class UserFeatures:
    """A folder of ``<utterance id>.npz`` with the arrays text, voice, face, or a Parquet file.

    Each array is (steps, features), with as many features as most of its modality have. The Parquet
    file has the column id and any of text, voice, face, each a list of lists of numbers.
    """

    name = "own"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.skipped: list[Skipped] = []
        self._widths = Widths()
        self._rows = _read_parquet(path) if path.is_file() else None
        present = set(self._rows.column_names) if self._rows else self._names_in_folder()
        self.modalities = "".join(m for name, m in ARRAYS.items() if name in present)
        if not self.modalities:
            raise MienError(f"{path}: has none of {', '.join(ARRAYS)}")
        ids = self._rows["id"].to_pylist() if self._rows else []
        if self._rows:
            self._count(self._rows)
        self._numbers = {str(name): number for number, name in enumerate(ids)}

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like such a folder or file."""
        if path.is_dir():
            return any(path.glob("*.npz"))
        return path.is_file() and path.suffix == ".parquet"

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Return the features of an utterance; what is damaged is left out and recorded."""
        where = str(self.path if self._rows else self.path / f"{utterance.id}.npz")
        found: dict[str, np.ndarray] = {}
        try:
            row = self._row(utterance.id)
        except MienError as error:
            self._skip(utterance, "file that cannot be read", error, where)
            return found
        for name, m in ARRAYS.items():
            kind = f"{name} that is not a table of finite numbers"
            try:
                if row.get(name) is not None and len(row[name]):
                    array = _checked(row[name], f"{where}, {name}")
                    kind = f"{name} with {OTHER_WIDTH}"
                    self._widths.check(m, array, f"{where}, {name}")
                    found[m] = array
            except MienError as error:
                self._skip(utterance, kind, error, where)
        return found

    def _row(self, name: str) -> dict[str, Any]:
        """Read the arrays of an utterance; none where it has none."""
        if self._rows is None:
            path = self.path / f"{name}.npz"
            return _read_npz(path) if path.is_file() else {}
        number = self._numbers.get(name)
        return {} if number is None else self._rows.slice(number, 1).to_pylist()[0]

    def _skip(self, utterance: Utterance, kind: str, error: MienError, where: str) -> None:
        self.skipped.append(Skipped(utterance.id, str(error), where, f"features: {kind}"))

    def _names_in_folder(self) -> set[str]:
        names: set[str] = set()
        faults = []
        for path in sorted(self.path.glob("*.npz")):
            try:
                content = _read_npz(path)
                names.update(content)
                for name, array in content.items():
                    if getattr(array, "ndim", 0) == 2 and array.size:  # a member may be no array
                        self._widths.add(ARRAYS[name], array.shape[1])
            except MienError as error:
                faults.append(error)
        if not names and faults:
            raise faults[0]
        return names

    def _count(self, rows: pa.Table) -> None:
        """Count the widths in a table by the first step of each row."""
        for name, m in ARRAYS.items():
            if name not in rows.column_names:
                continue
            try:
                filled = rows[name].filter(pc.greater(pc.list_value_length(rows[name]), 0))
                lengths = pc.list_value_length(pc.list_element(filled, 0))
            except pa.ArrowException:
                continue  # no lists of lists: none of it is a table of numbers
            for width, times in Counter(lengths.to_pylist()).items():
                if width:
                    self._widths.add(m, width, times)


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
        if "id" in table.column_names:
            table["id"].to_pylist()  # which may not be text
            return table
    except (OSError, ValueError, pa.ArrowException) as error:
        raise MienError(f"{path}: cannot be read as Parquet ({error})") from error
    raise MienError(f"{path}: has no column id")


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as content:
            return {name: content[name] for name in content.files if name in ARRAYS}
    except Exception as error:  # zipfile raises almost anything on a damaged archive
        raise MienError(f"{path}: cannot be read as .npz of plain numbers ({error})") from error


def _checked(values: object, where: str) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused
            array = np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0, np.float32)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise MienError(f"{where}: is not a table (steps, features) of finite numbers")
    return array
