"""Enrolled persons: who they are, on what terms, and how they are found again."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lancedb.expr import col

from mien.errors import MienError
from mien.gallery.doubts import doubts, faults
from mien.gallery.export import export
from mien.gallery.records import UNKNOWN, Enrolment, Identification, Record, Verification
from mien.gallery.rows import RECORD_COLUMNS, check, records, respelled, unit
from mien.gallery.search import LOOKED_AT, candidates, name_of, score, search
from mien.gallery.templates import Templates, of
from mien.gallery.threshold import Calibration
from mien.gallery.threshold_store import Thresholds
from mien.gallery.transactions import Transactions
from mien.names import canonical_name


class Gallery:
    """Enrolled persons, found again by embeddings of their clips.

    Several processes of one machine may use the same gallery at the same time. Once `enrol` has
    returned, what it stored outlives a crash of any process, and of the machine if its disk does.

    Parameters
    ----------
    uri : str or Path
        A folder on a local disk, made by the first enrolment; or what else LanceDB opens, such as
        ``s3://bucket/gallery``.
    log : path, optional
        Folder for the audit log, the locks and the note of unfinished work: the gallery's own by
        default; one that is no local folder needs it. All processes must give the same.

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
    >>> answer = gallery.identify(np.array([0.6, 0.7, 0.1]), encoder="v1")
    >>> answer.person is None, answer.candidates[0].person  # nobody has calibrated
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
            raise MienError(f"{uri} is no local folder: say where to keep its audit log (--log)")
        self._templates = Templates(self.uri, folder)
        self._transactions = Transactions(self._templates, home)
        self.audit = self._transactions.audit
        self._thresholds = Thresholds(self._templates, self._transactions)

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
            Fingerprint of what the embeddings come from; a gallery holds those of one alone.

        Raises
        ------
        MienError
            Consent is missing, the day is past, the embeddings come from another encoder, or one of
            the clips is enrolled already.
        """
        newcomer = Enrolment(person, np.asarray(embeddings), tuple(clips), consent, expires)
        self.enrol_all([newcomer], encoder=encoder)

    def enrol_all(self, newcomers: Sequence[Enrolment], *, encoder: str) -> None:
        """Enrol many persons at once, all or none. Takes and raises what `enrol` does."""
        newcomers = [respelled(newcomer) for newcomer in newcomers]
        check(newcomers, self._today())
        with self._transactions.writing(new=True):
            if not self._templates.exist:
                self._templates.create(encoder, newcomers[0].embeddings.shape[1])
            for newcomer in newcomers:
                self._templates.matching(encoder, newcomer.embeddings.shape[1])
            self._transactions.enrol(newcomers, self._today())
            self._transactions.maintain()

    def identify(
        self, embedding: np.ndarray, *, encoder: str, top_k: int = LOOKED_AT
    ) -> Identification:
        """Say who somebody is, or that they are unknown; no verdict where nobody has calibrated.

        A person's score is the cosine of the embedding and the mean of their templates. The one
        with the highest is named if it reaches the threshold, and nobody else has the same.

        Parameters
        ----------
        embedding : array (E,)
            Of the clip; only its direction counts.
        encoder : str
            Fingerprint of what it comes from.
        top_k : int
            Templates to look at; the candidates are the persons whose templates these are.

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
        named, doubt = name_of(found, calibration.threshold)
        verdict = calibration.threshold is not None or not found  # where nobody is, all are unknown
        known = named is not None if verdict else None
        self.audit.append("identify", named and named.subject, durable=False, known=known)
        return Identification(
            person=named.person if named else UNKNOWN if verdict else None,
            candidates=candidates(found, calibration),
            threshold=calibration.threshold,
            notes=doubt + calibration.notes(metadata.rows),
        )

    def verify(self, person: str, embedding: np.ndarray, *, encoder: str) -> Verification:
        """Say whether somebody is the one they are said to be.

        The threshold is that of `identify`. Fewer impostors pass it than strangers do there, who
        may be taken for anybody.

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

    @property
    def encoder(self) -> str:
        """Fingerprint of what the embeddings come from. Raises `MienError` without a gallery."""
        with self._transactions.reading():
            return self._templates.metadata.encoder

    @property
    def calibration(self) -> Calibration:
        """What cosines say here; at first the encoder's own threshold alone, if it has one."""
        with self._transactions.reading():
            return self._thresholds.of(self._templates.metadata)

    def set_threshold(self, threshold: float) -> None:
        """Choose by hand the cosine from which on somebody is named. Raises `MienError`."""
        if not -1 <= threshold <= 1:
            raise MienError(f"{threshold:g} is no cosine: give a threshold from -1 to 1")
        change = {"threshold": threshold, "fpir": None, "made": datetime.now(UTC)}
        self._thresholds.keep(self.calibration.model_copy(update=change))

    def calibrate(
        self,
        trials: Sequence[tuple[np.ndarray, str | None]] | None = None,
        *,
        fpir: float = 0.01,
        encoder: str | None = None,
    ) -> Calibration:
        """Choose the threshold by data, and learn what probability a score means.

        Parameters
        ----------
        trials : sequence of (embedding, person), optional
            Embeddings of clips that are not enrolled, and who is in each; None: a stranger. One
            clip of each stranger is best: several of the same person tell less.
            Without trials the gallery's own templates are used: each person is searched for among
            all others, as a stranger would be, and among all, as somebody enrolled is. That
            supposes that later clips differ from these no more than these do from one another.
        fpir : float
            Share of strangers who may be named.
        encoder : str, optional
            Fingerprint of what the trials' embeddings come from; without trials it is not needed.

        Returns
        -------
        Calibration
            Which the gallery keeps.

        Raises
        ------
        MienError
            Strangers are too few, somebody named is not enrolled, or the encoder is another.
        """
        return self._thresholds.measure(trials, self._today(), fpir=fpir, encoder=encoder)

    def history(self, person: str | None = None) -> Iterator[dict[str, Any]]:
        """Give the audit log, or what of it concerns a person: exports of everybody, too.

        Raises
        ------
        MienError
            They are not enrolled, or the log was tampered with.
        """
        with self._transactions.reading():
            subjects = None if person is None else self._known(person)
        return self.audit.lines() if subjects is None else self.audit.concerning(subjects)

    def faults(self) -> Sequence[str]:
        """Say what the audit log lacks, by itself and by what is stored.

        Raises
        ------
        MienError
            A line of the log was changed, or there is no gallery.
        """
        with self._transactions.writing():  # nothing is stored meanwhile that is not logged yet
            stored = set(self._templates.subjects())
            # on object storage each machine logs what was done there, and knows no more
            return faults(self.audit, stored) if self._templates.folder else self.audit.losses()

    def doubts(self, person: str) -> Sequence[str]:
        """Say what makes it doubtful that a person's clips are theirs, and theirs alone.

        Raises
        ------
        MienError
            They are not enrolled.
        """
        with self._transactions.reading():
            self._known(person)
            threshold = self._thresholds.of(self._templates.metadata).threshold
            return doubts(self._templates, canonical_name(person), threshold, self._today())

    def list(self) -> list[Record]:
        """Give what is held of each person, by name. Raises `MienError` without a gallery."""
        with self._transactions.reading():
            return records(self._templates.rows(RECORD_COLUMNS), self._today())

    def export(self, out: str | Path, person: str | None = None) -> int:
        """Write all that is held of a person, or of everybody, embeddings included.

        Parameters
        ----------
        out : path
            The file, ``.json`` or ``.parquet``.
        person : str, optional
            Their name.

        Returns
        -------
        int
            Templates written.

        Raises
        ------
        MienError
            The person is not enrolled, or the file can't be written.
        """
        with self._transactions.reading():
            subjects = [None] if person is None else self._known(person)
            where = None if person is None else of(self._known(person))
            count = export(self._templates, where, Path(out))
        for subject in subjects:
            self.audit.append("export", subject, templates=count)
        return count

    def forget(self, person: str) -> None:
        """Remove all that is held of a person, from the disk, too.

        Raises
        ------
        MienError
            They are not enrolled.
        """
        with self._transactions.writing():
            self._transactions.erase("forget", self._known(person))

    def purge(self) -> int:
        """Remove what has expired, from the disk, too, and tell of how many persons."""
        with self._transactions.writing():
            subjects = self._templates.subjects(col("expires") < self._today())
            if subjects:
                self._transactions.erase("purge", subjects, before=self._today())
            return len(subjects)

    def _today(self) -> date:
        """Give the day; where the clock was set back, the latest that the log has seen."""
        return max(_today(), self.audit.latest)

    def _known(self, person: str) -> Sequence[str]:
        subjects = self._templates.subjects(col("person") == canonical_name(person))
        if not subjects:
            raise MienError(f"{person} is not enrolled in {self.uri}")
        return subjects


def _today() -> date:
    return datetime.now(UTC).date()
