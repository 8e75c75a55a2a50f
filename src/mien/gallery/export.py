"""Export: all that is held of a person, as a file that can be given to them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from lancedb.expr import Expr

from mien.errors import MienError
from mien.files import atomic_write
from mien.gallery.private_files import open_private
from mien.gallery.templates import Templates


def export(tables: Sequence[Templates], where: Expr | None, out: Path) -> dict[Path, int]:
    """Write rows, embeddings included, as JSON or Parquet; return how many by file.

    Only their owner can read the files.

    Parameters
    ----------
    tables : sequence of Templates
        The table of the templates, and others; of these each has a file of its own, beside `out`
        and with its name, unless it has no such rows.
    where : Expr or None
        The condition for the rows; None: all.
    out : Path
        The file of the templates.

    Raises
    ------
    MienError
        The file has another ending, or a file can't be written.
    """
    writers = {".json": _json, ".parquet": _parquet}
    if out.suffix not in writers:
        raise MienError(f"{out} should end in .json or .parquet")
    first, *others = tables
    files = {out: first}
    files |= {out.with_stem(f"{out.stem}-{t.name}"): t for t in others if t.subjects(where)}
    counts = {}
    for path, table in files.items():
        with atomic_write(path) as part:
            open_private(part, "w").close()
            counts[path] = writers[out.suffix](table, where, part)
    return counts


def _json(templates: Templates, where: Expr | None, out: Path) -> int:
    rows = templates.rows(templates.schema.names, where).to_pylist()
    content = {"encoder": templates.metadata.encoder, "templates": rows}
    out.write_text(json.dumps(content, indent=1, default=lambda day: day.isoformat()), "utf-8")
    return len(rows)


def _parquet(templates: Templates, where: Expr | None, out: Path) -> int:
    batches = templates.batches(templates.schema.names, where)
    count = 0
    with pq.ParquetWriter(out, batches.schema) as file:
        for batch in batches:
            file.write_batch(batch)
            count += len(batch)
    return count
