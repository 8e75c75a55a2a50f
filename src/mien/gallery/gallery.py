"""Enrolled persons: who they are, on what terms, and how they are found again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lancedb.expr import Expr, col

from mien.errors import MienError
from mien.gallery.calibration import Calibration, calibrate
from mien.gallery.export import export
from mien.gallery.keeper import Keeper
from mien.gallery.records import UNKNOWN, Enrolment, Identification, Record, Verification
from mien.gallery.rows import RECORD_COLUMNS, check, pseudonyms, records, to_table, unit
from mien.gallery.search import (
    LOOKED_AT,
    candidates,
    default_threshold,
    leave_one_out,
    score,
    search,
    search_all,
)
from mien.gallery.templates import About, Templates, of
from mien.names import spelled


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
        self._keeper = Keeper(self._templates, home)
        self.audit = self._keeper.audit
        self._default: tuple[About, Calibration] | None = None

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
        newcomers = [replace(one, person=spelled(one.person)) for one in newcomers]
        check(newcomers, _today())
        with self._keeper.writing(new=True):
            if not self._templates.exist:
                self._templates.create(encoder, newcomers[0].embeddings.shape[1])
            for newcomer in newcomers:
                self._matching(encoder, newcomer.embeddings.shape[1])
            subjects = self._pseudonyms(newcomers)
            self._keeper.enrol(to_table(newcomers, subjects, self._templates.schema))
            self._keeper.tend()

    def _pseudonyms(self, newcomers: Sequence[Enrolment]) -> dict[str, str]:
        names = [newcomer.person for newcomer in newcomers]
        clips = [clip for newcomer in newcomers for clip in newcomer.clips]
        where = col("person").isin(names) | col("clip").isin(clips)
        rows = self._templates.rows(["person", "subject", "clip", "expires"], where)
        return pseudonyms(newcomers, rows, _today())

    def identify(
        self, embedding: np.ndarray, *, encoder: str, top_k: int = LOOKED_AT
    ) -> Identification:
        """Say who somebody is, or that they are unknown.

        A person's score is the cosine of the embedding and the mean of their templates.

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
        with self._keeper.reading():
            about = self._matching(encoder, len(vector))
            calibration = self._calibration(about)
            found = search(self._templates, vector, top_k, _today())
        known = bool(found) and found[0].score > calibration.threshold
        subject = found[0].subject if known else None
        self.audit.append("identify", subject, durable=False, known=known)
        return Identification(
            person=found[0].person if known else UNKNOWN,
            candidates=candidates(found, calibration),
            threshold=calibration.threshold,
            notes=calibration.notes(about.rows),
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
        person = spelled(person)
        (vector,) = unit(np.asarray(embedding)[None])
        with self._keeper.reading():
            about = self._matching(encoder, len(vector))
            where = (col("person") == person) & (col("expires") >= _today())
            rows = self._templates.rows(["person", "subject", "vector"], where)
            threshold = self._calibration(about).threshold
        if not len(rows):
            raise MienError(f"{person} is not enrolled in {self.uri}, or their consent has expired")
        found = score(vector, rows)[0]
        accepted = found.score > threshold
        self.audit.append("verify", found.subject, durable=False, accepted=accepted)
        return Verification(
            person=person, accepted=accepted, score=found.score, threshold=threshold
        )

    @property
    def encoder(self) -> str:
        """Fingerprint of what the embeddings come from. Raises `MienError` without a gallery."""
        return self._templates.about.encoder

    @property
    def calibration(self) -> Calibration:
        """What cosines say here; at first a default threshold alone."""
        with self._keeper.reading():
            return self._calibration(self._templates.about)

    def _calibration(self, about: About) -> Calibration:
        if about.calibration is not None:
            return about.calibration
        if self._default is None or self._default[0] is not about:
            self._default = about, Calibration(threshold=default_threshold(self._templates))
        return self._default[1]

    def set_threshold(self, threshold: float) -> None:
        """Choose by hand above which cosine somebody is named. Raises `MienError` if it is none."""
        if not -1 <= threshold <= 1:
            raise MienError(f"{threshold:g} is no cosine: give a threshold from -1 to 1")
        change = {"threshold": threshold, "fpir": None, "made": datetime.now(UTC)}
        self._keep(self.calibration.model_copy(update=change))

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
        with self._keeper.reading():
            if trials is None:
                data = leave_one_out(self._templates, _today())
            else:
                embeddings = unit(np.stack([embedding for embedding, _ in trials]))
                self._matching(encoder or "unknown", embeddings.shape[1])
                persons = [person and spelled(person) for _, person in trials]
                data = search_all(self._templates, embeddings, persons, _today())
            calibration = calibrate(*data, fpir=fpir, templates=self._templates.about.rows)
        self._keep(calibration)
        return calibration

    def _keep(self, calibration: Calibration) -> None:
        with self._keeper.writing():
            self._templates.calibrate(calibration)
            self.audit.append("calibrate", **calibration.model_dump(mode="json"))

    def history(self, person: str | None = None) -> Iterator[dict[str, Any]]:
        """Give the audit log, or what of it concerns a person: exports of everybody, too.

        Raises
        ------
        MienError
            They are not enrolled, or the log was tampered with.
        """
        with self._keeper.reading():
            subjects = None if person is None else self._known(person)
        return self.audit.lines() if subjects is None else self.audit.concerning(subjects)

    def list(self) -> list[Record]:
        """Give what is held of each person, by name. Raises `MienError` without a gallery."""
        with self._keeper.reading():
            return records(self._templates.rows(RECORD_COLUMNS), _today())

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
        with self._keeper.reading():
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
        with self._keeper.writing():
            self._keeper.erase("forget", self._known(person))

    def purge(self) -> int:
        """Remove what has expired, from the disk, too, and tell of how many persons."""
        with self._keeper.writing():
            subjects = self._subjects_of(col("expires") < _today())
            if subjects:
                self._keeper.erase("purge", subjects, before=_today())
            return len(subjects)

    def _known(self, person: str) -> Sequence[str]:
        subjects = self._subjects_of(col("person") == spelled(person))
        if not subjects:
            raise MienError(f"{person} is not enrolled in {self.uri}")
        return subjects

    def _subjects_of(self, where: Expr) -> Sequence[str]:
        return sorted(self._templates.rows(["subject"], where)["subject"].unique().to_pylist())

    def _matching(self, encoder: str, dimensions: int) -> About:
        """Tell what the gallery holds; refuse what can't be compared with it."""
        about = self._templates.about
        if (encoder, dimensions) != (about.encoder, about.dimensions):
            raise MienError(
                f"{self.uri} holds embeddings of the encoder {about.encoder[:12]}"
                f" ({about.dimensions} numbers), these are of {encoder[:12]} ({dimensions}): use"
                " the run or encoder that the gallery was made with, or enrol everybody elsewhere"
            )
        return about


def _today() -> date:
    return datetime.now(UTC).date()
