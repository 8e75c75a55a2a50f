"""A table of templates: one row for each enrolled embedding, in a LanceDB database."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import lancedb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.expr import Expr, col
from lancedb.index import BTree, IvfRq

from mien.errors import MienError
from mien.files import sync
from mien.gallery.threshold import Calibration

TABLE = "templates"
FORMAT = 1
METADATA_KEY = "mien"
"""Key in the metadata of the column of vectors."""

INDEX_FROM = 32_768
"""Rows from which on there is an index; as many may be outside it, and are compared exactly."""

INDEX = "nearest"
"""Name of the index of vectors; another finds the rows of a person."""

PARTITION = 1024
"""Approximate rows of a partition of a new index."""

GROWTH = 2
"""The index is rebuilt when the table has become so many times as large."""

PROBED = 0.25
"""Share of the index's partitions that a search looks at: see benchmarks/gallery.md."""

REFINE = 2
"""How many times the rows wanted are compared exactly."""

FRAGMENTS = 64
"""Data files from which on small ones are compacted."""

FRAGMENT_ROWS = 131_072
"""Rows of a data file at most: to forget somebody, the files with their rows are rewritten."""

INDEX_CACHE, METADATA_CACHE = 512 << 20, 64 << 20
"""Bytes of memory that the index and the table's metadata may take."""


class Hit(NamedTuple):
    """A template near an embedding: whose, and of which clip."""

    subject: str
    clip: str


class TableMetadata(NamedTuple):
    """What is true of all templates.

    `expires` is the day on which the first of them expires, `trained` how many there were when the
    index was built.
    """

    encoder: str
    dimensions: int
    calibration: Calibration | None
    trained: int
    rows: int
    expires: date


def of_subjects(subjects: Sequence[str]) -> Expr:
    """Give the condition for the rows of persons, by pseudonym.

    LanceDB writes the condition of a removal to the disk, so it must not hold a name.
    """
    return col("subject").isin(list(subjects))


def schema(encoder: str, dimensions: int) -> pa.Schema:
    """Describe the columns."""
    metadata = json.dumps({"format": FORMAT, "encoder": encoder})
    return pa.schema(
        [
            pa.field("person", pa.string()),
            pa.field("subject", pa.string()),
            pa.field("enrolment", pa.string()),
            pa.field("clip", pa.string()),
            pa.field("consent", pa.string()),
            pa.field("enrolled", pa.timestamp("us", tz="UTC")),
            pa.field("expires", pa.date32()),
            pa.field(
                "vector", pa.list_(pa.float32(), dimensions), metadata={METADATA_KEY: metadata}
            ),
        ]
    )


class Templates:
    """The rows of a gallery: how they are stored, searched and erased.

    Parameters
    ----------
    uri : str
        A folder, or what else LanceDB opens, such as ``s3://bucket/gallery``.
    folder : Path, optional
        The same as a local folder, None where it is none.
    name : str
        Of the table.
    """

    def __init__(self, uri: str, folder: Path | None, name: str = TABLE) -> None:
        self.uri, self.folder, self.name = uri, folder, name
        self._opened: Any = None
        self._known: tuple[int, TableMetadata] | None = None

    @cached_property
    def _database(self) -> Any:
        # opened late, since LanceDB makes the folder
        session = lancedb.Session(INDEX_CACHE, METADATA_CACHE)
        always = timedelta(0)  # each read sees what other processes have written
        return lancedb.connect(self.uri, read_consistency_interval=always, session=session)

    def sibling(self, name: str) -> "Templates":
        """Give another table of the same database, which may not exist yet."""
        other = Templates(self.uri, self.folder, name)
        other.__dict__["_database"] = self._database
        return other

    def tables(self) -> list[str]:
        """Name the tables of the database."""
        page = self._database.list_tables()
        names = list(page.tables)
        while page.page_token:
            page = self._database.list_tables(page_token=page.page_token)
            names += page.tables
        return names

    @property
    def _table(self) -> Any:
        if self._opened is None:
            try:
                self._opened = self._database.open_table(self.name)
            except ValueError as error:
                if "not found" not in str(error) or self._has_data:
                    raise
                raise MienError(f"{self.uri}: nobody was ever enrolled here") from error
        return self._opened

    @property
    def _has_data(self) -> bool:
        """Whether there are files of rows, though the list of the files may be lost."""
        data = f"{self.name}.lance/data/*"
        return self.folder is not None and any(self.folder.glob(data))

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
            columns = schema(encoder, dimensions)
            self._opened = self._database.create_table(self.name, schema=columns)

    @property
    def metadata(self) -> TableMetadata:
        """What is true of all templates. Raises `MienError` for a table of another format."""
        version = int(self._table.version)
        if self._known is None or self._known[0] != version:
            try:
                self._known = version, self._read_metadata()
            except (KeyError, TypeError, AttributeError) as error:  # a column or an entry is gone
                raise ValueError(f"the table's own description is damaged: {error}") from error
        return self._known[1]

    def _read_metadata(self) -> TableMetadata:
        field = self._table.schema.field("vector")
        content = json.loads((field.metadata or {}).get(METADATA_KEY.encode(), b"{}"))
        if content.get("format") != FORMAT:
            raise MienError(
                f"{self.uri} is of format {content.get('format')}, this mien reads {FORMAT}:"
                " use the version of mien that wrote it"
            )
        calibration = content.get("calibration")
        days = self.rows(["expires"])["expires"]
        return TableMetadata(
            encoder=content["encoder"],
            dimensions=field.type.list_size,
            calibration=calibration and Calibration.model_validate(calibration),
            trained=content.get("trained", 0),
            rows=len(days),
            expires=pc.min(days).as_py() or date.max,
        )

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._table.schema

    def store_calibration(self, calibration: Calibration) -> None:
        """Store a calibration."""
        self._note(calibration=calibration.model_dump(mode="json"))

    def _note(self, **change: Any) -> None:
        """Change what is stored about all templates."""
        stored = self._table.schema.field("vector").metadata[METADATA_KEY.encode()]
        content = json.loads(stored) | change
        with self._synced():
            self._table.update_field_metadata(
                {"path": "vector", "metadata": {METADATA_KEY: json.dumps(content)}}
            )

    def add(self, rows: pa.Table) -> None:
        """Store rows, all or none; on a local disk they have reached it when this returns."""
        with self._synced():
            self._table.add(rows)

    def rows(
        self, columns: Sequence[str], where: Expr | None = None, count: int | None = None
    ) -> pa.Table:
        """Read the rows that fulfil a condition, at most `count`."""
        return self.batches(columns, where, count).read_all()

    def batches(
        self, columns: Sequence[str], where: Expr | None = None, count: int | None = None
    ) -> pa.RecordBatchReader:
        """Read the same in batches."""
        query = self._table.search().select(list(columns)).limit(count)
        return (query if where is None else query.where(where)).to_batches()

    def subjects(self, where: Expr | None = None) -> list[str]:
        """Give the pseudonyms of the rows that fulfil a condition, each once, sorted."""
        return sorted(self.rows(["subject"], where)["subject"].unique().to_pylist())

    def matching(self, encoder: str, dimensions: int) -> TableMetadata:
        """Give the metadata. Raises `MienError` where an encoder's embeddings can't be compared."""
        metadata = self.metadata
        if (encoder, dimensions) != (metadata.encoder, metadata.dimensions):
            raise MienError(
                f"{self.uri} holds embeddings of the encoder {metadata.encoder[:12]}"
                f" ({metadata.dimensions} numbers), these are of {encoder[:12]} ({dimensions}): use"
                " the run or encoder that the gallery was made with, or enrol everybody elsewhere"
            )
        return metadata

    def nearest(self, vector: np.ndarray, count: int, today: date) -> list[Hit]:
        """Find the templates nearest to a unit vector (E,), best first, without expired ones."""
        metadata = self.metadata
        query = self._table.search(vector, vector_column_name="vector").distance_type("dot")
        probes = math.ceil(PROBED * metadata.trained / PARTITION)
        query = query.limit(count).nprobes(max(1, probes)).refine_factor(REFINE)
        if metadata.expires < today:  # checking the day of each row takes longer
            query = query.where(col("expires") >= today)
        found = query.select(["subject", "clip", "_distance"]).to_arrow()
        return list(map(Hit, found["subject"].to_pylist(), found["clip"].to_pylist()))

    def remove(self, where: Expr) -> None:
        """Take rows out of the table. Their bytes stay on the disk until `compact` and `vacuum`."""
        with self._synced():
            self._table.delete(where)

    def compact(self) -> None:
        """Merge small files, and rewrite the index and the files with removed rows without these.

        The old files stay for those who read them.
        """
        self._table.to_lance().optimize.compact_files(
            target_rows_per_fragment=FRAGMENT_ROWS, materialize_deletions_threshold=0.0
        )

    def vacuum(self, older: timedelta = timedelta(0)) -> None:
        """Delete the files that the table as it is now does not need. Nobody may read meanwhile.

        Parameters
        ----------
        older : timedelta
            Keep what was needed until so long ago.
        """
        # on object storage an unknown file may be the unfinished work of another machine
        own = self.folder is not None
        self._table.to_lance().cleanup_old_versions(older, delete_unverified=own)
        self._table.checkout_latest()

    @property
    def needs_compaction(self) -> bool:
        """Whether there are so many small files that they should be compacted."""
        return int(self._table.stats()["fragment_stats"]["num_fragments"]) > FRAGMENTS

    def index(self) -> bool:
        """Bring the index up to date if too many rows are outside it; tell whether it was changed.

        Searches go on with the old one meanwhile.
        """
        rows, stats = self.metadata.rows, self._table.index_stats(INDEX)
        outside = rows if stats is None else stats.num_unindexed_rows
        if outside < INDEX_FROM:
            return False
        if stats is None or rows > GROWTH * self.metadata.trained:
            self._note(trained=rows)  # first: too many probes, after a crash, only take longer
            config = IvfRq(distance_type="dot", target_partition_size=PARTITION)
            self._table.create_index("vector", config=config, name=INDEX, replace=True)
            self._table.create_index("subject", config=BTree(), replace=True)
        else:
            # merged into the existing index: several would each have to be searched
            self._table.to_lance().optimize.optimize_indices(num_indices_to_merge=1)
            self._table.checkout_latest()
        return True

    @contextmanager
    def _synced(self) -> Iterator[None]:
        """Wait until what is written meanwhile is on the disk, if it is a local one."""
        if self.folder is None:
            yield
            return
        place = self.folder / f"{self.name}.lance"
        before = _files(place)
        yield
        new = _files(place) - before
        folders = {parent for path in new for parent in path.parents}
        for path in new | {f for f in folders if f.is_relative_to(self.folder)}:
            sync(path)


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.glob("**/*") if path.is_file()}
