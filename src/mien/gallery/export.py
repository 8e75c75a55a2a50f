"""Export: all that is held of a person, as a file that can be given to them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from lancedb.expr import Expr

from mien.errors import MienError
from mien.files import atomic_write
from mien.gallery.private_files import open_private
from mien.gallery.templates import Templates


def export(templates: Templates, where: Expr | None, out: Path) -> int:
    """Write rows, embeddings included, as JSON or Parquet; return how many.

    Only its owner can read the file.

    Raises
    ------
    MienError
        The file has another ending, or can't be written.
    """
    writers = {".json": _json, ".parquet": _parquet}
    if out.suffix not in writers:
        raise MienError(f"{out} should end in .json or .parquet")
    with atomic_write(out) as part:
        open_private(part, "w").close()
        return writers[out.suffix](templates, where, part)


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
