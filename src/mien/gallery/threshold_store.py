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
        """Choose the threshold by trials, estimate what probability a score means, and store that.

        Parameters
        ----------
        trials : sequence of (embedding, person), or None
            Embeddings of clips that are not enrolled, and the enrolled person in each; None: a
            non-mated trial, of somebody who is not enrolled. One clip of each such person is best:
            several of the same one tell less.
            Without trials the gallery's own clips are used: each person is searched for among all
            others, as a non-mated trial, and among all, as a mated one. That assumes that later
            clips differ from these no more than these do from one another.
        today : date
            What expired before does not count.
        fpir : float
            False-positive identification rate: the share of people who are not enrolled that may be
            named.
        encoder : str or None
            Fingerprint of the encoder of the trials; not needed without trials.

        Raises
        ------
        MienError
            There are too few non-mated trials, a person named is not enrolled, or the encoder is
            another.
        """
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
