"""Galleries: their audit logs and the tables of persons."""

import json
import shutil
from pathlib import Path

from people import gallery, name, views

from fuzz.cases import Target, Wrong
from fuzz.mutate import damage, edit_jsonl, one_of
from mien.gallery import Gallery

PERSONS = range(3)


def _build(folder: Path) -> None:
    gallery(folder / "gallery", PERSONS)
    shutil.copy(folder / "gallery" / "audit.jsonl", folder / "copy.jsonl")


def _log(folder: Path, notes: list[str]) -> object:
    """Read the log; that lines are cut off at its end is all that it need not notice by itself."""
    lines = list(Gallery(folder / "gallery").audit.lines())
    written = [json.loads(line) for line in (folder / "copy.jsonl").open()]
    if lines != written[: len(lines)]:
        raise Wrong("lines that were never written")
    return lines


def _persons(folder: Path, notes: list[str]) -> object:
    opened = Gallery(folder / "gallery")
    known = opened.identify(views(0)[0], encoder="v1")
    return sorted(record.person for record in opened.list()), known.person == name(0)


TARGETS = {
    "audit": Target(_build, _log, "gallery/audit.jsonl", one_of(damage, edit_jsonl)),
    "table": Target(_build, _persons, "gallery/*.lance/**/*", damage),
}
"""The targets of this family, by name."""
