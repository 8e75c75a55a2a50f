"""References: the states of enrolled clips, relative to which models predict; a table a model."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import numpy as np
from lancedb.expr import col

from mien.gallery.table_rows import vectors
from mien.gallery.templates import Templates

PREFIX = "references-"
"""Beginning of the name of each table of references."""

DIGITS = 16
"""Digits of a model's fingerprint that the name of its table has; the table has them all."""


class ReferenceTables:
    """The tables beside that of the templates, one for each model that predicts relative to clips.

    A row belongs to a clip that is enrolled, and has the person, the consent and the last day of
    its template; in place of an embedding it has what the model needs of the clip, its state.

    Parameters
    ----------
    templates : Templates
        The table of the templates.
    """

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self._tables: dict[str, Templates] = {}

    def of(self, model: str) -> Templates:
        """Give the table of a model by its fingerprint; it may not exist yet."""
        return self._table(f"{PREFIX}{model[:DIGITS]}")

    def _table(self, name: str) -> Templates:
        if name not in self._tables:
            self._tables[name] = self.templates.sibling(name)
        return self._tables[name]

    def __iter__(self) -> Iterator[Templates]:
        """Give the tables that exist."""
        names = (name for name in self.templates.tables() if name.startswith(PREFIX))
        return (table for table in map(self._table, names) if table.exist)

    def counts(self, today: date) -> dict[str, dict[str, int]]:
        """Count the clips of each person, by pseudonym, that each model can refer to today."""
        found: dict[str, dict[str, int]] = {}
        for table in self:
            valid = table.rows(["subject"], col("expires") >= today)["subject"]
            for subject, count in Counter(valid.to_pylist()).items():
                found.setdefault(subject, {})[table.metadata.encoder] = count
        return found

    def states(self, person: str, model: str, today: date, without: str | None) -> np.ndarray:
        """Give the states (N, K) of a person's clips but one, without expired ones.

        Parameters
        ----------
        person : str
            Their name, as stored.
        model : str
            Fingerprint of the model.
        today : date
            What expired before does not count.
        without : str or None
            Hash of the clip to be left out.
        """
        table = self.of(model)
        if not table.exist:
            return np.zeros((0, 0), np.float32)
        where = (col("person") == person) & (col("expires") >= today)
        rows = table.rows(["clip", "vector"], where)
        kept = np.array([clip != without for clip in rows["clip"].to_pylist()], bool)
        return vectors(rows)[kept]
