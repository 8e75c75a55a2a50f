"""The store of a gallery's calibration."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from mien.gallery.calibration_trials import leave_one_out, search_all
from mien.gallery.search import default_threshold
from mien.gallery.table_rows import unit
from mien.gallery.templates import TableMetadata, Templates
from mien.gallery.threshold import Calibration, calibrate
from mien.gallery.transactions import Transactions
from mien.names import canonical_name


class ThresholdStore:
    """Keeps the calibration of a gallery; until there is one, the encoder's own threshold.

    Parameters
    ----------
    templates : Templates
        The table, in which the calibration is stored.
    transactions : Transactions
        Through which the table is changed.
    """

    def __init__(self, templates: Templates, transactions: Transactions) -> None:
        self.templates, self.transactions = templates, transactions
        self._default: tuple[TableMetadata, Calibration] | None = None

    def of(self, metadata: TableMetadata) -> Calibration:
        """Give the calibration for the table with this metadata."""
        if metadata.calibration is not None:
            return metadata.calibration
        if self._default is None or self._default[0] is not metadata:
            threshold = default_threshold(self.templates, metadata.encoder)
            self._default = metadata, Calibration(threshold=threshold)
        return self._default[1]

    def calibrate(
        self,
        trials: Sequence[tuple[np.ndarray, str | None]] | None,
        today: date,
        *,
        fpir: float,
        encoder: str | None,
    ) -> Calibration:
        """Calibrate by trials, and store that. Takes and raises what `Gallery.calibrate` does."""
        with self.transactions.reading():
            if trials is None:
                data = leave_one_out(self.templates, today)
            else:
                embeddings = unit(np.stack([embedding for embedding, _ in trials]))
                self.templates.matching(encoder or "unknown", embeddings.shape[1])
                persons = [person and canonical_name(person) for _, person in trials]
                data = search_all(self.templates, embeddings, persons, today)
            calibration = calibrate(*data, fpir=fpir, templates=self.templates.metadata.rows)
        self.store(calibration)
        return calibration

    def store(self, calibration: Calibration) -> None:
        """Store a calibration, and log it."""
        with self.transactions.writing():
            self.templates.store_calibration(calibration)
            self.transactions.audit.append("calibrate", **calibration.model_dump(mode="json"))
