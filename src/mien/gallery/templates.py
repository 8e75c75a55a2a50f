"""The table of templates: one row for each embedding, in a LanceDB database."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.expr import Expr, col
from lancedb.index import IvfRq

from mien.errors import MienError
from mien.gallery.calibration import Calibration
from mien.gallery.journal import sync

TABLE = "templates"
FORMAT = 1
ABOUT = "mien"
"""Key in the metadata of the column of vectors."""

INDEX_FROM = 32_768
"""Rows from which on there is an index, and which may be outside it. These are all compared."""

GROWTH = 4
"""The index's partitions are chosen anew when the table has become so many times as large."""

PROBES = 200
"""Partitions looked at, of about √rows: see benchmarks/gallery.md for what it costs and finds."""

REFINE = 2
"""So many times the rows wanted are compared exactly."""

FRAGMENTS = 64
"""Data files above which small ones are put together."""

FRAGMENT_ROWS = 131_072
"""Rows of a data file at most: to forget somebody the files with their rows are written anew."""

INDEX_CACHE, METADATA_CACHE = 512 << 20, 64 << 20
"""Bytes of memory that the index and the table's metadata may take."""


class Hit(NamedTuple):
    """A template near an embedding."""

    person: str
    subject: str
    clip: str
    score: float


class About(NamedTuple):
    """What holds for all templates."""

    encoder: str
    dimensions: int
    calibration: Calibration | None


def of(subjects: Sequence[str]) -> Expr:
    """Give the condition for the rows of persons.

    By pseudonym, since LanceDB writes the condition of a removal to the disk.
    """
    return col("subject").isin(list(subjects))


def schema(encoder: str, dimensions: int) -> pa.Schema:
    """Describe the columns."""
    about = json.dumps({"format": FORMAT, "encoder": encoder})
    return pa.schema(
        [
            pa.field("person", pa.string()),
            pa.field("subject", pa.string()),
            pa.field("enrolment", pa.string()),
            pa.field("clip", pa.string()),
            pa.field("consent", pa.string()),
            pa.field("enrolled", pa.timestamp("us", tz="UTC")),
            pa.field("expires", pa.date32()),
            pa.field("vector", pa.list_(pa.float32(), dimensions), metadata={ABOUT: about}),
        ]
    )


class Templates:
    """The rows of a gallery and how they are found, kept quick, and erased.

    Parameters
    ----------
    uri : str
        A folder, or what else LanceDB opens, such as ``s3://bucket/gallery``.
    folder : Path, optional
        The same as a local folder, None where it is none.
    """

    def __init__(self, uri: str, folder: Path | None) -> None:
        self.uri, self.folder = uri, folder
        session = lancedb.Session(INDEX_CACHE, METADATA_CACHE)
        # each read sees what other processes have written
        always = timedelta(0)
        self._database = lancedb.connect(uri, read_consistency_interval=always, session=session)
        self._opened: Any = None
        self._expired: tuple[tuple[int, date], bool] | None = None

    @property
    def _table(self) -> Any:
        if self._opened is None:
            try:
                self._opened = self._database.open_table(TABLE)
            except ValueError as error:
                raise MienError(f"{self.uri}: nobody was ever enrolled here") from error
        return self._opened

    @property
    def exist(self) -> bool:
        """Whether anything was ever stored."""
        try:
            return self._table is not None
        except MienError:
            return False

    def create(self, encoder: str, dimensions: int) -> None:
        """Begin an empty table."""
        with self._synced():
            self._opened = self._database.create_table(TABLE, schema=schema(encoder, dimensions))

    @property
    def about(self) -> About:
        """What holds for all templates. Raises `MienError` for a table of another format."""
        field = self._table.schema.field("vector")
        content = json.loads((field.metadata or {}).get(ABOUT.encode(), b"{}"))
        if content.get("format") != FORMAT:
            raise MienError(
                f"{self.uri} is of format {content.get('format')}, this mien reads {FORMAT}:"
                " use the version of mien that wrote it"
            )
        calibration = content.get("calibration")
        return About(
            encoder=content["encoder"],
            dimensions=field.type.list_size,
            calibration=calibration and Calibration.model_validate(calibration),
        )

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._table.schema

    def calibrate(self, calibration: Calibration) -> None:
        """Keep a calibration."""
        content = {
            "format": FORMAT,
            "encoder": self.about.encoder,
            "calibration": calibration.model_dump(mode="json"),
        }
        change = {"path": "vector", "metadata": {ABOUT: json.dumps(content)}}
        with self._synced():
            self._table.update_field_metadata(change)

    def __len__(self) -> int:
        return int(self._table.count_rows())

    def add(self, rows: pa.Table) -> None:
        """Store rows, all or none; on a local disk they have reached it when this returns."""
        with self._synced():
            self._table.add(rows)

    def rows(self, columns: Sequence[str], where: Expr | None = None) -> pa.Table:
        """Read the rows that fulfil a condition."""
        return self.batches(columns, where).read_all()

    def batches(self, columns: Sequence[str], where: Expr | None = None) -> pa.RecordBatchReader:
        """Read the rows that fulfil a condition, bit by bit."""
        query = self._table.search().select(list(columns))
        return (query if where is None else query.where(where)).to_batches()

    def nearest(self, vector: np.ndarray, count: int, today: date) -> list[Hit]:
        """Find the templates nearest to a unit vector (E,), best first, without expired ones."""
        query = self._table.search(vector, vector_column_name="vector").distance_type("dot")
        query = query.nprobes(PROBES).refine_factor(REFINE).limit(count)
        if self._any_expired(today):
            query = query.where(col("expires") >= today)
        found = query.select(["person", "subject", "clip", "_distance"]).to_arrow().to_pydict()
        # LanceDB's distance is 1 - the scalar product
        scores = (1 - distance for distance in found.pop("_distance"))
        return [Hit(*row) for row in zip(*found.values(), scores, strict=True)]

    def _any_expired(self, today: date) -> bool:
        """Tell whether a search has to ask each row for its date, which takes longer."""
        state = int(self._table.version), today
        if self._expired is None or self._expired[0] != state:
            self._expired = state, self._table.count_rows((col("expires") < today).to_sql()) > 0
        return self._expired[1]

    def remove(self, where: Expr) -> None:
        """Take rows out of the table. Their bytes stay on the disk until `compact` and `sweep`."""
        with self._synced():
            self._table.delete(where)

    def compact(self) -> None:
        """Put small files together, and write files with removed rows, and the index, without them.

        The old files stay for those who read them.
        """
        self._table.to_lance().optimize.compact_files(
            target_rows_per_fragment=FRAGMENT_ROWS, materialize_deletions_threshold=0.0
        )

    def sweep(self, older: timedelta = timedelta(0)) -> None:
        """Delete the files that the table as it is now does not need. Nobody may read meanwhile.

        Parameters
        ----------
        older : timedelta
            Spare what was needed until so long ago.
        """
        own = (
            self.folder is not None
        )  # elsewhere a file nobody knows may be another's half-done work
        self._table.to_lance().cleanup_old_versions(older, delete_unverified=own)
        self._table.checkout_latest()

    @property
    def crowded(self) -> bool:
        """Whether there are so many small files that it is time to compact them."""
        return int(self._table.stats()["fragment_stats"]["num_fragments"]) > FRAGMENTS

    def index(self) -> bool:
        """Bring the index up to date if too many rows are outside it; tell whether it was changed.

        Searches go on with the old one meanwhile.
        """
        names = [index.name for index in self._table.list_indices()]
        if not names:
            if len(self) < INDEX_FROM:
                return False
            self._train()
            return True
        stats = self._table.index_stats(names[0])
        if stats.num_unindexed_rows < INDEX_FROM:
            return False
        if len(self) > GROWTH * self._partitions(names[0]) ** 2:
            self._train()
        else:
            self._table.to_lance().optimize.optimize_indices(index_names=names)
        return True

    def _train(self) -> None:
        partitions = round(math.sqrt(len(self)))
        config = IvfRq(distance_type="dot", num_partitions=partitions)
        self._table.create_index("vector", config=config, replace=True)

    def _partitions(self, name: str) -> int:
        stats = self._table.to_lance().stats.index_stats(name)
        return int(stats["indices"][0]["num_partitions"])

    @contextmanager
    def _synced(self) -> Iterator[None]:
        """Wait until what is written meanwhile is on the disk, where it is ours."""
        if self.folder is None:
            yield
            return
        before = _files(self.folder)
        yield
        new = _files(self.folder) - before
        folders = {parent for path in new for parent in path.parents}
        for path in new | {f for f in folders if f.is_relative_to(self.folder)}:
            sync(path)


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.glob(f"{TABLE}.lance/**/*") if path.is_file()}
