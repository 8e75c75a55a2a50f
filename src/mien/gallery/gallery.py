"""A gallery: persons enrolled by their embeddings, and searches for them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lancedb.expr import Expr, col

from mien.errors import MienError
from mien.gallery.enrolment_warnings import enrolment_warnings
from mien.gallery.export import export
from mien.gallery.references import ReferenceTables
from mien.gallery.search import TOP_K, identification, score, search
from mien.gallery.table_rows import RECORD_COLUMNS, check_all, records, stored_name, unit
from mien.gallery.templates import Templates, of_subjects
from mien.gallery.threshold import Calibration
from mien.gallery.threshold_store import ThresholdStore
from mien.gallery.transactions import Transactions
from mien.gallery.types import Enrolment, Identification, Record, Verification
from mien.names import canonical_name


class Gallery:
    """Enrolled persons, identified by embeddings of their clips.

    Several processes of one machine may use the same gallery at the same time. Once `enrol` has
    returned, what it stored outlives a crash of any process, and of the machine if its disk does.

    Parameters
    ----------
    uri : str or Path
        A folder on a local disk, made by the first enrolment; or anything else that LanceDB opens,
        such as ``s3://bucket/gallery``.
    log : path, optional
        Folder of the audit log, the locks and the journal: by default the gallery's own; a gallery
        that is no local folder needs it. All processes must give the same.

    Raises
    ------
    MienError
        The gallery is no local folder and `log` is missing.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> gallery = Gallery(mkdtemp())
    >>> gallery.enrol(
    ...     "Ada", np.array([[0.6, 0.8, 0.0]]), clips=["9f86d0"], encoder="v1",
    ...     consent="signed on paper, 3 May", expires=date(2999, 12, 31),
    ... )
    >>> found = gallery.identify(np.array([0.6, 0.7, 0.1]), encoder="v1")
    >>> found.person is None, found.candidates[0].person  # not calibrated
    (True, 'Ada')
    >>> gallery.set_threshold(0.9)
    >>> gallery.identify(np.array([0.6, 0.7, 0.1]), encoder="v1").person
    'Ada'
    >>> gallery.identify(np.array([0.0, 0.0, 1.0]), encoder="v1").person
    'unknown'
    >>> gallery.forget("Ada")
    >>> gallery.list()
    []
    """

    def __init__(self, uri: str | Path, *, log: str | Path | None = None) -> None:
        self.uri = str(uri)
        folder = None if "://" in self.uri else Path(uri)
        home = folder if log is None else Path(log)
        if home is None:
            raise MienError(
                f"{uri} is no local folder: say where to keep its audit log", parameter="log"
            )
        self._templates = Templates(self.uri, folder)
        self._references = ReferenceTables(self._templates)
        self._transactions = Transactions(self._templates, self._references, home)
        self.audit = self._transactions.audit
        self._thresholds = ThresholdStore(self._templates, self._transactions)

    def enrol(
        self,
        person: str,
        embeddings: np.ndarray,
        *,
        clips: Sequence[str],
        consent: str,
        expires: date,
        encoder: str,
    ) -> None:
        """Enrol a person, or store further templates of one who is enrolled.

        Parameters
        ----------
        person, embeddings, clips, consent, expires
            As `Enrolment` describes them.
        encoder : str
            Fingerprint of the encoder; a gallery holds embeddings of one alone.

        Raises
        ------
        MienError
            Consent is missing, the day is past, the embeddings come from another encoder, or one of
            the clips is enrolled already.
        """
        enrolment = Enrolment(person, np.asarray(embeddings), tuple(clips), consent, expires)
        self.enrol_all([enrolment], encoder=encoder)

    def enrol_all(
        self, enrolments: Sequence[Enrolment], *, encoder: str, references: str | None = None
    ) -> None:
        """Enrol many persons at once, all or none. Takes and raises what `enrol` does.

        `references` is the fingerprint of the model that the states of their clips are for.
        """
        enrolments = [stored_name(enrolment) for enrolment in enrolments]
        check_all(enrolments, self._today())
        with self._transactions.writing(new=True):
            if not self._templates.exist:
                self._templates.create(encoder, enrolments[0].embeddings.shape[1])
            for enrolment in enrolments:
                self._templates.matching(encoder, enrolment.embeddings.shape[1])
            self._transactions.enrol(enrolments, self._today(), references)
            self._transactions.maintain()

    def identify(
        self, embedding: np.ndarray, *, encoder: str, top_k: int = TOP_K
    ) -> Identification:
        """Say who is in a clip, or that they are unknown; there is no verdict before calibration.

        A person's score is the cosine of the embedding and the mean of their templates. The person
        with the highest score is named if it reaches the threshold, and nobody else has the same.

        Parameters
        ----------
        embedding : array (E,)
            Of the clip; only its direction counts.
        encoder : str
            Fingerprint of the encoder.
        top_k : int
            Nearest templates to look at; the candidates are the persons they belong to.

        Raises
        ------
        MienError
            There is no gallery, it holds embeddings of another encoder, or `top_k` is below 1.
        """
        (vector,) = unit(np.asarray(embedding)[None])
        with self._transactions.reading():
            metadata = self._templates.matching(encoder, len(vector))
            calibration = self._thresholds.of(metadata)
            found = search(self._templates, vector, top_k, self._today())
        named, result = identification(found, calibration, metadata.rows)
        known = None if result.person is None else named is not None
        self.audit.append("identify", named and named.subject, durable=False, known=known)
        return result

    def verify(self, person: str, embedding: np.ndarray, *, encoder: str) -> Verification:
        """Say whether a clip shows the person it is claimed to show.

        The threshold is that of `identify`. Fewer impostors reach it here than people who are not
        enrolled do there, since they are compared with one person alone.

        Raises
        ------
        MienError
            The person is not enrolled, or the gallery holds embeddings of another encoder.
        """
        person = canonical_name(person)
        (vector,) = unit(np.asarray(embedding)[None])
        with self._transactions.reading():
            metadata = self._templates.matching(encoder, len(vector))
            where = (col("person") == person) & (col("expires") >= self._today())
            rows = self._templates.rows(["person", "subject", "vector"], where)
            threshold = self._thresholds.of(metadata).threshold
        if not len(rows):
            raise MienError(f"{person} is not enrolled in {self.uri}, or their consent has expired")
        found = score(vector, rows)[0]
        accepted = None if threshold is None else found.score >= threshold
        self.audit.append("verify", found.subject, durable=False, accepted=accepted)
        return Verification(
            person=person, accepted=accepted, score=found.score, threshold=threshold
        )

    def states(self, person: str, *, model: str, without: str | None = None) -> np.ndarray:
        """Give what a model needs of a person's clips to predict relative to them.

        Parameters
        ----------
        person : str
            Their name.
        model : str
            Fingerprint of the model.
        without : str, optional
            Hash of a clip to be left out: the one that the prediction is for.

        Returns
        -------
        array (N, K)
            One row for each clip whose consent holds; N is 0 where none was enrolled for the model.
        """
        with self._transactions.reading():
            name = canonical_name(person)
            return self._references.states(name, model, self._today(), without)

    @property
    def encoder(self) -> str:
        """Fingerprint of the encoder. Raises `MienError` without a gallery."""
        with self._transactions.reading():
            return self._templates.metadata.encoder

    @property
    def calibration(self) -> Calibration:
        """What cosines mean here; before calibration the encoder's own threshold, if it has one."""
        with self._transactions.reading():
            return self._thresholds.of(self._templates.metadata)

    def set_threshold(self, threshold: float) -> None:
        """Set the cosine from which on somebody is named. Raises `MienError` for no cosine."""
        if not -1 <= threshold <= 1:
            raise MienError(f"{threshold:g} is no cosine: give a threshold from -1 to 1")
        change = {"threshold": threshold, "fpir": None, "made": datetime.now(UTC)}
        self._thresholds.store(self.calibration.model_copy(update=change))

    def calibrate(
        self,
        trials: Sequence[tuple[np.ndarray, str | None]] | None = None,
        *,
        fpir: float = 0.01,
        encoder: str | None = None,
    ) -> Calibration:
        """Choose the threshold by trials; takes and raises what `ThresholdStore.calibrate` does."""
        return self._thresholds.calibrate(trials, self._today(), fpir=fpir, encoder=encoder)

    def history(self, person: str | None = None) -> Iterator[dict[str, Any]]:
        """Give the audit log, or what of it concerns a person, exports of everybody included.

        Raises
        ------
        MienError
            They are not enrolled, or the log was tampered with.
        """
        with self._transactions.reading():
            subjects = None if person is None else self._known(person)
        return self.audit.lines() if subjects is None else self.audit.concerning(subjects)

    def audit_problems(self) -> Sequence[str]:
        """Say which lines the audit log lacks, and where it and the gallery disagree.

        Raises
        ------
        MienError
            A line of the log was changed, or there is no gallery.
        """
        with self._transactions.writing():  # so that all that is stored is logged, too
            if self._templates.folder is None:
                # on object storage each machine has a log of what was done there, and only that
                return self.audit.lost_lines()
            stored = set(self._templates.subjects())
            found = self.audit.problems(stored)
            if more := self._subjects() - stored:
                found.append(f"{len(more)} persons have references and are not enrolled")
            return found

    def enrolment_warnings(self, person: str) -> Sequence[str]:
        """Say what suggests that a person's clips are not theirs, or not theirs alone.

        Raises
        ------
        MienError
            They are not enrolled.
        """
        with self._transactions.reading():
            self._known(person)
            threshold = self._thresholds.of(self._templates.metadata).threshold
            name = canonical_name(person)
            return enrolment_warnings(self._templates, name, threshold, self._today())

    def list(self) -> list[Record]:
        """Give what is held of each person, by name. Raises `MienError` without a gallery."""
        with self._transactions.reading():
            counts = self._references.counts(self._today())
            return records(self._templates.rows(RECORD_COLUMNS), counts, self._today())

    def export(self, out: str | Path, person: str | None = None) -> dict[Path, int]:
        """Write all that is held of a person, or of everybody, embeddings included.

        Parameters
        ----------
        out : path
            The file, ``.json`` or ``.parquet``; references get files beside it, one for each model.
        person : str, optional
            Their name.

        Returns
        -------
        dict of Path to int
            Rows written to each file, that of the templates first.

        Raises
        ------
        MienError
            The person is not enrolled, or the file can't be written.
        """
        with self._transactions.reading():
            known: Sequence[str | None] = [None] if person is None else self._known(person)
            where = None if person is None else of_subjects(list(filter(None, known)))
            counts = export([self._templates, *self._references], where, Path(out))
        for subject in known:
            self.audit.append("export", subject, templates=counts[Path(out)])
        return counts

    def forget(self, person: str) -> None:
        """Remove all that is held of a person, also from the disk.

        Raises
        ------
        MienError
            They are not enrolled.
        """
        with self._transactions.writing():
            self._transactions.erase("forget", self._known(person))

    def purge(self) -> int:
        """Remove what has expired, also from the disk, and give of how many persons."""
        with self._transactions.writing():
            subjects = sorted(self._subjects(col("expires") < self._today()))
            if subjects:
                self._transactions.erase("purge", subjects, before=self._today())
            return len(subjects)

    def _today(self) -> date:
        """Give today's date; where the clock was set back, the latest date in the log."""
        return max(_today(), self.audit.latest)

    def _known(self, person: str) -> Sequence[str]:
        subjects = self._subjects(col("person") == canonical_name(person))
        if not subjects:
            raise MienError(f"{person} is not enrolled in {self.uri}")
        return sorted(subjects)

    def _subjects(self, where: Expr | None = None) -> set[str]:
        """Give the pseudonyms of all rows, of templates and references, that fulfil a condition."""
        tables = (self._templates, *self._references)
        return {subject for table in tables for subject in table.subjects(where)}


def _today() -> date:
    return datetime.now(UTC).date()
